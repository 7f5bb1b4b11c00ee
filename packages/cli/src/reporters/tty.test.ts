import { Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { ttyReporter } from './tty.ts';

/** A terminal of so many columns that keeps everything written to it. */
class Terminal extends Writable {
  readonly isTTY = true;
  readonly rows = 24;
  columns: number;
  written = '';

  constructor(columns: number) {
    super();
    this.columns = columns;
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.written += chunk.toString();
    done();
  }

  get text(): string {
    return stripVTControlCharacters(this.written);
  }
}

const long = `holiday-${'in-the-mountains-'.repeat(20)}2026.tar.gz`;

/** Draws once with `count` files on their way. */
async function drawn(columns: number, count: number): Promise<string> {
  const terminal = new Terminal(columns);
  const stream = terminal as unknown as NodeJS.WriteStream;
  const reporter = ttyReporter(stream, stream);
  const bytes = 1000 * count;
  reporter.report({ event: 'connected', url: 'ws://127.0.0.1:1', files: count, bytes });
  for (let id = 1; id <= count; id++) {
    reporter.report({ event: 'offered', id, name: `${id}-${long}`, size: 1000 });
    reporter.report({ event: 'progress', id, name: `${id}-${long}`, stored: 0, size: 1000 });
  }
  for (let id = 1; id <= count; id++)
    reporter.report({ event: 'progress', id, name: `${id}-${long}`, stored: 450, size: 1000 });
  while (!terminal.text.includes('450 B')) await new Promise((resolve) => setImmediate(resolve));
  const { text } = terminal;
  reporter.close();
  return text;
}

test.each([60, 80, 120, 200])(
  'at %i columns no progress line is longer, and the name keeps both ends',
  async (columns) => {
    const line = (await drawn(columns, 1)).split('\n').find((candidate) => candidate.includes('45%')) ?? '';
    expect(line.length).toBeLessThan(columns);
    expect(line).toMatch(/ 45% +450 B \/ 1 kB .*1-h.*…/);
    expect(line.endsWith('gz')).toBe(true);
  },
);

test('of many files ten are drawn, and one line sums them up', async () => {
  const lines = (await drawn(120, 50)).split('\n').filter(Boolean);
  expect(lines.filter((line) => line.includes('45%'))).toHaveLength(10);
  expect(lines.at(-1)).toMatch(/^0 of 50 files {2}22\.5 kB of 50 kB/);
});

test('with a stream among the files nobody is told of how many bytes', async () => {
  const terminal = new Terminal(120);
  const stream = terminal as unknown as NodeJS.WriteStream;
  const reporter = ttyReporter(stream, stream);
  reporter.report({ event: 'connected', url: 'ws://127.0.0.1:1', files: 2, bytes: 1000 });
  reporter.report({ event: 'offered', id: 1, name: 'a', size: 1000 });
  reporter.report({ event: 'offered', id: 2, name: 'b' });
  reporter.report({ event: 'progress', id: 2, name: 'b', stored: 5000 });
  while (!terminal.text.includes('files  5 kB')) await new Promise((resolve) => setImmediate(resolve));
  expect(terminal.text).not.toContain(' of 1 kB');
  reporter.close();
});

test('a terminal that gets narrower has wrapped the old lines: every row of them is erased, and the new ones fit', async () => {
  const terminal = new Terminal(80);
  const stream = terminal as unknown as NodeJS.WriteStream;
  const reporter = ttyReporter(stream, stream);
  reporter.report({ event: 'connected', url: 'ws://127.0.0.1:1', files: 1, bytes: 1000 });
  reporter.report({ event: 'offered', id: 1, name: long, size: 1000 });
  reporter.report({ event: 'progress', id: 1, name: long, stored: 450, size: 1000 });
  while (!terminal.text.includes('450 B')) await new Promise((resolve) => setImmediate(resolve));
  terminal.written = '';
  terminal.columns = 30;
  terminal.emit('resize');
  const { written, text } = terminal;
  reporter.close();
  // 79 columns are three rows of 30.
  expect(written.split('\u001b[1A')).toHaveLength(1 + 3);
  for (const line of text.split(/[\r\n]/)) expect(line.length).toBeLessThan(30);
  expect(text).toContain('45%');
});

test('a silent receiver is named below the files until it says something', async () => {
  const terminal = new Terminal(80);
  const stream = terminal as unknown as NodeJS.WriteStream;
  const reporter = ttyReporter(stream, stream);
  reporter.report({ event: 'connected', url: 'ws://127.0.0.1:1', files: 1, bytes: 1000 });
  reporter.report({ event: 'offered', id: 1, name: 'a', size: 1000 });
  reporter.report({ event: 'waiting', ms: 30_000 });
  while (!terminal.text.includes('no word')) await new Promise((resolve) => setImmediate(resolve));
  expect(terminal.text).toMatch(/no word from the receiver for 30 s\n$/);
  terminal.written = '';
  reporter.report({ event: 'progress', id: 1, name: 'a', stored: 450, size: 1000 });
  while (!terminal.text.includes('450 B')) await new Promise((resolve) => setImmediate(resolve));
  expect(terminal.text).not.toContain('no word');
  reporter.close();
});

test('results stay: path, size, MD5, time and rate', () => {
  const terminal = new Terminal(100);
  const stream = terminal as unknown as NodeJS.WriteStream;
  const reporter = ttyReporter(stream, stream);
  const file = {
    id: 1,
    name: 'a.txt',
    storedAs: '/received/a.txt',
    size: 2000,
    md5: 'abc',
    durationMs: 1000,
    bytesPerSecond: 2000,
  };
  reporter.report({ event: 'stored', ...file, existing: false });
  reporter.report({ event: 'stored', ...file, existing: true });
  reporter.close();
  expect(terminal.text).toContain('✔ a.txt  2 kB  1s  2 kB/s\n  /received/a.txt  md5 abc\n');
  expect(terminal.text).toContain('✔ a.txt  2 kB  already there, identical\n');
});

test('what is held back says so: all of it, with the key that lets it go on, or one file that the other side holds', async () => {
  const terminal = new Terminal(100);
  const stream = terminal as unknown as NodeJS.WriteStream;
  const reporter = ttyReporter(stream, stream);
  for (const id of [1, 2]) reporter.report({ event: 'offered', id, name: `file-${id}`, size: 1000 });
  /** The lines as they stand after this event. */
  const after = async (event: Parameters<typeof reporter.report>[0]) => {
    reporter.clear?.();
    terminal.written = '';
    reporter.report(event);
    while (terminal.text === '') await new Promise((resolve) => setImmediate(resolve));
    return terminal.text.trimEnd().split('\n');
  };
  const here = await after({ event: 'paused', by: 'local' });
  expect(here).toEqual([
    expect.stringMatching(/paused +file-1/),
    expect.stringMatching(/paused +file-2/),
    'paused: p goes on',
  ]);
  expect((await after({ event: 'continued', by: 'local' })).join()).not.toContain('paused');
  expect(await after({ event: 'paused', by: 'peer', id: 2, name: 'file-2' })).toEqual([
    expect.not.stringContaining('paused'),
    expect.stringMatching(/paused +file-2/),
  ]);
  expect((await after({ event: 'continued', by: 'peer', id: 2, name: 'file-2' })).join()).not.toContain('paused');
  reporter.close();
});
