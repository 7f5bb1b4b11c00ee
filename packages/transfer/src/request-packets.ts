import type { DigestAlgorithm } from './packets.ts';

/** The most requests of one side that may be open, that is, not answered yet. */
export const MAX_OPEN_REQUESTS = 128;

/** The most UTF-16 units of a note: a few screens of text; what is longer is a file. */
export const MAX_NOTE_LENGTH = 4_000;

/** Either side: send me this file. */
export interface GetFile {
  readonly type: 'GET_FILE';
  /** The asker's own numbers, from 1 up, each higher than all before; one row for all kinds of requests. */
  readonly request: number;
  readonly name: string;
  /** The folders it lies in, outermost first. */
  readonly folder?: readonly string[] | undefined;
  /** The digest to be offered, beside `md5`. */
  readonly digest?: DigestAlgorithm | undefined;
}

/** After OK comes a NEW_FILE with that `request`. */
export interface AckGetFile {
  readonly type: 'ACK_GET_FILE';
  readonly request: number;
  readonly code: string;
  readonly message?: string | undefined;
}

/** Either side: what is there to get? */
export interface ListFiles {
  readonly type: 'LIST_FILES';
  readonly request: number;
  /** The folder that is asked for; the whole shelf when absent. */
  readonly folder?: readonly string[] | undefined;
  /** Also what lies in its folders. */
  readonly recursive?: boolean | undefined;
  /** The `next` of the page before. */
  readonly after?: string | undefined;
}

/** What a FILE_LIST tells of a file or a folder. */
export interface ListedEntry {
  readonly name: string;
  /** The folders it lies in, from the folder that was asked for on; absent in that folder itself. */
  readonly folder?: readonly string[] | undefined;
  readonly kind: 'file' | 'folder';
  /** Bytes. */
  readonly size?: number | undefined;
  /** Milliseconds since 1970. */
  readonly modified?: number | undefined;
  readonly executable?: boolean | undefined;
}

/** One page of a list. */
export interface FileList {
  readonly type: 'FILE_LIST';
  readonly request: number;
  readonly code: string;
  readonly message?: string | undefined;
  readonly entries?: readonly ListedEntry[] | undefined;
  /** There is more: ask again with this as `after`. It means something only to the side that gave it. */
  readonly next?: string | undefined;
}

/** Either side: tell this to everybody who watches. */
export interface Note {
  readonly type: 'NOTE';
  /** With it the note is answered by ACK_NOTE. */
  readonly request?: number | undefined;
  /** At most {@link MAX_NOTE_LENGTH} UTF-16 units. */
  readonly text: string;
}

/** The note was told, or not. */
export interface AckNote {
  readonly type: 'ACK_NOTE';
  readonly request: number;
  readonly code: string;
  readonly message?: string | undefined;
}

/** To whoever sent WATCH: somebody has posted a note. */
export interface NotePosted {
  readonly type: 'NOTE_POSTED';
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Either side: are you there? Answered at once, after everything that came before it. */
export interface Probe {
  readonly type: 'PROBE';
  /** The asker's own number, from 1 up. */
  readonly probe: number;
  /** Tell of yourself, too. */
  readonly about?: true | undefined;
}

/** The answer to PROBE. */
export interface AckProbe {
  readonly type: 'ACK_PROBE';
  readonly probe: number;
  /** When it was asked for: what the program at this end wants to tell, such as its `software`. For people and tools. */
  readonly about?: Readonly<Record<string, string>> | undefined;
}

/** The packets of requests, notes and probes. */
export type RequestPacket =
  | GetFile
  | AckGetFile
  | ListFiles
  | FileList
  | Note
  | AckNote
  | NotePosted
  | Probe
  | AckProbe;
