/** The WebSocket subprotocol this package speaks (`Sec-WebSocket-Protocol`). */
export const SUBPROTOCOL = 'wsferry.v1';

/** The digests a FILE_END may carry: `md5` unless both sides agreed on `sha256`. */
export type DigestAlgorithm = 'md5' | 'sha256';

/** The bytes in front of the file's bytes in FILE_DATA: u8 kind, three zero bytes, u32 id, u64 offset, big-endian. */
export const DATA_HEADER_BYTES = 16;

/** The first byte of a FILE_DATA message. Other kinds are free for later versions. */
export const DATA_KIND = 1;

/** Ids are unsigned 32-bit integers, 0 excluded. */
export const MAX_ID = 0xffff_ffff;

/** Sender → receiver: a file is offered. Only `id` and `name` are required. */
export interface NewFile {
  readonly type: 'NEW_FILE';
  readonly id: number;
  /** As the sender has it; the receiver decides with `safeName` whether it takes it. */
  readonly name: string;
  /** Bytes; absent for a stream of unknown length. */
  readonly size?: number | undefined;
  /** Milliseconds since 1970. */
  readonly modified?: number | undefined;
  readonly resumeKey?: string | undefined;
  /** The sender's wish when the name is taken; the receiver has the last word. */
  readonly onConflict?: string | undefined;
  /** The sender can also do this digest; `md5` is used unless the receiver names it back. */
  readonly digest?: DigestAlgorithm | undefined;
}

/** Receiver → sender: may it come, and from where on. */
export interface AckNewFile {
  readonly type: 'ACK_NEW_FILE';
  readonly id: number;
  readonly code: string;
  readonly message?: string | undefined;
  /** Bytes already stored; 0 when absent. */
  readonly offset?: number | undefined;
  /** Hex digest of exactly those `offset` bytes. Without it the sender starts over. */
  readonly prefixDigest?: string | undefined;
  /** Bytes the sender may have on the way beyond what is stored. Absent: no credit is kept. */
  readonly window?: number | undefined;
  readonly digest?: DigestAlgorithm | undefined;
}

/** Sender → receiver, as a binary message: bytes of the file, in order. */
export interface FileData {
  readonly type: 'FILE_DATA';
  readonly id: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Receiver → sender: this many bytes are stored. A sender may ignore it. */
export interface AckFileData {
  readonly type: 'ACK_FILE_DATA';
  readonly id: number;
  /** Absolute: bytes of the file stored so far, a resumed prefix included. */
  readonly stored: number;
  readonly window?: number | undefined;
}

/** Sender → receiver: that was all, and this is the digest of the whole file. */
export interface FileEnd {
  readonly type: 'FILE_END';
  readonly id: number;
  /** Lower-case hex. Exactly one of `md5` and `sha256` is there. */
  readonly md5?: string | undefined;
  readonly sha256?: string | undefined;
}

/** Receiver → sender: the verdict. */
export interface AckFileEnd {
  readonly type: 'ACK_FILE_END';
  readonly id: number;
  readonly code: string;
  readonly message?: string | undefined;
  /** The name the file got, which may differ from the one that was asked for. */
  readonly name?: string | undefined;
  readonly path?: string | undefined;
  readonly size?: number | undefined;
  /** True when an identical file was there already and nothing new was stored. */
  readonly existing?: boolean | undefined;
}

/** Either side: the transfer ends here. */
export interface CancelFile {
  readonly type: 'CANCEL_FILE';
  readonly id: number;
  readonly code?: string | undefined;
  readonly message?: string | undefined;
}

/** Either side: the last packet was wrong. Never answered with another ERROR. */
export interface ErrorPacket {
  readonly type: 'ERROR';
  readonly code: string;
  readonly message: string;
  /** The transfer that failed by it, when it could be told. */
  readonly id?: number | undefined;
}

/** Either side: tell me about every file that arrives at yours. */
export interface Watch {
  readonly type: 'WATCH';
  /** How many of the last arrivals to repeat first; 0 when absent. */
  readonly recent?: number | undefined;
}

/** To whoever sent WATCH: a file has arrived. */
export interface FileArrived {
  readonly type: 'FILE_ARRIVED';
  readonly name: string;
  readonly size: number;
  readonly md5: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** True when it was sent again and the identical file was there already. */
  readonly existing?: boolean | undefined;
}

/** The packets that travel as JSON text. */
export type ControlPacket =
  | NewFile
  | AckNewFile
  | AckFileData
  | FileEnd
  | AckFileEnd
  | CancelFile
  | ErrorPacket
  | Watch
  | FileArrived;

/** Any packet. */
export type Packet = ControlPacket | FileData;
