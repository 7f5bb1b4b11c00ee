import { expect, test } from 'vitest';
import { pipeCompliance } from '../test/pipe-compliance.ts';
import { pipePair } from './index.ts';

pipeCompliance('one end of pipePair', async () => {
  const [near, far] = pipePair();
  return { near, far };
});

test('abort loses what was not delivered and ends both sides with 1006', async () => {
  const [near, far] = pipePair();
  near.send('lost');
  near.abort();
  for await (const _ of far) expect.unreachable();
  expect([near.closeCode, far.closeCode]).toEqual([1006, 1006]);
  expect(() => far.send('late')).toThrow(expect.objectContaining({ code: 'CONNECTION_LOST' }));
});

test('drained gives up when its signal aborts', async () => {
  const [near] = pipePair({ highWaterMarkBytes: 0 });
  expect(near.send('a')).toBe(false);
  await expect(near.drained({ signal: AbortSignal.abort('why') })).rejects.toBe('why');
  const abort = new AbortController();
  const drained = near.drained({ signal: abort.signal });
  abort.abort('enough');
  await expect(drained).rejects.toBe('enough');
});
