import { createHash } from 'node:crypto';
import { readdir, truncate, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { connect, type ListenOptions, listen } from '@wsferry/connection';
import { temporaryDirectory } from '@wsferry/testing';
import { type Accept, bytesSource, memoryReceiver, openSession, SUBPROTOCOL, TransferError } from '@wsferry/transfer';
import { describe, expect, test } from 'vitest';
import { eventsOf, Program, startServe, wsferry } from './program.ts';

/** A receiver of the test's own, that decides on offers by `accept`. */
async function receiver(accept: Accept, options: ListenOptions = {}) {
  const listener = await listen({ protocols: [SUBPROTOCOL], ...options }, (connection) => {
    openSession(connection, { role: 'acceptor', accept });
  });
  return { url: listener.url, [Symbol.asyncDispose]: () => listener.close() };
}

async function folderWith(content: string | Uint8Array = 'one') {
  const here = await temporaryDirectory();
  await writeFile(join(here.path, 'a.txt'), content);
  return here;
}

describe('a receiver that says no', () => {
  test.each(['NO_SPACE', 'TOO_LARGE', 'FORBIDDEN', 'EXISTS', 'BAD_NAME'] as const)('%s: exit 4', async (code) => {
    await using here = await folderWith();
    await using there = await receiver(async () => {
      throw new TransferError(code, 'not here');
    });
    const ended = await wsferry(['send', 'a.txt', '--to', there.url], here.path);
    expect(ended.stderr).toMatch(/^failed a\.txt: refused by the receiver: not here/);
    expect(ended.code).toBe(4);
  });

  test('another digest than ours: exit 5', async () => {
    await using here = await folderWith();
    const { accept, files } = memoryReceiver();
    await using there = await receiver(async (offer, control) => {
      const held = await accept(offer, control);
      held.sink.digest = async () => createHash('md5').update('something else').digest('hex');
      return held;
    });
    const ended = await wsferry(['send', 'a.txt', '--to', there.url, '--json'], here.path);
    expect(eventsOf(ended).find(({ event }) => event === 'failed')).toMatchObject({
      name: 'a.txt',
      code: 'DIGEST_MISMATCH',
    });
    expect(ended.code).toBe(5);
    expect(files.size).toBe(0);
  });

  test('a disk that fails in the middle: exit 1', async () => {
    await using here = await folderWith();
    await using there = await receiver(async (offer, control) => {
      const held = await memoryReceiver().accept(offer, control);
      held.sink.write = () => Promise.reject(new TransferError('STORAGE_FAILED', 'the disk broke'));
      return held;
    });
    const ended = await wsferry(['send', 'a.txt', '--to', there.url], here.path);
    expect(ended.stderr).toContain('the disk broke');
    expect(ended.code).toBe(1);
  });

  test('a WebSocket server without our subprotocol: exit 3, or our own receiver when no address was given', async () => {
    await using here = await folderWith();
    const echo = await listen({}, () => {});
    const named = await wsferry(['send', 'a.txt', '--to', echo.url], here.path);
    const unnamed = await wsferry(['send', 'a.txt'], here.path, { defaultPort: echo.port });
    await echo.close();
    expect(named.code).toBe(3);
    expect(named.stderr).toContain('wsferry.v1');
    expect(unnamed).toMatchObject({ code: 0, stderr: '' });
    expect(unnamed.stdout).toContain('receiving in this process');
  });
});

test('a file that shrinks while it is sent: SOURCE_CHANGED, exit 1, nothing stored', async () => {
  await using here = await folderWith(new Uint8Array(200_000_000));
  await using there = await temporaryDirectory();
  const { program, url } = await startServe(['--dir', there.path, '--json'], here.path);
  await using _ = program;
  await using sender = new Program(['send', 'a.txt', '--to', url, '--json'], here.path);
  await program.printed(/"progress"/);
  await truncate(join(here.path, 'a.txt'), 5);
  const ended = await sender.ended;
  expect(eventsOf(ended).find(({ event }) => event === 'failed')).toMatchObject({ code: 'SOURCE_CHANGED' });
  expect(ended.code).toBe(1);
  await program.printed(/"failed"/);
  expect((await readdir(there.path)).filter((name) => name !== '.wsferry')).toEqual([]);
});

test('50 senders at once: serve stores every file', async () => {
  await using there = await temporaryDirectory();
  const { program, url } = await startServe(['--dir', there.path], there.path);
  await using _ = program;
  await Promise.all(
    Array.from({ length: 50 }, async (_, index) => {
      const connection = await connect(url, { protocols: [SUBPROTOCOL] });
      const content = new Uint8Array(100_000 + index).fill(index);
      const stored = await openSession(connection, { role: 'opener' }).sendFile(bytesSource(`file-${index}`, content));
      expect(stored).toMatchObject({ name: `file-${index}`, size: 100_000 + index });
      await connection.close();
    }),
  );
  expect((await readdir(there.path)).filter((name) => name !== '.wsferry')).toHaveLength(50);
});

/** Upgrades, and says nothing ever after. */
async function muteReceiver() {
  const mute = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (head) => {
      const key = /^sec-websocket-key: *(.*?)\r$/im.exec(head.toString())?.[1] ?? '';
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n` +
          `Sec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n\r\n`,
      );
    });
  });
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  return {
    url: `ws://127.0.0.1:${(mute.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => void mute.close(),
  };
}

test('a second Ctrl-C ends at once, whatever the other side does not answer', async () => {
  await using here = await folderWith();
  await using mute = await muteReceiver();
  await using sender = new Program(['send', 'a.txt', '--to', mute.url, '--json'], here.path);
  await sender.printed(/"offered"/);
  sender.signal('SIGINT');
  await sender.printed(/"stopping"/);
  // A copy that comes within 250 ms is the same key press; one of these is the second.
  const impatience = setInterval(() => sender.signal('SIGINT'), 50);
  const ended = await sender.ended;
  clearInterval(impatience);
  expect(ended.code).toBe(130);
  // Whoever waits for the other side says a last word.
  expect(eventsOf(ended).at(-1)).not.toMatchObject({ event: 'done' });
});
