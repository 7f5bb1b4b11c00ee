import type { RequestPacket } from './request-packets.ts';

export * from './request-packets.ts';

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

/** What a sender may wish for when the name is taken: any other value counts as no wish at all. */
export const onConflictWishes = ['rename', 'overwrite', 'skip', 'fail'] as const;

/** One of {@link onConflictWishes}. */
export type OnConflict = (typeof onConflictWishes)[number];

/** Why a partial file that was there is not gone on with. */
export const restartReasons = {
  SOURCE_CHANGED: 'the source is not what it was: its size or its modification time is another',
  PARTIAL_CHANGED: 'what was kept of it is not what the source has there',
} as const;

/** One of {@link restartReasons}. */
export type RestartReason = keyof typeof restartReasons;

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
  /** The folders it lies in, outermost first: a list of names, so that no separator can be smuggled in. */
  readonly folder?: readonly string[] | undefined;
  /** Whether it may be executed. */
  readonly executable?: boolean | undefined;
  /** Names this source to the receiver, so that it finds what it kept of it: 1 to 128 printable ASCII characters. */
  readonly resumeKey?: string | undefined;
  /** The sender's wish when the name is taken, one of {@link OnConflict}; the receiver has the last word. */
  readonly onConflict?: string | undefined;
  /** The GET_FILE that this file answers. */
  readonly request?: number | undefined;
  /** The sender can also do this digest; `md5` is used unless the receiver names this one back. */
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
  /** Hex digest of exactly those `offset` bytes, in the algorithm agreed on. Without it the sender starts over. */
  readonly prefixDigest?: string | undefined;
  /** One of {@link RestartReason}: why what was kept of it is not gone on with. */
  readonly restarted?: string | undefined;
  /** Bytes the sender may have on the way beyond what is stored. Absent: no credit is kept. */
  readonly window?: number | undefined;
  /** What NEW_FILE named, if the receiver wants it: agreed. Absent: `md5`. */
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
  /** Lower-case hex. `sha256` when both sides named it, else `md5`; the other one is not looked at. */
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

/** Either side: no FILE_DATA of this transfer until the same side sends RESUME_FILE. */
export interface PauseFile {
  readonly type: 'PAUSE_FILE';
  readonly id: number;
}

/** Either side: takes back its own PAUSE_FILE, not the other side's. */
export interface ResumeFile {
  readonly type: 'RESUME_FILE';
  readonly id: number;
}

/** Sender → receiver: let there be this folder. Sent after what lies in it, so that its modification time stays. */
export interface NewFolder {
  readonly type: 'NEW_FOLDER';
  /** Of the same row as the ids of files. */
  readonly id: number;
  readonly name: string;
  /** The folders it lies in, outermost first. */
  readonly folder?: readonly string[] | undefined;
  /** Milliseconds since 1970. */
  readonly modified?: number | undefined;
}

/** Receiver → sender: the folder is there, or not. */
export interface AckNewFolder {
  readonly type: 'ACK_NEW_FOLDER';
  readonly id: number;
  readonly code: string;
  readonly message?: string | undefined;
  /** The name it got. */
  readonly name?: string | undefined;
}

/** Either side: the last packet was wrong. Never answered with another ERROR. */
export interface ErrorPacket {
  readonly type: 'ERROR';
  readonly code: string;
  readonly message: string;
  /** The transfer that failed by it, when it could be told. */
  readonly id?: number | undefined;
  /** The request that failed by it, when it could be told. */
  readonly request?: number | undefined;
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
  /** Lower-case hex; what it was stored with: one of the two. */
  readonly md5?: string | undefined;
  readonly sha256?: string | undefined;
  /** The folders it lies in, outermost first. */
  readonly folder?: readonly string[] | undefined;
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
  | PauseFile
  | ResumeFile
  | NewFolder
  | AckNewFolder
  | RequestPacket
  | ErrorPacket
  | Watch
  | FileArrived;

/** Any packet. */
export type Packet = ControlPacket | FileData;
