import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { connect } from '@wsferry/connection';
import { expect, test } from 'vitest';
import { first } from './messages.ts';

const start = (...args: string[]) =>
  spawn(
    process.execPath,
    [
      '--conditions=@wsferry/source',
      '--import',
      'tsx',
      fileURLToPath(new URL('../src/main.ts', import.meta.url)),
      ...args,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );

test.each(['SIGINT', 'SIGTERM'] as const)(
  'the echo server prints its URL, echoes, and closes on %s with 1001',
  async (signal) => {
    const child = start('server', '--port', '0');
    const exited = once(child, 'exit');
    const [url] = await once(createInterface(child.stdout), 'line');
    const connection = await connect(String(url));
    connection.send('there and back');
    expect(await first(connection)).toBe('there and back');
    const other = await connect(String(url));
    child.kill(signal);
    expect(await other.closed).toMatchObject({ code: 1001, wasClean: true });
    expect((await exited)[0]).toBe(0);
  },
);

test.each([
  [['server', '--port', 'many'], /expected a number/],
  [['client'], /--url/],
  [['client', '--url', 'ws://127.0.0.1:1'], /127\.0\.0\.1:1/],
])('%j is told what is wrong in one line, without a stack trace', async (args, message) => {
  const child = start(...args);
  let errors = '';
  child.stderr.on('data', (chunk) => (errors += chunk));
  expect((await once(child, 'close'))[0]).not.toBe(0);
  expect(errors).toMatch(message);
  expect(errors).not.toMatch(/\n\s+at /);
});
