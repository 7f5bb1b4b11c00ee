import { expect, test } from 'vitest';
import { bytesSource, memoryReceiver, openSession, pipePair } from './index.ts';

test('a file sent over a pipe arrives under its name, and the sender learns its MD5', async () => {
  const [near, far] = pipePair();
  const { accept, files } = memoryReceiver();
  const receiver = openSession(far, { role: 'acceptor', accept });
  const sender = openSession(near, { role: 'opener' });
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  const stored = await sender.sendFile(bytesSource('a.bin', bytes));
  expect(stored).toMatchObject({ name: 'a.bin', size: 60_000, existing: false });
  expect(files.get('a.bin')).toEqual(bytes);
  await sender.close();
  await receiver.closed;
});
