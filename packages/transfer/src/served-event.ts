import type { SendingEvent } from './send-driver.ts';
import type { TransferNews } from './transfer-event.ts';

/** What can happen to a file that the peer asked for. */
export type ServedNews =
  | { readonly type: 'asked' }
  /** It was found, and its turn has come. */
  | { readonly type: 'offered'; readonly size: number | undefined }
  /** Bytes that the peer has acknowledged. */
  | Extract<TransferNews, { readonly type: 'progress' }>
  | SendingEvent
  /** The peer has stored it. */
  | Extract<TransferNews, { readonly type: 'stored' }>
  /** `refused` by this side, before it was offered; `failed` later, by either. */
  | Extract<TransferNews, { readonly type: 'refused' | 'failed' }>;

/** What a session tells of the files that the peer asked for. Name and folder are the peer's words: print them through `printable`. */
export type ServedEvent = ServedNews & {
  /** The peer's number. */
  readonly request: number;
  readonly name: string;
  /** The folders it is said to lie in, outermost first; absent when in none. */
  readonly folder?: readonly string[];
};
