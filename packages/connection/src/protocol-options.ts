import type { MessageMemory, Role, TextAs } from '@wsferry/frames';
import type { MessageDeflater, MessageInflater } from '@wsferry/frames/deflate';
import type { Slab } from './frame-memory.ts';

/** How a {@link ConnectionProtocol} speaks. */
export interface ProtocolOptions {
  role: Role;
  /** Largest message taken, in bytes after reassembly. Default 64 MiB. A larger one fails the connection with 1009. */
  maxMessageBytes?: number | undefined;
  /** With permessage-deflate agreed on (RFC 7692), what compresses and decompresses; given, so that this runs without zlib. */
  compression?: Compression | undefined;
  /** Messages under so many bytes are sent uncompressed. Default 1024. */
  thresholdBytes?: number | undefined;
  /**
   * Where the output is written, when its memory is to be used again: whoever takes the output then gives each part back to
   * `slab.memory` once it is written. Default: memory that is used once.
   */
  slab?: Slab | undefined;
  /** Where messages are gathered that come in parts. Default: new memory for each. */
  messageMemory?: MessageMemory | undefined;
  /** What text messages are given as: strings, or `TextBytes`. Default `string`. */
  text?: TextAs | undefined;
  /** Called with a chunk that was received once nobody has a view of it any more; not with all of which that is so. */
  spent?: ((chunk: Uint8Array) => void) | undefined;
}

/** How a message is sent. */
export interface SendOptions {
  /** With permessage-deflate agreed on: whether this message is compressed, unless it is short. Default true. */
  compress?: boolean;
  /**
   * The bytes are given away: not copied when they are many, but detached from the program like those given to `postMessage`,
   * if they are all of their ArrayBuffer. Do not use them any more. Default false: they are copied.
   */
  transfer?: boolean;
}

/** Both directions of permessage-deflate, made for this end's role. */
export interface Compression {
  readonly deflater: Pick<MessageDeflater, 'deflate' | 'deflateMessage'>;
  readonly inflater: Pick<MessageInflater, 'inflate'>;
}

/** 64 MiB: a page's screenshot or a photo fits in one message; a file does not need to, it travels in chunks. */
export const DEFAULT_MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/** Below this a message saves less than compressing it costs: about one TCP segment. */
export const DEFAULT_THRESHOLD_BYTES = 1024;
