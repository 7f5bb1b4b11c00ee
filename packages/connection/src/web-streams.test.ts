import { describe, expect, test } from 'vitest';
import { pair, serve } from '../test/network.ts';
import { connect } from './index.ts';

describe('readable', () => {
  test('gives text as strings and binary as bytes, and ends with a clean close', async () => {
    const [client, server] = await pair();
    server.send('text');
    server.send(Uint8Array.of(1, 2));
    void server.close();
    const got: unknown[] = [];
    for await (const message of client.readable) got.push(message);
    expect(got).toEqual(['text', Uint8Array.of(1, 2)]);
  });

  test('fails with CLOSED when the connection breaks', async () => {
    const [client, server] = await pair();
    const reader = client.readable.getReader();
    const read = reader.read();
    server.abort();
    await expect(read).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test('cancelling it closes the connection', async () => {
    const [client, server] = await pair();
    await client.readable.cancel();
    expect(await server.closed).toMatchObject({ code: 1000, wasClean: true });
  });

  test('what nobody reads stops the sender: its writer is not ready', async () => {
    const [client, server] = await pair({ highWaterMarkBytes: 64 * 1024 }, { receiveHighWaterMarkBytes: 1024 });
    const writer = server.writable.getWriter();
    const chunk = new Uint8Array(1024 * 1024);
    const total = 64;
    let written = 0;
    const writing = (async () => {
      for (let sent = 0; sent < total; sent++) {
        await writer.write(chunk);
        written++;
      }
      await writer.close();
    })();
    const reader = client.readable.getReader();
    expect((await reader.read()).value?.length).toBe(chunk.length);
    expect(written).toBeLessThan(total);
    for (let read = 1; read < total; read++) await reader.read();
    expect(await reader.read()).toEqual({ done: true, value: undefined });
    await writing;
  });
});

describe('writable', () => {
  test('sends each chunk as one message; closing it closes the connection', async () => {
    const [client, server] = await pair();
    const writer = client.writable.getWriter();
    await writer.write('a');
    await writer.write(Uint8Array.of(7));
    await writer.close();
    const got: unknown[] = [];
    for await (const message of server) got.push(message);
    expect(got).toEqual(['a', Uint8Array.of(7)]);
    expect(await server.closed).toMatchObject({ code: 1000, wasClean: true });
  });

  test('aborting it cuts the connection: the peer sees 1006', async () => {
    const [client, server] = await pair();
    await client.writable.abort(new Error('no more'));
    expect(await server.closed).toMatchObject({ code: 1006, wasClean: false });
  });

  test('fails with CLOSED once the peer has gone', async () => {
    const [client, server] = await pair();
    const writer = client.writable.getWriter();
    server.abort();
    await expect(writer.closed).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test('readable and writable of two connections pipe through a transform', async () => {
    const [client, server] = await pair();
    const shout = new TransformStream<string | Uint8Array, string>({
      transform: (message, controller) => controller.enqueue(String(message).toUpperCase()),
    });
    void server.readable
      .pipeThrough(shout)
      .pipeTo(server.writable)
      .catch(() => {});
    client.send('hello');
    expect((await client.readable.getReader().read()).value).toBe('HELLO');
  });

  test('an echo by pipes ends quietly when the peer closes cleanly', async () => {
    const told: unknown[] = [];
    const listener = await serve({ onError: (error) => told.push(error) }, (peer) =>
      peer.readable.pipeTo(peer.writable),
    );
    const client = await connect(listener.url);
    client.send('x');
    expect((await client[Symbol.asyncIterator]().next()).value).toBe('x');
    expect(await client.close()).toMatchObject({ code: 1000, wasClean: true });
    await listener.close();
    expect(told).toEqual([]);
  });

  test('closing it fails when the connection ends without a closing handshake', async () => {
    const [client, server] = await pair();
    const writer = client.writable.getWriter();
    server.onMessage = () => server.abort();
    await writer.write('x');
    await expect(writer.close()).rejects.toMatchObject({ code: 'CLOSED' });
  });
});
