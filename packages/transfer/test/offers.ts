import { type FileOffer, safeName, type TransferControl } from '../src/index.ts';

/** The control of a transfer that nobody runs. */
export const noControl: TransferControl = {
  signal: new AbortController().signal,
  end: async () => {},
  pause() {},
  resume() {},
};

/** What a receiver is offered. */
export function offerOf(name: string, rest: Partial<FileOffer> = {}): FileOffer {
  return { name: safeName(name), folder: [], id: 1, ...rest };
}
