import { openAsBlob } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@wsferry/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { closeAll, next, opened, serve, serveEcho, serveRaw, story, turn } from '../../test/whatwg-peers.ts';
import { WebSocket, webSocketClass } from './index.ts';

afterEach(closeAll);

const sendAny = (ws: WebSocket, ...args: unknown[]) => (ws.send as (...args: unknown[]) => unknown)(...args);
const bytes = Uint8Array.from({ length: 16 }, (_, i) => i);
const from = (view: ArrayBufferView) => [...new Uint8Array(view.buffer, view.byteOffset, view.byteLength)];

describe('what send takes', () => {
  const texts: [unknown, string][] = [
    ['', ''],
    ['¥¥¥¥¥¥', '¥¥¥¥¥¥'],
    ['a\u0000b', 'a\u0000b'],
    ['\ud801\udc07', '\ud801\udc07'],
    ['\ud807', '\ufffd'],
    ['\udc00\ud800x', '\ufffd\ufffdx'],
    [new String('object'), 'object'],
    [null, 'null'],
    [undefined, 'undefined'],
    [12.5, '12.5'],
    [{ toString: (): string => 'mine' }, 'mine'],
    [[1, 2], '1,2'],
    [new SharedArrayBuffer(2), '[object SharedArrayBuffer]'],
    ['x'.repeat(70_000), 'x'.repeat(70_000)],
  ];
  test('anything that is no bytes is text, as a well-formed string', async () => {
    const ws = await opened(await serveEcho());
    for (const [data, text] of texts) {
      expect(sendAny(ws, data)).toBeUndefined();
      expect((await next(ws, 'message')).data).toBe(text);
    }
    ws.close();
  });

  const binaries: [string, unknown, number[]][] = [
    ['an ArrayBuffer', bytes.slice().buffer, [...bytes]],
    ['an empty one', new ArrayBuffer(0), []],
    ['a detached one', detached().buffer, []],
    ['a view of a detached one', detached(), []],
    ['an Int8Array', Int8Array.of(-1, 2), [255, 2]],
    ['an Int16Array with an offset', new Int16Array(bytes.buffer, 2), [...bytes.subarray(2)]],
    ['a Uint16Array with offset and length', new Uint16Array(bytes.buffer, 2, 2), [2, 3, 4, 5]],
    ['a Float32Array', Float32Array.of(1.5), from(Float32Array.of(1.5))],
    ['a Float64Array', Float64Array.of(-0.1), from(Float64Array.of(-0.1))],
    ['a BigInt64Array', BigInt64Array.of(-1n), Array(8).fill(255)],
    ['a DataView', new DataView(bytes.buffer, 4, 3), [4, 5, 6]],
    ['a Buffer', Buffer.from('abc'), [97, 98, 99]],
    ['a Blob', new Blob([bytes.subarray(1, 3)]), [1, 2]],
    ['an empty Blob', new Blob([]), []],
  ];
  test.each(binaries)('%s is binary', async (_, data, sent) => {
    const ws = await opened(await serveEcho());
    for (const binaryType of ['arraybuffer', 'blob'] as const) {
      ws.binaryType = binaryType;
      sendAny(ws, data);
      const { data: received } = await next(ws, 'message');
      expect(received).toBeInstanceOf(binaryType === 'blob' ? Blob : ArrayBuffer);
      expect([...new Uint8Array(received instanceof Blob ? await received.arrayBuffer() : received)]).toEqual(sent);
    }
    ws.close();
  });

  test('an ArrayBuffer that comes holds the message and nothing else, whatever else came with it', async () => {
    const url = await serveRaw((socket) => socket.write(Buffer.from([0x82, 1, 7, 0x82, 2, 8, 9])));
    const ws = new WebSocket(url);
    ws.binaryType = 'arraybuffer';
    expect([...new Uint8Array((await next(ws, 'message')).data)]).toEqual([7]);
    expect([...new Uint8Array((await next(ws, 'message')).data)]).toEqual([8, 9]);
  });

  test('binaryType counts when the event is fired, not when the bytes came', async () => {
    const url = await serveRaw((socket) => socket.write(Buffer.from([0x82, 1, 7, 0x82, 1, 8])));
    const ws = new WebSocket(url);
    const types: string[] = [];
    ws.onmessage = ({ data }) => {
      types.push(data.constructor.name);
      ws.binaryType = 'arraybuffer';
    };
    while (types.length < 2) await next(ws, 'message');
    expect(types).toEqual(['Blob', 'ArrayBuffer']);
  });

  test('shared and resizable memory, Symbols and no argument are TypeErrors, and count for nothing', async () => {
    const ws = await opened(await serveEcho());
    const Resizable = ArrayBuffer as unknown as new (size: number, options: object) => ArrayBuffer;
    const resizable = new Resizable(2, { maxByteLength: 4 });
    for (const data of [new Uint8Array(new SharedArrayBuffer(2)), resizable, new Uint8Array(resizable), Symbol('x')]) {
      expect(() => sendAny(ws, data)).toThrow(TypeError);
    }
    expect(() => sendAny(ws)).toThrow(TypeError);
    expect(ws.bufferedAmount).toBe(0);
    ws.close();
  });

  test('a buffer may be changed after it was sent, also while it waits behind a Blob', async () => {
    const ws = await opened(await serveEcho());
    ws.binaryType = 'arraybuffer';
    const data = Uint8Array.of(1);
    ws.send(data);
    ws.send(new Blob(['']));
    ws.send(data.fill(2));
    data.fill(3);
    const received: number[][] = [];
    while (received.length < 3) received.push([...new Uint8Array((await next(ws, 'message')).data)]);
    expect(received).toEqual([[1], [], [2]]);
    ws.close();
  });
});

describe('when', () => {
  test('connecting is an InvalidStateError, once the argument is converted', async () => {
    const ws = new WebSocket(await serveEcho());
    for (const data of ['a', new Blob(['a']), new ArrayBuffer(1)]) {
      expect(() => ws.send(data)).toThrow(expect.objectContaining({ name: 'InvalidStateError' }));
    }
    expect(() => sendAny(ws, Symbol('a'))).toThrow(TypeError);
    expect(ws.bufferedAmount).toBe(0);
    ws.close();
  });

  test('closing or closed it sends nothing and only counts, for ever', async () => {
    const received: unknown[] = [];
    const url = await serve(async (peer) => {
      for await (const data of peer) received.push(data);
    });
    const ws = await opened(url);
    ws.send('before');
    await turn();
    ws.close();
    ws.send('é');
    ws.send(new Blob(['abc']));
    ws.send(new Uint16Array(2));
    expect(ws.bufferedAmount).toBe(2 + 3 + 4);
    await next(ws, 'close');
    expect(ws.bufferedAmount).toBe(9);
    ws.send('x');
    await turn();
    expect(ws.bufferedAmount).toBe(10);
    expect(received).toEqual(['before']);
  });

  test('a Blob is being read, later messages and close wait for it: the order is kept', async () => {
    const received: unknown[] = [];
    const url = await serve(async (peer) => {
      for await (const data of peer) received.push(typeof data === 'string' ? data : data.length);
    });
    const ws = await opened(url);
    ws.send('first');
    ws.send(new Blob([new Uint8Array(3_000_000)]));
    ws.send('third');
    ws.send(new Blob(['four']));
    ws.send(new Uint8Array(5));
    ws.close(3000);
    ws.send('too late');
    expect(ws.bufferedAmount).toBe(5 + 3_000_000 + 5 + 4 + 5 + 8);
    const { code, wasClean } = await next(ws, 'close');
    expect([code, wasClean]).toEqual([3000, true]);
    expect(received).toEqual(['first', 3_000_000, 'third', 4, 5]);
    expect(ws.bufferedAmount).toBe(8);
  });

  test('a Blob cannot be read, because its file changed, the connection fails', async () => {
    await using folder = await temporaryDirectory();
    const path = join(folder.path, 'file');
    await writeFile(path, 'before');
    const blob = await openAsBlob(path);
    await writeFile(path, 'after, and longer');
    const ws = await opened(await serveEcho());
    ws.send(blob);
    expect(await story(ws)).toEqual(['3 error', '3 close 1006 "" unclean']);
    expect(ws.bufferedAmount).toBe(6);
  });
});

describe('bufferedAmount', () => {
  test('counts UTF-8 without framing, does not fall during a task, and falls in a later one', async () => {
    const ws = await opened(await serveEcho());
    ws.send('é'.repeat(65_000));
    ws.send(Uint8Array.of(1, 2, 3));
    ws.send('');
    expect(ws.bufferedAmount).toBe(130_003);
    for (let i = 0; i < 100; i++) await undefined; // the same task
    await new Promise<void>((resolve) => process.nextTick(resolve));
    expect(ws.bufferedAmount).toBe(130_003);
    while (((await next(ws, 'message')).data as unknown) !== ''); // all of it has gone there and back
    expect(ws.bufferedAmount).toBe(0);
    ws.close();
  });

  test('stays while the peer does not read, and counts what was never sent when it goes away', async () => {
    let drop!: () => void;
    const url = await serveRaw((socket) => {
      socket.pause();
      drop = () => socket.resetAndDestroy();
    });
    const ws = await opened(url, webSocketClass({ keepalive: false }));
    const size = 32 * 1024 * 1024;
    ws.send(new Uint8Array(size));
    ws.send('x');
    for (let i = 0; i < 5; i++) await turn();
    expect(ws.bufferedAmount).toBe(size + 1);
    drop();
    expect((await next(ws, 'close')).code).toBe(1006);
    expect(ws.bufferedAmount).toBe(size + 1);
  });
});

function detached(): Uint8Array {
  const view = new Uint8Array(4);
  structuredClone(view.buffer, { transfer: [view.buffer] });
  return view;
}
