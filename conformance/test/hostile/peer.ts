import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

// A client that keeps to no rule, written without our packages.

/** A TCP connection that never ends by itself, however the other side ends. */
export async function dial(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  await once(socket, 'connect');
  socket.on('error', () => {});
  return socket;
}

/** `count` of them, some at a time: a listening socket's queue is finite. */
export async function dialMany(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const some = Math.min(200, count - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: some }, () => dial(port)))));
  }
  return sockets;
}

export function request(path: string, extra = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n${extra}\r\n`;
}

/** An open WebSocket; what came behind the 101 is put back. */
export async function open(port: number, path: string, extra = ''): Promise<Socket> {
  const socket = await dial(port);
  socket.write(request(path, extra));
  let head = Buffer.alloc(0);
  while (head.indexOf('\r\n\r\n') < 0) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    head = Buffer.concat([head, chunk]);
  }
  if (!head.toString('latin1').startsWith('HTTP/1.1 101')) throw new Error(`expected a 101, got ${head.toString()}`);
  socket.pause();
  socket.unshift(head.subarray(head.indexOf('\r\n\r\n') + 4));
  return socket;
}

export const openMany = (port: number, path: string, count: number): Promise<Socket[]> =>
  Promise.all(Array.from({ length: count }, () => open(port, path)));

/** A client's frame with the masking key 0, which is as good as any: the payload stands as it is. */
export function frame(
  opcode: number,
  payload: Uint8Array | string = '',
  { fin = true, declared, rsv1 = false }: { fin?: boolean; declared?: bigint; rsv1?: boolean } = {},
): Buffer {
  const body = Buffer.from(payload);
  const length = declared ?? BigInt(body.length);
  const lengthBytes = length < 126n ? 0 : length < 65_536n ? 2 : 8;
  const head = Buffer.alloc(2 + lengthBytes + 4);
  head[0] = (fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | opcode;
  head[1] = 0x80 | (lengthBytes === 0 ? Number(length) : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) head.writeUInt16BE(Number(length), 2);
  if (lengthBytes === 8) head.writeBigUInt64BE(length, 2);
  return Buffer.concat([head, body]);
}

/** Writes `chunk` `times` times, as fast as the other side takes it. False when it ended the connection before. */
export async function pour(socket: Socket, chunk: Uint8Array, times: number): Promise<boolean> {
  for (let i = 0; i < times; i++) {
    if (socket.destroyed || !socket.writable) return false;
    if (socket.write(chunk)) continue;
    await new Promise<void>((resolve) => {
      const go = () => {
        socket.off('drain', go).off('close', go);
        resolve();
      };
      socket.once('drain', go).once('close', go);
    });
  }
  return !socket.destroyed;
}

/** Everything until the other side ends or cuts the connection. Our half stays open. */
export function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve) => {
    const done = () => resolve(Buffer.concat(chunks));
    socket.once('end', done).once('close', done);
    socket.resume();
  });
}

/** Waits until the other side has given the connection up altogether. */
export async function gone(socket: Socket): Promise<void> {
  if (socket.destroyed) return;
  let knock: NodeJS.Timeout | undefined;
  const closed = new Promise((resolve) => socket.once('close', resolve));
  // Behind a FIN only writing shows whether anybody is still there.
  socket.once('end', () => {
    knock = setInterval(() => socket.writable && socket.write('\0'), 20);
  });
  socket.resume();
  await closed;
  clearInterval(knock);
}

/** The payload lengths of a server's frames, by opcode. */
export function framesIn(bytes: Buffer): { opcode: number; payload: Buffer }[] {
  const frames: { opcode: number; payload: Buffer }[] = [];
  for (let at = 0; at + 2 <= bytes.length; ) {
    const short = bytes[at + 1]! & 0x7f;
    const from = at + 2 + (short === 126 ? 2 : short === 127 ? 8 : 0);
    if (from > bytes.length) break;
    const length =
      short === 126 ? bytes.readUInt16BE(at + 2) : short === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : short;
    if (from + length > bytes.length) break;
    frames.push({ opcode: bytes[at]! & 0x0f, payload: bytes.subarray(from, from + length) });
    at = from + length;
  }
  return frames;
}

/** The close code of the last Close frame in there. */
export function closeCodeIn(bytes: Buffer): number | undefined {
  const close = framesIn(bytes).findLast(({ opcode }) => opcode === 8);
  return close && close.payload.length >= 2 ? close.payload.readUInt16BE(0) : undefined;
}
