import type { TransferError } from './errors.ts';
import type { RestartReason } from './packets.ts';
import type { StoredFile } from './ports.ts';

/** What can happen to a file that is received. */
export type TransferNews =
  | { readonly type: 'offered' }
  /** `offset` bytes were kept of it, and the sender goes on there. */
  | { readonly type: 'resumed'; readonly offset: number }
  /** Something was kept of it, and it begins anew all the same. */
  | { readonly type: 'restarted'; readonly reason: RestartReason }
  /** By whom: `local` is this side. Both may have, and then both must continue. */
  | { readonly type: 'paused' | 'continued'; readonly by: 'local' | 'peer' }
  | { readonly type: 'progress'; readonly stored: number }
  | { readonly type: 'stored'; readonly file: StoredFile }
  | { readonly type: 'refused' | 'failed'; readonly code: TransferError['code']; readonly message: string };

/** What the receiving side tells about its transfers. `name` is the sender's word: print it through `printable`. */
export type TransferEvent = TransferNews & {
  readonly id: number;
  readonly name: string;
  readonly size?: number;
  /** The folders it is to lie in, outermost first; absent when it lies in none. Like the name: the sender's word. */
  readonly folder?: readonly string[];
};
