import { once } from 'node:events';
import type { Socket } from 'node:net';
import { deflateRawSync } from 'node:zlib';
import { serveCalls } from './child.ts';
import { closeCodeIn, dial, dialMany, frame, framesIn, gone, open, openMany, pour, readAll, request } from './peer.ts';

// The load, in a process of its own. Each function is one way to be a bad client.

/** Sockets that `hold…` left open until `release`. */
const held: Socket[] = [];

/** How many answers of which status came; 0 where the connection was cut without a word. */
function statuses(answers: readonly Buffer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const answer of answers) {
    const status = /^HTTP\/1\.1 (\d{3})/.exec(answer.toString('latin1', 0, 12))?.[1] ?? '0';
    counts[status] = (counts[status] ?? 0) + 1;
  }
  return counts;
}

/** A million small frames in few writes. */
const repeated = (one: Uint8Array, times: number) => Buffer.concat(Array<Uint8Array>(times).fill(one));

const attacks = {
  /** Slow loris: a byte of a good request every few milliseconds, never the last. */
  async trickleHeads({ port, count }: { port: number; count: number }) {
    const head = Buffer.from(request('/echo', `Cookie: ${'x'.repeat(4000)}\r\n`));
    const sockets = await dialMany(port, count);
    let at = 0;
    const timer = setInterval(() => {
      for (const socket of sockets) if (socket.writable) socket.write(head.subarray(at, at + 1));
      at++;
    }, 5);
    const answers = await Promise.all(sockets.map(readAll));
    clearInterval(timer);
    for (const socket of sockets) socket.destroy();
    return statuses(answers);
  },

  /** Connects and says nothing. */
  async neverBegin({ port, count }: { port: number; count: number }) {
    const sockets = await dialMany(port, count);
    const answers = await Promise.all(sockets.map(readAll));
    for (const socket of sockets) socket.destroy();
    return statuses(answers);
  },

  /** Heads without end, in full speed. */
  async floodHeads({
    port,
    count,
    kind,
  }: {
    port: number;
    count: number;
    kind: 'headers' | 'one line' | 'empty lines';
  }) {
    const chunk = Buffer.from(
      kind === 'headers' ? 'X: y\r\n'.repeat(10_000) : kind === 'one line' ? 'x'.repeat(65_536) : '\r\n'.repeat(30_000),
    );
    const sockets = await dialMany(port, count);
    const answers = await Promise.all(
      sockets.map(async (socket) => {
        const answer = readAll(socket);
        if (kind !== 'empty lines') socket.write('GET /echo HTTP/1.1\r\n');
        if (kind === 'one line') socket.write('Cookie: ');
        await pour(socket, chunk, 64);
        return answer;
      }),
    );
    for (const socket of sockets) socket.destroy();
    return statuses(answers);
  },

  /** One message in `count` fragments of `bytes` each; the echo's length comes back. */
  async fragments({ port, count, bytes }: { port: number; count: number; bytes: number }) {
    const socket = await open(port, '/echo');
    const payload = 'x'.repeat(bytes);
    const echoed = untilMessage(socket);
    socket.write(frame(1, payload, { fin: false }));
    await pour(socket, repeated(frame(0, payload, { fin: false }), 1000), count / 1000);
    socket.write(frame(0, ''));
    const length = await echoed;
    socket.destroy();
    return length;
  },

  /** `count` pings, the last of which is like no other; read or unread. Ends when the last is answered; gives how many were. */
  async pings({ port, count, read }: { port: number; count: number; read: boolean }) {
    const socket = await open(port, '/echo');
    const lastPayload = 'z'.repeat(125);
    let bytes = 0;
    const lastAnswered = new Promise<void>((resolve) => {
      if (!read) return resolve();
      socket.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (chunk.at(-1) === lastPayload.charCodeAt(0)) resolve();
      });
      socket.resume();
    });
    await pour(socket, repeated(frame(9, 'p'.repeat(125)), 100), count / 100);
    await pour(socket, frame(9, lastPayload), 1);
    await lastAnswered;
    if (!read) held.push(socket);
    else socket.destroy();
    return bytes / 127;
  },

  /** `count` connections that declare a length and bring a hundred bytes of it. */
  async declareMuch({ port, count, length }: { port: number; count: number; length: string }) {
    const sockets = await openMany(port, '/echo', count);
    const start = frame(2, 'x'.repeat(100), { declared: BigInt(length) });
    for (const socket of sockets) socket.write(start);
    held.push(...sockets);
  },

  /** One connection that declares a length; the close code that answers. */
  async declareTooMuch({ port, length }: { port: number; length: string }) {
    const socket = await open(port, '/echo');
    const answer = readAll(socket);
    socket.write(frame(2, 'x', { declared: BigInt(length) }));
    const code = closeCodeIn(await answer);
    socket.destroy();
    return code;
  },

  /** `count` empty messages; with a reader there is an echo for each. */
  async emptyMessages({ port, count, path }: { port: number; count: number; path: '/echo' | '/sink' | '/deaf' }) {
    const socket = await open(port, path);
    let bytes = 0;
    const echoes = new Promise<void>((resolve) => {
      if (path !== '/echo') resolve();
      socket.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes >= count * 2) resolve();
      });
      if (path !== '/deaf') socket.resume();
    });
    const pouring = pour(socket, repeated(frame(2), 10_000), count / 10_000);
    if (path === '/deaf') {
      held.push(socket);
      // It stops being read; what shows it is that our writes make no progress any more.
      for (let before = -1; socket.bytesWritten - socket.writableLength !== before; ) {
        before = socket.bytesWritten - socket.writableLength;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      return 0;
    }
    await pouring;
    await echoes;
    socket.destroy();
    return bytes / 2;
  },

  /** Lets the server send, or echo, and never reads. */
  async neverRead({ port, count, path }: { port: number; count: number; path: '/send' | '/echo' }) {
    const sockets = await openMany(port, path, count);
    held.push(...sockets);
    if (path === '/send') return;
    const message = frame(2, new Uint8Array(65_536));
    for (const socket of sockets) for (let i = 0; i < 40; i++) socket.write(message);
  },

  /** Never answers the server's Close, and never ends TCP. Settles when the server cut all of them. */
  async stallClose({ port, count, path }: { port: number; count: number; path: '/close' | '/echo' }) {
    const sockets = await openMany(port, path, count);
    if (path === '/echo') for (const socket of sockets) socket.write(frame(8, Buffer.from([3, 232])));
    await Promise.all(sockets.map(gone));
  },

  /** A message of `plain` zeros, compressed to a thousandth. Gives the close code. */
  async bomb({ port, plain, count }: { port: number; plain: number; count: number }) {
    const compressed = deflateRawSync(new Uint8Array(plain), { finishFlush: 2 });
    const payload = compressed.subarray(0, compressed.length - 4);
    const codes: Record<string, number> = {};
    await Promise.all(
      Array.from({ length: count }, async () => {
        const socket = await open(port, '/sink', 'Sec-WebSocket-Extensions: permessage-deflate\r\n');
        const answer = readAll(socket);
        socket.write(frame(2, payload, { rsv1: true }));
        const code = closeCodeIn(await answer) ?? 0;
        codes[code] = (codes[code] ?? 0) + 1;
        socket.destroy();
      }),
    );
    return { codes, bytesSent: payload.length };
  },

  /** Connects `count` times and leaves them there; `begin` is what it says, if anything. */
  async hold({ port, count, begin }: { port: number; count: number; begin?: string }) {
    const sockets = await dialMany(port, count);
    if (begin) for (const socket of sockets) socket.write(begin, 'latin1');
    for (const socket of sockets) socket.resume();
    held.push(...sockets);
  },

  async holdOpen({ port, count, path, extra }: { port: number; count: number; path: string; extra?: string }) {
    for (let left = count; left > 0; left -= 100) {
      const some = await Promise.all(Array.from({ length: Math.min(100, left) }, () => open(port, path, extra)));
      held.push(...some);
      if (!extra) continue;
      // 96 KiB there and back, so that both directions have a full window behind them.
      const text = Array.from({ length: 12_000 }, (_, i) => `${(i * 7919) % 99_991} `).join('');
      const compressed = deflateRawSync(text, { finishFlush: 2 });
      const message = frame(2, compressed.subarray(0, compressed.length - 4), { rsv1: true });
      const echoes = some.map((socket) => once(socket, 'data'));
      for (const socket of some) socket.resume().write(message);
      await Promise.all(echoes);
    }
  },

  /** Of what is held: how many the server has ended or cut by now. */
  ended: () => held.filter((socket) => socket.destroyed || socket.readableEnded).length,

  /** Waits until the server ended or cut `count` of what is held. */
  async untilEnded({ count }: { count: number }) {
    const ending = held.map((socket) =>
      socket.destroyed || socket.readableEnded ? undefined : Promise.race([once(socket, 'end'), once(socket, 'close')]),
    );
    let ended = ending.filter((one) => one === undefined).length;
    await new Promise<void>((resolve) => {
      if (ended >= count) resolve();
      for (const one of ending) void one?.then(() => ++ended >= count && resolve());
    });
  },

  release() {
    for (const socket of held.splice(0)) socket.resetAndDestroy();
  },

  /** Vanishes at a point of the life, by RST or by FIN, `count` times. */
  async vanish({ port, at, count }: { port: number; at: keyof typeof lives; count: number }) {
    await Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const socket = await lives[at](port);
        if (index % 2 === 0) socket.resetAndDestroy();
        else socket.end().destroySoon();
      }),
    );
  },
};

async function after(socket: Socket, bytes: Uint8Array | string): Promise<Socket> {
  await new Promise((resolve) => socket.write(bytes, resolve));
  return socket;
}

/** The points of a connection's life. */
const lives = {
  'before the head': dial,
  'in the head': async (port: number) => after(await dial(port), request('/echo').slice(0, 60)),
  'behind the head': async (port: number) => after(await dial(port), request('/echo')),
  'after the 101': (port: number) => open(port, '/echo'),
  'in a frame header': async (port: number) =>
    after(await open(port, '/echo'), frame(2, 'x'.repeat(300)).subarray(0, 3)),
  'in a payload': async (port: number) => after(await open(port, '/echo'), frame(2, 'x'.repeat(300)).subarray(0, 100)),
  'between fragments': async (port: number) => after(await open(port, '/echo'), frame(1, 'abc', { fin: false })),
  'while it is sent to': async (port: number) => after(await open(port, '/send'), ''),
  'in its Close': async (port: number) =>
    after(await open(port, '/echo'), frame(8, Buffer.from([3, 232])).subarray(0, 4)),
  'behind its Close': async (port: number) => after(await open(port, '/echo'), frame(8, Buffer.from([3, 232]))),
  'in the Close of the server': (port: number) => open(port, '/close'),
};

/** The length of the first message that comes. */
function untilMessage(socket: Socket): Promise<number> {
  let bytes = Buffer.alloc(0);
  return new Promise((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      const message = framesIn(bytes).find(({ opcode }) => opcode < 8);
      if (message) resolve(message.payload.length);
    });
    socket.once('end', () => reject(new Error(`expected a message, got a close with ${closeCodeIn(bytes)}`)));
    socket.resume();
  });
}

serveCalls(attacks);

export type AttackFunctions = typeof attacks;
export type PointOfLife = keyof typeof lives;
