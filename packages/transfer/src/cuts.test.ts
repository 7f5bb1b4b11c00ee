import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Cut, cuttablePair } from '../test/cuttable-pair.ts';
import { bytesSource, type FileSource, memoryReceiver, openSession } from './index.ts';

const windowBytes = 800;
const chunkBytes = 100;
const bytes = Uint8Array.from({ length: 5_000 }, (_, index) => (index * 7) % 251);
const source: FileSource = { ...bytesSource('a', bytes), modified: 1e12, resumeKey: 'this-machine:/a' };

/** Sends the same file over one line after the other, each cut where it is told, the last one whole. */
async function overLines(cuts: readonly Cut[], file: FileSource) {
  const receiver = memoryReceiver();
  const lines: ReturnType<typeof cuttablePair>[] = [];
  const ended: Promise<unknown>[] = [];
  let stored: unknown;
  for (const cut of [...cuts, undefined]) {
    const line = cuttablePair(cut);
    lines.push(line);
    const receiving = openSession(line.far, { role: 'acceptor', accept: receiver.accept, windowBytes });
    const sending = openSession(line.near, { role: 'opener', chunkBytes });
    stored = await sending.sendFile(file).catch((error: unknown) => error);
    await Promise.all([line.broken() ? undefined : sending.close(), sending.closed]);
    ended.push(receiving.closed);
    if (!line.broken()) break;
    expect(stored).toMatchObject({ code: 'CONNECTION_LOST' });
  }
  for (const line of lines) line.end();
  await Promise.all(ended);
  return { receiver, lines, stored };
}

const someCut = fc.record<Cut>({
  after: fc.integer({ min: 0, max: 120 }),
  how: fc.constantFrom('lost' as const, 'ghost' as const),
});

test('however often and wherever the line is cut, the file arrives, once, and no cut costs more than the window', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(someCut, { maxLength: 6 }), async (cuts) => {
      const { receiver, lines, stored } = await overLines(cuts, source);
      expect(stored).toMatchObject({ name: 'a', size: bytes.length });
      expect([...receiver.files.keys()]).toEqual(['a']);
      expect(receiver.files.get('a')).toEqual(bytes);
      expect(receiver.partials.size).toBe(0);
      let sentBefore = 0;
      for (const { data } of lines) {
        const from = data[0]?.offset ?? bytes.length;
        expect(sentBefore - from).toBeLessThanOrEqual(windowBytes);
        sentBefore = Math.max(sentBefore, ...data.map((packet) => packet.offset + packet.bytes.length));
      }
    }),
    { numRuns: 60 },
  );
});

test('without a resumeKey it arrives just the same, and each line carries it from the beginning', async () => {
  const { resumeKey: _, ...keyless } = source;
  const cuts: Cut[] = [40, 30, 20].map((after) => ({ after, how: 'ghost' }));
  const { receiver, lines } = await overLines(cuts, keyless);
  expect(receiver.files.get('a')).toEqual(bytes);
  for (const { data } of lines) expect(data[0]?.offset).toBe(0);
});

test('a stream of unknown length is gone on with too', async () => {
  const stream: FileSource = { ...source, size: undefined };
  const { receiver, lines } = await overLines([{ after: 60, how: 'lost' }], stream);
  expect(receiver.files.get('a')).toEqual(bytes);
  expect(lines[1]!.data[0]!.offset).toBeGreaterThan(1_000);
});
