import { once } from 'node:events';
import { createServer as createHttpServer, request as httpRequest } from 'node:http';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import { encodeFrame, FrameDecoder, Opcode } from '@wsferry/frames';
import { acceptDeflate, MessageInflater } from '@wsferry/frames/deflate';
import { requestUpgrade } from '@wsferry/handshake/node';
import { FakeClock } from '@wsferry/testing';
import { describe, expect, test } from 'vitest';
import { afterThis, pair, serve } from '../test/network.ts';
import { connect, takeOver } from './index.ts';

/** So many turns of the event loop. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
}

describe('a handler that takes its time', () => {
  test('does not keep pings from being answered, nor those of its own', async () => {
    const [client, server] = await pair();
    const trips: number[] = [];
    const handled = new Promise<void>((resolve) => {
      server.onMessage = async () => {
        trips.push(await server.ping(), await client.ping());
        resolve();
      };
    });
    client.send('x');
    await handled;
    expect(trips).toHaveLength(2);
  });

  test('gets one message after the other, and those that came before the Close all', async () => {
    const [client, server] = await pair();
    const got: unknown[] = [];
    let running = 0;
    server.onMessage = async (message) => {
      expect(++running).toBe(1);
      await server.ping().catch(() => {});
      got.push(message);
      running--;
    };
    for (let n = 0; n < 20; n++) client.send(String(n));
    await client.close();
    await server.closed;
    await expect.poll(() => got.length).toBe(20);
    expect(got).toEqual(Array.from({ length: 20 }, (_, n) => String(n)));
  });

  test('slows the sender down above receiveHighWaterMarkBytes', async () => {
    const [client, server] = await pair({ receiveHighWaterMarkBytes: 1024 });
    let finish!: () => void;
    let handled = 0;
    server.onMessage = () => {
      handled++;
      return new Promise((resolve) => {
        finish = resolve;
      });
    };
    for (let n = 0; n < 64; n++) client.send(new Uint8Array(1024 * 1024));
    for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate);
    expect(handled).toBe(1);
    expect(client.bufferedAmount).toBeGreaterThan(32 * 1024 * 1024);
    finish();
    client.abort();
  });
});

describe('answers to what came before the peer’s Close', () => {
  const messages = 40;
  const large = new Uint8Array(256 * 1024);

  /** A peer by hand: sends much and a Close behind it at once, and begins to read only when the server cannot write any more. */
  async function answersTo(url: string, chunk: Uint8Array): Promise<{ answers: number; close: number | undefined }> {
    const socket = connectTcp(Number(new URL(url).port), '127.0.0.1');
    await requestUpgrade(socket, { url: new URL(url) });
    const key = Uint8Array.of(1, 2, 3, 4);
    for (let n = 0; n < messages; n++)
      socket.write(encodeFrame({ fin: true, opcode: Opcode.Binary, payload: chunk }, key));
    const sent = new Promise<void>((resolve) => {
      socket.write(encodeFrame({ fin: true, opcode: Opcode.Close, payload: Uint8Array.of(3, 232) }, key), () =>
        resolve(),
      );
    });
    await Promise.race([sent, turns(200)]);
    const decoder = new FrameDecoder({ role: 'client' });
    let answers = 0;
    let close: number | undefined;
    for await (const part of socket) {
      decoder.push(part);
      for (let frame = decoder.next(); frame; frame = decoder.next()) {
        if (frame.opcode === Opcode.Binary) answers++;
        else if (frame.opcode === Opcode.Close) close = (frame.payload[0]! << 8) | frame.payload[1]!;
      }
    }
    return { answers, close };
  }

  test('all go out, from a handler that waits for drained()', async () => {
    const { url } = await serve({}, (peer) => {
      peer.onMessage = async (message) => {
        if (!peer.send(message)) await peer.drained();
      };
    });
    expect(await answersTo(url, large)).toEqual({ answers: messages, close: 1000 });
  });

  test('all go out, from a handler that thinks about each', async () => {
    const { url } = await serve({}, (peer) => {
      peer.onMessage = async (message) => {
        await turns(5);
        peer.send(message);
      };
    });
    expect(await answersTo(url, Uint8Array.of(1))).toEqual({ answers: messages, close: 1000 });
  });

  test('all go out, from a loop', async () => {
    const { url } = await serve({}, async (peer) => {
      for await (const message of peer) if (!peer.send(message)) await peer.drained();
    });
    expect(await answersTo(url, large)).toEqual({ answers: messages, close: 1000 });
  });

  test('a program that never finishes does not keep the peer waiting for long', async () => {
    const clock = new FakeClock();
    const [client, server] = await pair({ clock, keepalive: false });
    server.onMessage = () => new Promise(() => {});
    client.send('x');
    const closed = client.close();
    const look = () => {
      clock.advance(5000);
      return client.readyState;
    };
    await expect.poll(look).toBe(3);
    expect(await closed).toMatchObject({ code: 1000, wasClean: true });
  });

  test('a peer that ends its side of TCP while a long message is compressed gets it whole', async () => {
    const text = Array.from({ length: 200_000 }, (_, n) => String(Math.imul(n, 2654435761))).join(' ');
    const { url } = await serve({ deflate: true }, (peer) => void peer.send(text));
    const socket = connectTcp(Number(new URL(url).port), '127.0.0.1');
    const { rest } = await requestUpgrade(socket, { url: new URL(url), extensions: 'permessage-deflate' });
    socket.end();
    const decoder = new FrameDecoder({ role: 'client', allowRsv1: true });
    decoder.push(rest);
    const inflater = new MessageInflater({
      role: 'client',
      parameters: acceptDeflate({ name: 'permessage-deflate', params: [] }),
    });
    const parts: Uint8Array[] = [];
    for await (const part of socket) decoder.push(part);
    for (let frame = decoder.next(); frame; frame = decoder.next()) parts.push(frame.payload);
    expect(new TextDecoder().decode(inflater.inflateSync(Buffer.concat(parts), Infinity))).toBe(text);
  });
});

describe('a loop that answers what it reads', () => {
  test('reads to the end when the peer closes meanwhile: answers to a peer that closed are dropped', async () => {
    const [client, server] = await pair();
    for (let n = 0; n < 100; n++) client.send(String(n));
    await client.close();
    let read = 0;
    let taken = true;
    for await (const message of server) {
      read++;
      taken = server.send(message);
    }
    expect(read).toBe(100);
    expect(taken).toBe(false);
    await expect(server.drained()).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test('of send and drained ends when the line breaks, before the event loop could say so', async () => {
    const [client, server] = await pair();
    client.abort();
    await client.closed;
    // Either the reset has been read already, or the kernel refuses a write: the loop must see it in its own turn.
    for (let n = 0; ; n++) {
      expect(n).toBeLessThan(10_000);
      if (server.send(new Uint8Array(64 * 1024))) continue;
      const gone = await server.drained().then(
        () => undefined,
        (error) => error,
      );
      if (gone === undefined) continue;
      expect(gone).toMatchObject({ code: 'CLOSED' });
      break;
    }
  });

  test('throws NOT_OPEN right after this side aborted', async () => {
    const [client] = await pair();
    client.abort();
    expect(() => client.send('x')).toThrow(expect.objectContaining({ code: 'NOT_OPEN' }));
    await expect(client.ping()).rejects.toMatchObject({ code: 'NOT_OPEN' });
  });

  test('throws NOT_OPEN after this side closed', async () => {
    const [client] = await pair();
    void client.close();
    expect(() => client.send('x')).toThrow(expect.objectContaining({ code: 'NOT_OPEN' }));
  });
});

describe('a server that shuts down', () => {
  test('lets an HTTP answer under way finish', async () => {
    let answer!: () => void;
    const http = createHttpServer((_, response) => {
      response.write('first ');
      answer = () => response.end('last');
    });
    const listener = await serve({ http }, () => {});
    const request = httpRequest({ host: '127.0.0.1', port: listener.port });
    request.end();
    const [response] = await once(request, 'response');
    let body = '';
    response.setEncoding('utf8').on('data', (part: string) => {
      body += part;
    });
    await once(response, 'data');
    const closed = listener.close();
    answer();
    await once(response, 'end');
    expect(body).toBe('first last');
    await closed;
  });

  test('closes nothing when the code must not be sent', async () => {
    const listener = await serve({}, () => {});
    const client = await connect(listener.url);
    await expect(listener.close({ code: 1005 })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    expect(client.readyState).toBe(1);
    expect(await client.ping()).toBeGreaterThan(0);
  });
});

test("takeOver makes a connection of an upgrade at somebody's own http server", async () => {
  const http = createHttpServer((_, response) => response.end('page'));
  http.on('upgrade', async (request, socket, head) => {
    const connection = await takeOver(request, socket, head, { deflate: true });
    connection.send(connection.url);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  afterThis(() => http.close());
  const { port } = http.address() as AddressInfo;
  const client = await connect(`ws://127.0.0.1:${port}/there`, { deflate: true });
  expect((await client[Symbol.asyncIterator]().next()).value).toBe(`ws://127.0.0.1:${port}/there`);
  expect(client.deflate).toBeDefined();
  await client.close();
});
