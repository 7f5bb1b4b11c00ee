import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { bytesSource, Courier, memoryReceiver, openSession, pipePair } from './index.ts';
import { onAbort } from './on-abort.ts';

describe('what waits for a signal', () => {
  test('is called once each, in order, behind one listener; who has left is not', () => {
    const { signal, abort } = controller();
    const called: number[] = [];
    const leave = [1, 2, 3, 4].map((number) => onAbort(signal, () => called.push(number)));
    leave[1]!();
    leave[1]!();
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    abort();
    abort();
    expect(called).toEqual([1, 3, 4]);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('that leaves because of another one, in the same moment, is not called', () => {
    const { signal, abort } = controller();
    const called: number[] = [];
    onAbort(signal, () => second());
    const second = onAbort(signal, () => called.push(2));
    abort();
    expect(called).toEqual([]);
  });

  test('leaves no listener behind, and may wait again', () => {
    const { signal, abort } = controller();
    onAbort(signal, () => {})();
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    let called = 0;
    onAbort(signal, () => called++);
    abort();
    expect(called).toBe(1);
  });

  function controller() {
    const own = new AbortController();
    return { signal: own.signal, abort: () => own.abort() };
  }
});

describe('many transfers with one signal', () => {
  /** What Node warns of while `work` runs. */
  async function warnings(work: () => Promise<unknown>): Promise<Error[]> {
    const heard: Error[] = [];
    const listener = (warning: Error) => heard.push(warning);
    process.on('warning', listener);
    await work();
    // A warning is told in a turn of its own.
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', listener);
    return heard;
  }

  const names = Array.from({ length: 20 }, (_, index) => `file ${index}`);

  test.each([1, 128])('%i at once, sent and got by a courier: Node warns of nothing', async (maxTransfers) => {
    const { accept, acceptFolder, files, shelf } = memoryReceiver();
    const { signal } = new AbortController();
    const courier = new Courier({
      session: { maxTransfers },
      connect: async () => {
        const [near, far] = pipePair();
        openSession(far, { role: 'acceptor', accept, acceptFolder, shelf });
        return near;
      },
    });
    const heard = await warnings(async () => {
      await Promise.all(names.map((name) => courier.sendFile(bytesSource(name, new Uint8Array(9)), { signal })));
      await Promise.all(names.map((name) => courier.sendFolder({ name: `folder of ${name}` }, { signal })));
      const { accept: acceptHere, files: got } = memoryReceiver();
      await Promise.all(names.map((name) => courier.getFile(name, { accept: acceptHere, signal })));
      const session = await courier.session();
      await Promise.all(names.map(() => session.probe({ signal })));
      expect(got.size).toBe(20);
    });
    expect(files.size).toBe(20);
    expect(heard).toEqual([]);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    await courier.close();
  });
});
