import { expect, test } from 'vitest';
import { deferred } from '../test/raw-peer.ts';
import {
  type Accept,
  bytesSource,
  memoryReceiver,
  openSession,
  pipePair,
  type Session,
  TransferError,
} from './index.ts';

/** Both ends of a transfer that has begun and waits for the test. */
interface UnderWay {
  readonly sender: Session;
  readonly receiver: Session;
  readonly cut: () => void;
  readonly cancel: AbortController;
  readonly fail: (error: TransferError) => void;
}

test.each<[string, boolean, (transfer: UnderWay) => void]>([
  ['the line is cut', true, ({ cut }) => cut()],
  ['the receiver shuts down', true, ({ receiver }) => void receiver.close()],
  ['this side shuts down', true, ({ sender }) => void sender.close()],
  ['it is cancelled here', false, ({ cancel }) => cancel.abort()],
  ['the source fails', false, ({ fail }) => fail(new TransferError('SOURCE_FAILED'))],
])('when %s, a source that is closed is told whether it may be opened again: %s', async (_, mayReopen, end) => {
  const [near, far] = pipePair();
  const { accept } = memoryReceiver();
  const receiver = openSession(far, { role: 'acceptor', accept: accept as Accept });
  const sender = openSession(near, { role: 'opener' });
  const read = deferred();
  const closed = deferred<unknown>();
  const held = deferred<Uint8Array>();
  held.promise.catch(() => {});
  const source = bytesSource('a', new Uint8Array(9));
  const watched = {
    ...source,
    open: async (options: Parameters<typeof source.open>[0]) => ({
      ...(await source.open(options)),
      read: () => {
        read.resolve();
        return held.promise;
      },
      close: async (how?: { readonly mayReopen: boolean }) => closed.resolve(how),
    }),
  };
  const cancel = new AbortController();
  const sending = sender.sendFile(watched, { signal: cancel.signal });
  await read.promise;
  end({ sender, receiver, cancel, cut: () => near.abort(), fail: held.reject });
  await expect(sending).rejects.toBeInstanceOf(TransferError);
  expect(await closed.promise).toEqual({ mayReopen });
  await sender.close();
});
