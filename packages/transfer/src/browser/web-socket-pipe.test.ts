import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { fromWebSocket, type WebSocketLike } from './web-socket-pipe.ts';

class FakeWebSocket extends EventTarget {
  readyState = 1;
  bufferedAmount = 0;
  binaryType = 'blob';
  readonly sent: unknown[] = [];
  readonly closes: unknown[] = [];

  send(data: unknown): void {
    if (this.readyState === 0) throw new Error('InvalidStateError');
    this.sent.push(data);
  }

  close(code?: number, reason?: string): void {
    this.readyState = 2;
    this.closes.push([code, reason]);
  }

  opened(): void {
    this.readyState = 1;
    this.dispatchEvent(new Event('open'));
  }

  closed(how: { code?: number; reason?: string } = {}): void {
    this.readyState = 3;
    this.dispatchEvent(Object.assign(new Event('close'), how));
  }

  message(data: unknown): void {
    this.dispatchEvent(Object.assign(new Event('message'), { data }));
  }
}

function pair(options = {}) {
  const socket = new FakeWebSocket();
  return { socket, pipe: fromWebSocket(socket as unknown as WebSocketLike, options) };
}

describe('a page’s WebSocket as a pipe', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('says how it was closed', async () => {
    const { socket, pipe } = pair();
    socket.closed({ code: 1001, reason: 'the receiver is stopping' });
    expect(await pipe.closed).toEqual({ code: 1001, reason: 'the receiver is stopping' });
    expect(await fromWebSocket(socket as unknown as WebSocketLike).closed).toEqual({ code: 1006, reason: '' });
  });

  test('asks for ArrayBuffers and yields messages in order, then ends', async () => {
    const { socket, pipe } = pair();
    expect(socket.binaryType).toBe('arraybuffer');
    socket.message('before anyone iterates');
    socket.message(Uint8Array.of(1, 2).buffer);
    const seen: unknown[] = [];
    const reading = (async () => {
      for await (const data of pipe) seen.push(data);
    })();
    await vi.advanceTimersByTimeAsync(0);
    socket.message('later');
    socket.message('and last');
    socket.closed();
    await reading;
    expect(seen).toEqual(['before anyone iterates', Uint8Array.of(1, 2), 'later', 'and last']);
  });

  test('of a WebSocket that is closed already ends at once', async () => {
    const socket = new FakeWebSocket();
    socket.readyState = 3;
    for await (const _ of fromWebSocket(socket as unknown as WebSocketLike)) expect.unreachable();
  });

  test('keeps what is sent while it connects, and its own copy of it', () => {
    const socket = new FakeWebSocket();
    socket.readyState = 0;
    const pipe = fromWebSocket(socket as unknown as WebSocketLike);
    const bytes = Uint8Array.of(1, 2, 3);
    pipe.send('hello');
    pipe.send(bytes);
    bytes.fill(9);
    expect(pipe.bufferedAmount).toBe(8);
    expect(socket.sent).toEqual([]);
    socket.opened();
    expect(socket.sent).toEqual(['hello', Uint8Array.of(1, 2, 3)]);
    expect(pipe.bufferedAmount).toBe(0);
  });

  test('says stop above the limit, and drained when half of it is left', async () => {
    const { socket, pipe } = pair({ bufferedBytes: 1000 });
    expect(pipe.send('x')).toBe(true);
    socket.bufferedAmount = 1001;
    expect(pipe.send('x')).toBe(false);
    let drained = false;
    const waiting = pipe.drained().then(() => {
      drained = true;
    });
    socket.bufferedAmount = 501;
    await vi.advanceTimersByTimeAsync(100);
    expect(drained).toBe(false);
    socket.bufferedAmount = 500;
    await vi.advanceTimersByTimeAsync(20);
    await waiting;
    expect(vi.getTimerCount()).toBe(0);
  });

  test('says how little is left in the queue: next to nothing on a slow line, what goes out between looks on a fast one', async () => {
    /** Bytes that are left in the queue when more is asked for, after some chunks on a line of that speed. */
    async function leftOn(bytesPerMs: number): Promise<number> {
      const { socket, pipe } = pair();
      const line = setInterval(() => {
        socket.bufferedAmount = Math.max(0, socket.bufferedAmount - bytesPerMs);
      }, 1);
      let left = 0;
      for (let count = 0; count < 100; count += 1) {
        socket.bufferedAmount += 100_000;
        pipe.send(new Uint8Array(100_000));
        const drained = pipe.drained({ belowBytes: 0 });
        let waiting = true;
        void drained.then(() => {
          waiting = false;
        });
        await vi.advanceTimersByTimeAsync(0);
        while (waiting) await vi.advanceTimersByTimeAsync(1);
        left = socket.bufferedAmount;
      }
      clearInterval(line);
      return left;
    }
    expect(await leftOn(1_000)).toBeLessThanOrEqual(40_000);
    const fast = await leftOn(50_000);
    expect(fast).toBeGreaterThan(500_000);
    expect(fast).toBeLessThanOrEqual(2_097_152);
  });

  test('in the background, where timers are slow, a message that comes in makes drained look again', async () => {
    const { socket, pipe } = pair({ bufferedBytes: 1000 });
    socket.bufferedAmount = 2000;
    const waiting = pipe.drained();
    socket.bufferedAmount = 0;
    socket.message('stored');
    await waiting;
    expect(vi.getTimerCount()).toBe(0);
  });

  test('drained is told at once when the connection is lost, or the caller gives up', async () => {
    const { socket, pipe } = pair();
    socket.bufferedAmount = 5_000_000;
    const lost = expect(pipe.drained()).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    const aborting = new AbortController();
    const aborted = expect(pipe.drained({ signal: aborting.signal })).rejects.toThrow('enough');
    aborting.abort(new Error('enough'));
    await aborted;
    socket.closed();
    await lost;
    await expect(pipe.drained()).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    expect(() => pipe.send('x')).toThrow(expect.objectContaining({ code: 'CONNECTION_LOST' }));
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each([
    [undefined, 1000],
    [1000, 1000],
    [1001, 1000],
    [1008, 1000],
    [2999, 1000],
    [3000, 3000],
    [4999, 4999],
    [5000, 1000],
  ])('close(%s) goes out as %i, once', (code, sent) => {
    const { socket, pipe } = pair();
    pipe.close(code, 'bye');
    pipe.close(4000, 'again');
    expect(socket.closes).toEqual([[sent, 'bye']]);
  });

  test('a long reason is cut on a code-point border within 123 bytes', () => {
    const { socket, pipe } = pair();
    pipe.close(1000, '😀'.repeat(50));
    expect(socket.closes).toEqual([[1000, '😀'.repeat(30)]]);
  });
});
