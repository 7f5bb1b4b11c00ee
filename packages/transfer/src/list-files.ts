import { TransferError } from './errors.ts';
import type { ListedEntry } from './packets.ts';
import type { Requests } from './requests.ts';
import { safeFolder } from './safe-name.ts';

/** What lies in a folder of the peer: asks for a page when the one before is consumed. */
export async function* listFiles(
  requests: Requests,
  asked: readonly string[],
  { recursive, signal }: { readonly recursive?: boolean | undefined; readonly signal?: AbortSignal | undefined },
): AsyncGenerator<ListedEntry, void, undefined> {
  const folder = asked.length === 0 ? undefined : safeFolder(asked);
  let after: string | undefined;
  do {
    const { entries = [], next, request } = await requests.ask('LIST_FILES', { folder, recursive, after }, { signal });
    // Else a peer could keep us asking for ever.
    if (next !== undefined && (entries.length === 0 || next === after)) {
      throw new TransferError('BAD_PACKET', 'the list of the peer does not go on', { side: 'peer', request });
    }
    yield* entries;
    after = next;
  } while (after !== undefined);
}
