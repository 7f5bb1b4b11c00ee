import { describe, expect, test } from 'vitest';
import { fromWebSocket, type WebSocketLike } from './browser/index.ts';
import { ArrivalBoard, openSession, pipePair, type SessionOptions } from './index.ts';

const wrong = [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '5' as unknown as number];

function open(options: Partial<SessionOptions>) {
  return openSession(pipePair()[0], { role: 'opener', ...options });
}

describe('an option out of range is a RangeError with its name, at once', () => {
  test.each(['windowBytes', 'chunkBytes'] as const)('%s: whole numbers from 1 on', async (name) => {
    for (const value of wrong) expect(() => open({ [name]: value })).toThrow(RangeError);
    expect(() => open({ [name]: 0 })).toThrow(`expected ${name} to be a whole number of at least 1, got 0`);
    await open({ [name]: 1 }).close();
  });

  test.each([
    ['maxTransfers', 1],
    ['maxFileBytes', 0],
  ] as const)('%s: whole numbers from %i on, or Infinity', async (name, least) => {
    for (const value of [least - 1, 0.5, Number.NaN]) expect(() => open({ [name]: value })).toThrow(name);
    for (const value of [least, Number.POSITIVE_INFINITY, undefined]) await open({ [name]: value }).close();
  });

  test('role: opener or acceptor', () => {
    expect(() => open({ role: 'server' as 'opener' })).toThrow(
      "expected role to be 'opener' or 'acceptor', got server",
    );
  });

  test('recent of watch, keep of a board and the marks of pipes: whole numbers from 0 on', async () => {
    const session = open({});
    expect(() => session.watch({}, { recent: -1 })).toThrow('recent');
    await session.close();
    expect(() => new ArrivalBoard({ keep: Number.NaN })).toThrow('keep');
    expect(() => pipePair({ highWaterMarkBytes: Number.NaN })).toThrow('highWaterMarkBytes');
    expect(() => fromWebSocket({} as WebSocketLike, { bufferedBytes: -1 })).toThrow('bufferedBytes');
  });

  test('and the pipe has no session then', async () => {
    const [near] = pipePair();
    expect(() => openSession(near, { role: 'opener', windowBytes: 0 })).toThrow(RangeError);
    await openSession(near, { role: 'opener' }).close();
  });
});
