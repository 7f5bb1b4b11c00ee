import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect as connectTcp, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { FrameDecoder, Opcode } from '@wsferry/frames';
import { acceptKey } from '@wsferry/handshake';
import { FakeClock, selfSignedCertificate } from '@wsferry/testing';
import { describe, expect, test } from 'vitest';
import { afterThis, pair, serve } from '../test/network.ts';
import { type Connection, connect, listen } from './index.ts';

const certificate = await selfSignedCertificate();

/** A server that upgrades and then does only what the test says. */
async function rawServer(onOpen: (socket: Socket) => void): Promise<string> {
  const server: Server = createTcpServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.once('data', (head) => {
      const key = /sec-websocket-key: (\S+)/i.exec(head.toString('latin1'))?.[1] ?? '';
      const answer = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
      socket.write(`${answer.join('\r\n')}\r\nSec-WebSocket-Accept: ${acceptKey(key)}\r\n\r\n`);
      onOpen(socket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  afterThis(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as { port: number }).port}`;
}

async function take(connection: Connection, count: number): Promise<(string | Uint8Array)[]> {
  const taken: (string | Uint8Array)[] = [];
  if (count === 0) return taken;
  for await (const message of connection) if (taken.push(message) === count) break;
  return taken;
}

describe('messages', () => {
  test('travel both ways, in order, text as text and binary as binary', async () => {
    const [client, server] = await pair();
    client.send('one');
    client.send(Uint8Array.of(2));
    server.send('');
    server.send(new Uint8Array(300_000).fill(7));
    expect(await take(server, 2)).toEqual(['one', Uint8Array.of(2)]);
    const [empty, large] = await take(client, 2);
    expect(empty).toBe('');
    expect(Buffer.from(large as Uint8Array).equals(Buffer.alloc(300_000, 7))).toBe(true);
  });

  test('that fill what is read at once exactly are answered, though more would have come at once', async () => {
    const { url } = await serve({}, (peer) => {
      peer.onMessage = (message) => void peer.send(message);
    });
    const client = await connect(url);
    // With 14 bytes of header 64 KiB, which Node reads in one piece.
    for (const length of [65_522, 2 * 65_536 - 14, 65_522]) {
      client.send(new Uint8Array(length));
      expect((await take(client, 1))[0]).toHaveLength(length);
    }
  });

  test('sent by the server at once, in the packet of its handshake, are not lost', async () => {
    const { url } = await serve({}, (connection) => connection.send('first'));
    expect(await take(await connect(url), 1)).toEqual(['first']);
  });

  test('reach onMessage in order, and wait while its promise is pending', async () => {
    const [client, server] = await pair();
    const seen: string[] = [];
    let release!: () => void;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const all = new Promise<void>((resolve) => {
      server.onMessage = async (data) => {
        seen.push(String(data));
        if (data === '1') await gate;
        if (data === '3') resolve();
      };
    });
    for (const message of ['1', '2', '3']) client.send(message);
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    expect(seen).toEqual(['1']);
    release();
    await all;
    expect(seen).toEqual(['1', '2', '3']);
  });

  test('a handler that throws fails the connection with 1011', async () => {
    const [client, server] = await pair();
    server.onMessage = () => {
      throw new Error('oops');
    };
    client.send('x');
    expect(await client.closed).toMatchObject({ code: 1011 });
    expect(await server.closed).toMatchObject({ code: 1011, wasClean: false, error: { message: 'oops' } });
  });

  test('the bytes given to send are copied: changing them afterwards changes nothing', async () => {
    const [client, server] = await pair();
    const bytes = Uint8Array.of(1, 2, 3);
    server.send(bytes);
    bytes.fill(9);
    expect(await take(client, 1)).toEqual([Uint8Array.of(1, 2, 3)]);
  });
});

describe('ping', () => {
  test('gives the round trip in milliseconds, both roles', async () => {
    const [client, server] = await pair();
    expect(await client.ping()).toBeGreaterThan(0);
    expect(await server.ping()).toBeGreaterThan(0);
  });

  test('rejects when the connection ends before the pong', async () => {
    const url = await rawServer((socket) => socket.once('data', () => socket.destroy()));
    const client = await connect(url);
    await expect(client.ping()).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(client.ping()).rejects.toMatchObject({ code: 'NOT_OPEN' });
  });
});

test.each([undefined, certificate])(
  'bytesReceived grows with what the peer says, a Ping too, and with nothing else',
  async (tls) => {
    const [client, server] = await pair({ ...(tls && { tls }) }, { tls: { ca: certificate.cert } });
    await client.ping();
    const before = client.bytesReceived;
    client.send('a question');
    await server.ping(); // answered behind it
    const after = client.bytesReceived;
    expect(after - before).toBe(6); // two bytes of header, four of payload
    await client.close();
    expect(client.bytesReceived).toBeGreaterThan(after);
  },
);

describe('closing', () => {
  test.each(['client', 'server'] as const)('started by the %s is clean on both sides', async (starter) => {
    const [client, server] = await pair();
    const [first, second] = starter === 'client' ? [client, server] : [server, client];
    expect(first.readyState).toBe(1);
    const done = first.close(4001, 'bye');
    expect(first.readyState).toBe(2);
    expect(await second.closed).toEqual({ code: 4001, reason: 'bye', wasClean: true });
    expect(await done).toMatchObject({ code: 4001, wasClean: true });
    expect(first.readyState).toBe(3);
    expect(() => first.send('x')).toThrow(expect.objectContaining({ code: 'NOT_OPEN' }));
  });

  test('messages sent before close arrive before it, also to a slow reader', async () => {
    const [client, server] = await pair();
    for (let i = 0; i < 100; i++) client.send(new Uint8Array(50_000).fill(i));
    void client.close();
    let count = 0;
    for await (const message of server) {
      expect((message as Uint8Array)[0]).toBe(count++);
      if (count % 10 === 0) await new Promise(setImmediate);
    }
    expect(count).toBe(100);
    expect(await server.closed).toMatchObject({ code: 1000, wasClean: true });
  });

  test('works while unread messages fill the inbox', async () => {
    const [client, server] = await pair({ receiveHighWaterMarkBytes: 1000 });
    for (let i = 0; i < 50; i++) client.send('x'.repeat(500));
    await client.drained();
    expect(await server.close(1001)).toMatchObject({ wasClean: true });
    expect(await client.closed).toMatchObject({ code: 1001 });
  });

  test('the server ends TCP first, the client waits for it (§7.1.1)', async () => {
    const order: string[] = [];
    const url = await rawServer((socket) => {
      socket.on('end', () => order.push('client ended'));
      socket.once('data', () => {
        socket.write(Uint8Array.of(0x88, 0x02, 0x03, 0xe8));
        setImmediate(() => {
          order.push('server ends');
          socket.end();
        });
      });
    });
    const client = await connect(url);
    expect(await client.close()).toMatchObject({ code: 1000, wasClean: true });
    await new Promise(setImmediate);
    expect(order[0]).toBe('server ends');
  });

  test('a peer that never answers is cut after closeTimeoutMs', async () => {
    const clock = new FakeClock();
    const url = await rawServer((socket) => socket.resume());
    const client = await connect(url, { clock, closeTimeoutMs: 5000, keepalive: false });
    const closed = client.close();
    await new Promise(setImmediate);
    clock.advance(5000);
    clock.advance(5000);
    expect(await closed).toMatchObject({ code: 1006, wasClean: false });
  });

  test('abort gives 1006 to both', async () => {
    const [client, server] = await pair();
    client.abort();
    expect(await client.closed).toMatchObject({ code: 1006, wasClean: false });
    expect(await server.closed).toMatchObject({ code: 1006, wasClean: false });
    expect(await take(client, 1)).toEqual([]);
  });

  test('a protocol error is told to the peer before TCP ends', async () => {
    const received = new Promise<Buffer>((resolve) => {
      void rawServer((socket) => {
        const chunks: Buffer[] = [];
        socket.on('data', (chunk) => chunks.push(chunk));
        socket.on('end', () => {
          resolve(Buffer.concat(chunks));
          socket.end();
        });
        socket.write(Uint8Array.of(0x83, 0x00));
      }).then(connect);
    });
    const frame = await received;
    expect(frame[0]).toBe(0x88);
    const unmask = (at: number) => (frame[6 + at] as number) ^ (frame[2 + at] as number);
    expect(unmask(0) * 256 + unmask(1)).toBe(1002);
  });
});

describe('backpressure', () => {
  test('send says false above the mark, and drained waits for the peer to read', async () => {
    const [client, server] = await pair({}, { highWaterMarkBytes: 100_000 });
    let sent = 0;
    while (client.send(new Uint8Array(50_000))) sent++;
    sent++;
    expect(client.bufferedAmount).toBeGreaterThan(100_000);
    const reading = take(server, sent);
    await client.drained();
    expect(client.bufferedAmount).toBeLessThanOrEqual(50_000);
    expect(await reading).toHaveLength(sent);
  });

  test('drained waits for as little as it is told to', async () => {
    const [client, server] = await pair();
    expect(client.send(new Uint8Array(100))).toBe(true);
    expect(client.bufferedAmount).toBeGreaterThan(0);
    await client.drained({ belowBytes: 0 });
    expect(client.bufferedAmount).toBe(0);
    expect(await take(server, 1)).toHaveLength(1);
  });

  test('a consumer that does not read stops the sender through TCP', async () => {
    const [client, server] = await pair({ receiveHighWaterMarkBytes: 100_000 }, { highWaterMarkBytes: 100_000 });
    let blocked = false;
    let sent = 0;
    // Kernel buffers take a few MB; beyond them the sender must stand still however often we look.
    while (!blocked) {
      if (!client.send(new Uint8Array(64 * 1024))) {
        const drained = client.drained().then(() => true);
        const turns = (async () => {
          for (let i = 0; i < 200; i++) await new Promise(setImmediate);
          return false;
        })();
        blocked = !(await Promise.race([drained, turns]));
      }
      sent++;
      expect(sent).toBeLessThan(2000);
    }
    const all = await take(server, sent);
    expect(all).toHaveLength(sent);
  });

  test('drained rejects when the connection ends, and when its signal aborts', async () => {
    const [client] = await pair({ receiveHighWaterMarkBytes: 1 }, { highWaterMarkBytes: 10 });
    for (let i = 0; i < 200; i++) client.send(new Uint8Array(64 * 1024));
    const controller = new AbortController();
    const aborted = client.drained({ signal: controller.signal });
    const cut = client.drained();
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
    client.abort();
    await expect(cut).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

describe('keepalive', () => {
  test('gives up a peer that is silent even after a ping', async () => {
    const clock = new FakeClock();
    const url = await rawServer((socket) => socket.resume());
    const client = await connect(url, { clock, keepalive: { intervalMs: 1000, timeoutMs: 500 } });
    clock.advance(1500);
    expect(await client.closed).toMatchObject({ code: 1006, wasClean: false, error: { code: 'CLOSED' } });
  });

  test('while nobody reads, and pings cannot be answered, tells the peer unasked that it lives (§5.5.3)', async () => {
    const clock = new FakeClock();
    const decoder = new FrameDecoder({ role: 'server' });
    let ponged = false;
    const url = await rawServer((socket) => {
      socket.write(Uint8Array.of(0x81, 1, 0x61)); // fills the inbox
      socket.on('data', (chunk) => {
        decoder.push(chunk);
        for (let frame = decoder.next(); frame; frame = decoder.next()) ponged ||= frame.opcode === Opcode.Pong;
      });
    });
    const client = await connect(url, { clock, receiveHighWaterMarkBytes: 1, keepalive: { intervalMs: 1000 } });
    while (!ponged) {
      clock.advance(1000);
      await new Promise(setImmediate);
    }
    expect(client.readyState).toBe(1);
  });
});

describe('a flood', () => {
  test('of pings from a peer that reads nothing does not grow the output', async () => {
    const [pings, count] = [Buffer.alloc(131 * 10_000), 10_000];
    for (let n = 0; n < count; n++) pings.set([0x89, 125], n * 127);
    let client!: Connection;
    const flooded = new Promise<void>((resolve) => {
      const answering = rawServer((socket) => {
        socket.pause();
        let sent = 0;
        const more = () => {
          if (++sent > 20) resolve();
          else socket.write(pings.subarray(0, 127 * count), more);
        };
        more();
      });
      void answering.then(async (url) => {
        client = await connect(url);
      });
    });
    await flooded;
    expect(client.bufferedAmount).toBeLessThan(1024 * 1024);
  });

  test('of empty messages that nobody takes stops the reading, too', async () => {
    let stopped!: () => void;
    const full = new Promise<void>((resolve) => {
      stopped = resolve;
    });
    const url = await rawServer((socket) => {
      const empty = Buffer.alloc(2 * 50_000);
      for (let at = 0; at < empty.length; at += 2) empty[at] = 0x82;
      // Once the client reads no more, the kernel's buffers fill, and a write waits.
      const more = () => {
        if (socket.write(empty)) setImmediate(more);
        else setImmediate(() => (socket.writableLength > 20 * empty.length ? stopped() : more()));
      };
      more();
    });
    const client = await connect(url, { receiveHighWaterMarkBytes: 64 * 1024 });
    await full;
    let waiting = 0;
    client.onMessage = () => {
      if (++waiting === 1) queueMicrotask(() => client.abort());
    };
    expect(waiting).toBeLessThanOrEqual(64 * 1024);
  });
});

describe('connect', () => {
  test.each(['http://127.0.0.1/', 'ftp://x', 'nonsense', 'ws://x/#frag'])('refuses the URL %s', async (url) => {
    await expect(connect(url)).rejects.toMatchObject({ code: 'BAD_URL' });
  });

  test('says when nobody listens', async () => {
    const listener = await listen({}, () => {});
    await listener.close();
    await expect(connect(listener.url)).rejects.toMatchObject({
      code: 'CANNOT_CONNECT',
      cause: { code: 'ECONNREFUSED' },
    });
  });

  test('says which status an HTTP server gave', async () => {
    const http = createHttpServer((_, response) => response.writeHead(418).end()).listen(0, '127.0.0.1');
    await once(http, 'listening');
    afterThis(() => http.close());
    const { port } = http.address() as { port: number };
    await expect(connect(`ws://127.0.0.1:${port}`)).rejects.toMatchObject({
      code: 'UNEXPECTED_STATUS',
      response: { status: 418 },
    });
  });

  test('gives up a server that never answers', async () => {
    const server = createTcpServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
    await once(server, 'listening');
    afterThis(() => server.close());
    const { port } = server.address() as { port: number };
    await expect(connect(`ws://127.0.0.1:${port}`, { handshakeTimeoutMs: 50 })).rejects.toMatchObject({
      code: 'TIMEOUT',
    });
  });

  test('speaks wss, and refuses a certificate it does not trust', async () => {
    const { cert, key } = await selfSignedCertificate();
    const { url, port } = await serve({ tls: { cert, key } }, (connection) => connection.send('secret'));
    expect(url).toBe(`wss://127.0.0.1:${port}`);
    await expect(connect(url)).rejects.toMatchObject({ code: 'TLS_UNTRUSTED' });
    const client = await connect(`wss://localhost:${port}`, { tls: { ca: cert } });
    expect(await take(client, 1)).toEqual(['secret']);
    expect(await client.close()).toMatchObject({ wasClean: true });
  });

  test('tells the subprotocol the server chose', async () => {
    const [client, server] = await pair({ protocols: ['b', 'a'] }, { protocols: ['a', 'b'] });
    expect([client.protocol, server.protocol]).toEqual(['b', 'b']);
  });
});

describe('listen', () => {
  test('says when the port is in use', async () => {
    const { port } = await serve({}, () => {});
    await expect(listen({ port }, () => {})).rejects.toMatchObject({
      code: 'ADDRESS_IN_USE',
      cause: { code: 'EADDRINUSE' },
    });
  });

  test('close() says 1001 to everybody and leaves no connection', async () => {
    const listener = await listen({}, () => {});
    const clients = await Promise.all([connect(listener.url), connect(listener.url)]);
    await listener.close();
    for (const client of clients) expect(await client.closed).toMatchObject({ code: 1001, wasClean: true });
    expect(listener.connections.size).toBe(0);
  });

  test('close() does not wait for half a handshake', async () => {
    const listener = await listen({}, () => {});
    const socket = connectTcp(listener.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('GET / HT');
    socket.on('error', () => {});
    socket.resume();
    const cut = new Promise((resolve) => socket.on('close', resolve));
    await listener.close();
    await cut;
  });

  test('serves pages of a node:http server on the same port', async () => {
    const http = createHttpServer((_, response) => response.end('page'));
    const listener = await serve({ http }, (connection) => connection.send('hello'));
    expect(await (await fetch(listener.url.replace('ws', 'http'))).text()).toBe('page');
    expect(await take(await connect(listener.url), 1)).toEqual(['hello']);
  });

  test('a program that fails at the door closes that connection with 1011 and serves the next', async () => {
    let first = true;
    const { url } = await serve({}, (connection) => {
      if (first) {
        first = false;
        throw new Error('oops');
      }
      connection.send('served');
    });
    expect(await (await connect(url)).closed).toMatchObject({ code: 1011 });
    expect(await take(await connect(url), 1)).toEqual(['served']);
  });
});
