import { describe, expect, test } from 'vitest';
import { bytesSource, type MessagePipe, memoryReceiver, openSession } from '../src/index.ts';

/** Two connected ends and how to put them away. */
export interface PipePair {
  readonly near: MessagePipe;
  readonly far: MessagePipe;
  readonly done?: () => Promise<void>;
}

/** What every {@link MessagePipe} must do. The sessions rely on these and on nothing else. */
export function pipeCompliance(name: string, makePair: () => Promise<PipePair>): void {
  const withPair = (run: (pair: PipePair) => Promise<void>) => async () => {
    const pair = await makePair();
    try {
      await run(pair);
    } finally {
      await pair.done?.();
    }
  };

  describe(`${name} is a MessagePipe`, () => {
    test(
      'text stays text, bytes stay bytes, and both stay in order',
      withPair(async ({ near, far }) => {
        const messages = ['a', new Uint8Array([1, 2]), '', new Uint8Array(0), 'é😀', new Uint8Array(70_000).fill(7)];
        for (const message of messages) if (!near.send(message)) await near.drained();
        near.close(1000);
        const heard: unknown[] = [];
        for await (const message of far) heard.push(typeof message === 'string' ? message : Uint8Array.from(message));
        expect(heard).toEqual(messages);
      }),
    );

    test(
      'the iteration ends on both sides, without throwing, when either closes',
      withPair(async ({ near, far }) => {
        far.close(1000, 'done');
        for await (const _ of near) expect.unreachable();
        for await (const _ of far) expect.unreachable();
      }),
    );

    test(
      'closed says with which code and words the other side ended it',
      withPair(async ({ near, far }) => {
        far.close(3001, 'done for today');
        for await (const _ of near) expect.unreachable();
        expect(await near.closed).toMatchObject({ code: 3001, reason: 'done for today' });
      }),
    );

    test(
      'send answers false when nobody reads, and drained resolves once somebody does',
      withPair(async ({ near, far }) => {
        const chunk = new Uint8Array(262_144);
        let sent = 1;
        while (near.send(chunk)) {
          sent += 1;
          await new Promise((resolve) => setImmediate(resolve));
        }
        const drained = near.drained().then(() => near.close(1000));
        let heard = 0;
        for await (const _ of far) heard += 1;
        await drained;
        expect(heard).toBe(sent);
      }),
    );

    test(
      'drained resolves at once while there is room',
      withPair(async ({ near }) => {
        await near.drained();
        near.close();
      }),
    );

    test(
      'files travel both ways at once',
      withPair(async ({ near, far }) => {
        const here = memoryReceiver();
        const there = memoryReceiver();
        const opener = openSession(near, { role: 'opener', accept: here.accept });
        const acceptor = openSession(far, { role: 'acceptor', accept: there.accept });
        const bytes = Uint8Array.from({ length: 3_000_000 }, (_, index) => (index * 7) % 251);
        await Promise.all([
          opener.sendFile(bytesSource('up', bytes)),
          acceptor.sendFile(bytesSource('down', bytes)),
          opener.sendFile(bytesSource('small', bytes.subarray(0, 5))),
        ]);
        // Not toEqual: it compares megabytes element by element, for minutes.
        expect(Buffer.compare(there.files.get('up')!, bytes)).toBe(0);
        expect(Buffer.compare(here.files.get('down')!, bytes)).toBe(0);
        expect(there.files.get('small')).toHaveLength(5);
        await Promise.all([opener.close(), acceptor.closed]);
      }),
    );
  });
}
