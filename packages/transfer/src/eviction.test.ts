import { describe, expect, test } from 'vitest';
import { deferred } from '../test/raw-peer.ts';
import {
  type Accept,
  bytesSource,
  type FileSource,
  memoryReceiver,
  openSession,
  pipePair,
  type TransferControl,
  TransferError,
} from './index.ts';

const bytes = Uint8Array.from({ length: 1_000 }, (_, index) => index % 251);
const source: FileSource = { ...bytesSource('a', bytes), resumeKey: 'k' };

/** A sender over a line of its own to a receiver that all share. */
function sender(accept: Accept) {
  const [near, far] = pipePair();
  openSession(far, { role: 'acceptor', accept, windowBytes: 800 });
  return openSession(near, { role: 'opener', chunkBytes: 100 });
}

describe('a file that is sent again while its older transfer is still open', () => {
  test('is gone on with when the older one has written what it was writing; its sender hears SUPERSEDED', async () => {
    const { accept, files } = memoryReceiver();
    const gate = deferred();
    const began = deferred();
    let writing = false;
    const stuck: Accept = async (offer, control) => {
      const held = await accept(offer, control);
      const write: typeof held.sink.write = async (part) => {
        writing = true;
        began.resolve();
        await gate.promise;
        await held.sink.write(part);
        writing = false;
      };
      return { ...held, sink: { ...held.sink, write } };
    };
    const older = sender(stuck).sendFile(source);
    older.catch(() => {});
    await began.promise;
    const claimed: boolean[] = [];
    const events: unknown[] = [];
    const newer = sender(async (offer, control) => {
      const held = await accept(offer, control);
      claimed.push(writing);
      return held;
    }).sendFile(source, { onEvent: (event) => events.push(event) });
    await expect(older).rejects.toMatchObject({ code: 'SUPERSEDED', side: 'peer' });
    expect(claimed).toEqual([]);
    gate.resolve();
    expect(await newer).toMatchObject({ size: 1_000, existing: false });
    expect(claimed).toEqual([false]);
    expect(events).toEqual([{ type: 'resumed', offset: 100 }]);
    expect(files.get('a')).toEqual(bytes);
  });

  test('waits for one that is taking its final name, and finds it there', async () => {
    const { accept, files } = memoryReceiver();
    const gate = deferred();
    const began = deferred();
    const older = sender(async (offer, control) => {
      const held = await accept(offer, control);
      const commit: typeof held.sink.commit = async () => {
        began.resolve();
        await gate.promise;
        return held.sink.commit();
      };
      return { ...held, sink: { ...held.sink, commit } };
    }).sendFile(source);
    await began.promise;
    const newer = sender(accept).sendFile(source);
    gate.resolve();
    expect(await older).toMatchObject({ existing: false });
    expect(await newer).toMatchObject({ name: 'a', existing: true });
    expect(files.size).toBe(1);
  });

  test('of ten at once one stores it, whichever it is; the others hear SUPERSEDED or find it there', async () => {
    const { accept, files, partials } = memoryReceiver();
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, () =>
        sender(accept)
          .sendFile(source)
          .then(
            ({ existing }) => (existing ? 'existing' : 'stored'),
            (error: TransferError) => error.code,
          ),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(1);
    for (const outcome of outcomes) expect(['stored', 'existing', 'SUPERSEDED']).toContain(outcome);
    expect([...files.keys()]).toEqual(['a']);
    expect(partials.size).toBe(0);
  });
});

describe('the control of a transfer', () => {
  test('ends it while its receiver still decides: end resolves when the sink that comes late is discarded', async () => {
    const { accept } = memoryReceiver();
    const asked = deferred<TransferControl>();
    const decide = deferred();
    const discarded: unknown[] = [];
    const sent = sender(async (offer, control) => {
      asked.resolve(control);
      await decide.promise;
      const held = await accept(offer, control);
      return { ...held, sink: { ...held.sink, discard: async (how) => void discarded.push(how) } };
    }).sendFile(source);
    const control = await asked.promise;
    const ended = control.end(new TransferError('SUPERSEDED'));
    await expect(sent).rejects.toMatchObject({ code: 'SUPERSEDED' });
    expect(discarded).toEqual([]);
    decide.resolve();
    await ended;
    expect(discarded).toEqual([{ keepPartial: true }]);
  });

  test.each(['deciding', 'receiving'])('tells a receiver that is %s when the connection is lost', async (when) => {
    const { accept } = memoryReceiver();
    const asked = deferred<TransferControl>();
    const [near, far] = pipePair();
    openSession(far, {
      role: 'acceptor',
      accept: async (offer, control) => {
        asked.resolve(control);
        if (when === 'deciding') await deferred().promise;
        const held = await accept(offer, control);
        return { ...held, sink: { ...held.sink, write: () => deferred().promise } };
      },
    });
    openSession(near, { role: 'opener' })
      .sendFile(source)
      .catch(() => {});
    const { signal } = await asked.promise;
    expect(signal.aborted).toBe(false);
    near.close();
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    expect(signal.reason).toMatchObject({ code: 'CONNECTION_LOST' });
  });

  test('does nothing to a transfer that has ended', async () => {
    const { accept } = memoryReceiver();
    let control: TransferControl | undefined;
    const session = sender((offer, given) => {
      control = given;
      return accept(offer, given);
    });
    await session.sendFile(source);
    await control!.end(new TransferError('SUPERSEDED'));
    expect(await session.sendFile(source)).toMatchObject({ existing: true });
  });
});
