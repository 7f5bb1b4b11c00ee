import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { memoryReceiver, openSession, pipePair } from './index.ts';

/** The transcripts of PROTOCOL.md, one after the other: `→` what the sender sends, `←` what the receiver answers; hex is a binary message. */
function transcript(): { direction: string; message: string | Uint8Array }[] {
  const text = readFileSync(new URL('../PROTOCOL.md', import.meta.url), 'utf8');
  const block = [...text.matchAll(/```transcript\n(.*?)```/gs)].map(([, lines]) => lines).join('');
  const steps: { direction: string; message: string | Uint8Array }[] = [];
  for (const line of block.split('\n')) {
    const [, direction, body] = /^([→←]) (.*)$/.exec(line) ?? [];
    if (direction === undefined || body === undefined) continue;
    const message = body.startsWith('{') ? body : Uint8Array.from(body.split(' '), (byte) => Number.parseInt(byte, 16));
    steps.push({ direction, message });
  }
  return steps;
}

test('a receiver answers the transcripts of PROTOCOL.md, byte for byte', async () => {
  const [near, far] = pipePair();
  const { accept, files } = memoryReceiver();
  openSession(far, { role: 'acceptor', accept });
  const answers = near[Symbol.asyncIterator]();
  const steps = transcript();
  expect(steps.length).toBeGreaterThan(12);
  for (const { direction, message } of steps) {
    if (direction === '→') near.send(message);
    else expect((await answers.next()).value).toBe(message);
  }
  for (const name of ['hello.txt', 'again.txt']) {
    expect(new TextDecoder().decode(files.get(name))).toBe('hello, ferry');
  }
});
