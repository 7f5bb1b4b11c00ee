import { describe, expect, test } from 'vitest';
import { pair, serve } from '../test/network.ts';
import { type Connection, type ConnectionOptions, connect, type ListenOptions, listen } from './index.ts';

describe('options that are none are refused with their own name, before a socket is opened', () => {
  const wrong: [string, Record<string, unknown>][] = [
    ['maxMessageBytes', { maxMessageBytes: '1' }],
    ['maxMessageBytes', { maxMessageBytes: -1 }],
    ['highWaterMarkBytes', { highWaterMarkBytes: Number.NaN }],
    ['receiveHighWaterMarkBytes', { receiveHighWaterMarkBytes: 1.5 }],
    ['closeTimeoutMs', { closeTimeoutMs: 2 ** 31 }],
    ['keepalive', { keepalive: true }],
    ['keepalive.intervalMs', { keepalive: { intervalMs: 0 } }],
    ['keepalive.timeoutMs', { keepalive: { timeoutMs: 'soon' } }],
    ['handshakeTimeoutMs', { handshakeTimeoutMs: 'x' }],
    ['deflate', { deflate: 'yes' }],
    ['text', { text: 'buffer' }],
    ['deflate.level', { deflate: { level: 10 } }],
    ['deflate.thresholdBytes', { deflate: { thresholdBytes: -5 } }],
  ];
  test.each(wrong)('%s: %o', async (name, options) => {
    const refused = { code: 'BAD_ARGUMENT', message: expect.stringContaining(`expected ${name} to be`) };
    await expect(connect('ws://127.0.0.1:1', options as ConnectionOptions)).rejects.toMatchObject(refused);
    await expect(listen(options as ConnectionOptions, () => {})).rejects.toMatchObject(refused);
  });

  test.each([
    ['maxConnections', { maxConnections: 0 }],
    ['maxHandshakes', { maxHandshakes: '10' as unknown as number }],
  ])('%s of a server', async (name, options) => {
    await expect(listen(options, () => {})).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      message: expect.stringContaining(name),
    });
  });

  test.each([
    ['origins', { origins: ['https://files.example/'] }],
    ['origins', { origins: 'sameorigin' }],
    ['refuse', { refuse: 5 }],
    ['port', { port: 70_000 }],
  ])('%s of a server: %o', async (name, options) => {
    await expect(listen(options as ListenOptions, () => {})).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      message: expect.stringContaining(name),
    });
    await expect(listen({}, undefined as unknown as () => void)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
  });

  test('part of a keepalive takes the default for the rest', async () => {
    const [client] = await pair({ keepalive: { intervalMs: 1000 } });
    expect(client.readyState).toBe(1);
  });
});

describe('data that is no message', () => {
  test.each([
    [undefined],
    [null],
    [7],
    [[1, 2]],
    [{}],
    [new ArrayBuffer(1)],
    [new Uint16Array(2)],
    [new DataView(new ArrayBuffer(1))],
  ])('send(%o) throws BAD_ARGUMENT and sends nothing', async (data) => {
    const [client, server] = await pair();
    expect(() => client.send(data as unknown as string)).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }));
    client.send('good');
    expect((await server[Symbol.asyncIterator]().next()).value).toBe('good');
  });

  test('a reason that is no string throws BAD_ARGUMENT and leaves the connection open', async () => {
    const [client] = await pair();
    expect(() => client.close(1000, 5 as unknown as string)).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }));
    expect(client.readyState).toBe(1);
  });
});

describe('a program that fails', () => {
  test.each([
    [
      'throws',
      () => {
        throw new Error('oops');
      },
    ],
    ['rejects', () => Promise.reject(new Error('oops'))],
  ])('onConnection %s: 1011 for the peer, onError for the program', async (_, onConnection) => {
    const told: [unknown, Connection | undefined][] = [];
    const listener = await serve({ onError: (error, connection) => told.push([error, connection]) }, onConnection);
    expect(await (await connect(listener.url)).closed).toMatchObject({ code: 1011 });
    const [error, connection] = told[0] ?? [];
    expect(error).toMatchObject({ message: 'oops' });
    expect(await connection?.closed).toMatchObject({ code: 1011, error: { message: 'oops' } });
  });

  test("a policy's function that throws: 500 for the peer, onError for the program", async () => {
    const told: unknown[] = [];
    const path = () => {
      throw new Error('oops');
    };
    const listener = await serve({ path, onError: (error) => told.push(error) }, () => {});
    await expect(connect(listener.url)).rejects.toMatchObject({ status: 500 });
    expect(told).toMatchObject([{ message: 'oops' }]);
  });

  test.each([[new Error('oops')], [undefined]])(
    'onMessage rejects with %o: 1011, and closed has the error',
    async (cause) => {
      const [client, server] = await pair();
      server.onMessage = () => Promise.reject(cause);
      client.send('x');
      expect(await client.closed).toMatchObject({ code: 1011 });
      expect((await server.closed).error).toBeInstanceOf(Error);
    },
  );

  test('onMessage that returns what send returned, as JavaScript lets it: that is no promise', async () => {
    const [client, server] = await pair();
    server.onMessage = (data) => server.send(data) as unknown as undefined;
    const come: unknown[] = [];
    client.onMessage = (data) => {
      come.push(data);
      if (come.length === 2) void client.close();
    };
    client.send('one');
    client.send('two');
    expect(await server.closed).toMatchObject({ code: 1000 });
    expect(come).toEqual(['one', 'two']);
  });
});
