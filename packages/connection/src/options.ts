import type { Socket } from 'node:net';
import type { TextAs } from '@wsferry/frames';
import type { DeflateOptions } from '@wsferry/frames/deflate';
import type { Accepted, RequestHead, ResponseHead } from '@wsferry/handshake';
import type { Clock } from './clock.ts';
import type { KeepaliveOptions } from './keepalive.ts';

/** How a connection ended. `code` is the peer's or ours (RFC 6455 §7.1.5), 1006 when TCP ended without a Close frame. */
export interface CloseResult {
  code: number;
  reason: string;
  /** Whether the closing handshake was completed (§7.1.4). */
  wasClean: boolean;
  /** What the peer did wrong, when that ended the connection. */
  error?: Error;
}

/** How long `drained` is to wait. */
export interface DrainedOptions {
  /** Rejects with its reason. */
  signal?: AbortSignal;
  /** No more unsent bytes than so many. Default: half of `highWaterMarkBytes`. */
  belowBytes?: number;
}

/** permessage-deflate (RFC 7692): what to agree on, and how to compress. */
export interface DeflateSettings extends DeflateOptions {
  /** Messages under so many bytes are sent uncompressed. Default 1024. */
  thresholdBytes?: number;
  /** zlib's level, 0 (stored) to 9 (small). Default 5. */
  level?: number;
}

export interface ConnectionOptions {
  /** Largest message taken, in bytes, once decompressed. Default 64 MiB. A larger one fails the connection with 1009. */
  maxMessageBytes?: number;
  /**
   * Offers (client) or accepts (server) permessage-deflate. Default false: most of what is sent here, files, is compressed
   * already, and every connection would keep up to 64 KiB of context. `true` takes the defaults of `DeflateSettings`.
   */
  deflate?: boolean | DeflateSettings;
  /**
   * What text messages are given as. `bytes`: as `TextBytes`, a Uint8Array that is sent as text again, validated but not made
   * into a string, which takes longer than all the rest. Default `string`.
   */
  text?: TextAs;
  /** Pings a silent peer and gives it up when nothing comes. On by default: 20 s and 20 s; `false` turns it off. */
  keepalive?: Partial<KeepaliveOptions> | false;
  /** How long a closing handshake, and TCP's end after it, may make no progress. Default 10 s. */
  closeTimeoutMs?: number;
  /** Above this many unsent bytes `send` says `false`. Default 1 MiB; `drained` waits until half of it is gone. */
  highWaterMarkBytes?: number;
  /** Above this many received bytes that nobody took, reading stops and TCP slows the peer down. Default 1 MiB. */
  receiveHighWaterMarkBytes?: number;
  /** Where time comes from. Default: the system's. */
  clock?: Clock;
}

/** What a handshake left: see `Upgraded` of `@wsferry/handshake/node`. */
export interface ConnectionParts {
  role: 'client' | 'server';
  socket: Socket;
  rest: Uint8Array;
  /** With `permessage-deflate` among its extensions, messages are compressed as it says. */
  accepted: Accepted;
  /** Default: what the request asks for. */
  url?: string;
  /** Or its text, as `requestText` of `acceptUpgrade`: then the head is made of it when somebody asks. */
  request?: RequestHead | string;
  /** Default: the socket's. */
  remoteAddress?: string | undefined;
  response?: ResponseHead;
}
