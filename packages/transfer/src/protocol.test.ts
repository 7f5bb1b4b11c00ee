import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ArrivalBoard, type MemoryPipe, memoryReceiver, openSession, pipePair } from './index.ts';

type Step = { readonly direction: '→' | '←'; readonly message: string | Uint8Array } | { readonly direction: '×' };

/**
 * The transcripts of PROTOCOL.md, one after the other: `→` what whoever opened the connection says, `←` what the other side
 * answers, `×` where the connection breaks; hex is a binary message.
 */
function transcript(): Step[] {
  const text = readFileSync(new URL('../PROTOCOL.md', import.meta.url), 'utf8');
  const block = [...text.matchAll(/```transcript\n(.*?)```/gs)].map(([, lines]) => lines).join('');
  const steps: Step[] = [];
  for (const line of block.trimEnd().split('\n')) {
    const [, direction, body = ''] = /^([→←×]) ?(.*)$/.exec(line) ?? [];
    if (direction === undefined) throw new Error(`expected a step, got ${line}`);
    const message = body.startsWith('{') ? body : Uint8Array.from(body.split(' '), (byte) => Number.parseInt(byte, 16));
    steps.push({ direction: direction as '→', message });
  }
  return steps;
}

test('a session answers the transcripts of PROTOCOL.md, byte for byte', async () => {
  const receiver = memoryReceiver();
  const board = new ArrivalBoard({ now: () => 1_700_000_000_000 });
  const { accept, acceptFolder, shelf, files } = receiver;
  const open = (): { near: MemoryPipe; answers: AsyncIterator<string | Uint8Array> } => {
    const [near, far] = pipePair();
    openSession(far, { role: 'acceptor', accept, acceptFolder, shelf, board });
    return { near, answers: near[Symbol.asyncIterator]() };
  };
  let line = open();
  const steps = transcript();
  expect(steps.length).toBeGreaterThan(50);
  for (const step of steps) {
    if (step.direction === '×') {
      line.near.abort();
      line = open();
    } else if (step.direction === '→') line.near.send(step.message);
    else expect((await line.answers.next()).value).toEqual(step.message);
  }
  line.near.close();
  expect((await line.answers.next()).done).toBe(true);
  for (const name of ['hello.txt', 'again.txt', 'cut.txt']) {
    expect(new TextDecoder().decode(files.get(name))).toBe('hello, ferry');
  }
});
