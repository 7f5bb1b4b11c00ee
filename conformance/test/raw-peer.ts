import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net';
import { connect } from '@wsferry/connection';
import { echo, startEchoServer } from '../src/echo-server.ts';

// A peer written a second time, from the RFC and without our packages: what it and they agree on is no common mistake.

/** One frame as a case wants it; what is left out is as it should be. */
export interface WireFrame {
  readonly opcode: number;
  readonly payload?: Uint8Array | string;
  readonly fin?: boolean;
  /** The three reserved bits as a number, 4 for RSV1. */
  readonly reserved?: number;
  /** Bytes of extended length, where it should not be the shortest form. */
  readonly lengthBytes?: 0 | 2 | 8;
  /** Declares this length, whatever the payload is. */
  readonly declaredLength?: bigint;
  /** Masks although it must not, or the other way round. */
  readonly wronglyMasked?: boolean;
}

export interface HeardFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** How TCP brings the frames: in the same segment as the handshake's head, all at once after it, or a byte at a time. */
export type Delivery = 'with the head' | 'in one write' | 'byte by byte';

/** §5.2, by the letter. */
export function frameBytes(frame: WireFrame, masked: boolean): Buffer {
  const payload = Buffer.from(frame.payload ?? '');
  const length = frame.declaredLength ?? BigInt(payload.length);
  const lengthBytes = frame.lengthBytes ?? (length < 126n ? 0 : length < 65_536n ? 2 : 8);
  const isMasked = frame.wronglyMasked ? !masked : masked;
  const head = Buffer.alloc(2 + lengthBytes);
  head[0] = (frame.fin === false ? 0 : 0x80) | ((frame.reserved ?? 0) << 4) | frame.opcode;
  head[1] = (isMasked ? 0x80 : 0) | (lengthBytes === 0 ? Number(length) : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) head.writeUInt16BE(Number(length), 2);
  if (lengthBytes === 8) head.writeBigUInt64BE(length, 2);
  if (!isMasked) return Buffer.concat([head, payload]);
  const key = randomBytes(4);
  return Buffer.concat([head, key, payload.map((byte, index) => byte ^ key[index % 4]!)]);
}

/** Takes the whole frames off the front of `bytes`. */
function takeFrames(bytes: Buffer): { frames: HeardFrame[]; rest: Buffer } {
  const frames: HeardFrame[] = [];
  let rest = bytes;
  while (rest.length >= 2) {
    const short = rest[1]! & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const keyAt = 2 + lengthBytes;
    if (rest.length < keyAt) break;
    const length =
      lengthBytes === 0 ? short : lengthBytes === 2 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
    const masked = (rest[1]! & 0x80) !== 0;
    const from = keyAt + (masked ? 4 : 0);
    if (rest.length < from + length) break;
    const key = rest.subarray(keyAt, from);
    const payload = Buffer.from(rest.subarray(from, from + length)).map((byte, index) =>
      masked ? byte ^ key[index % 4]! : byte,
    );
    frames.push({ opcode: rest[0]! & 0x0f, payload: Buffer.from(payload) });
    rest = rest.subarray(from + length);
  }
  return { frames, rest };
}

/** Writes `bytes`, then hears until the other side ends TCP. */
async function converse(socket: Socket, bytes: Buffer, rest: Buffer, delivery: Delivery): Promise<HeardFrame[]> {
  socket.on('error', () => {}); // writing on after the other side gave up
  let heard = rest;
  socket.on('data', (chunk: Buffer) => {
    heard = Buffer.concat([heard, chunk]);
  });
  const ended = once(socket, 'end');
  if (delivery === 'byte by byte') {
    for (const byte of bytes) {
      if (!socket.writable) break;
      socket.write(Uint8Array.of(byte));
      await new Promise(setImmediate);
    }
  } else if (delivery === 'in one write') {
    socket.write(bytes);
  }
  await ended;
  socket.end();
  return takeFrames(heard).frames;
}

async function readHead(socket: Socket): Promise<{ head: string; rest: Buffer }> {
  let bytes = Buffer.alloc(0);
  for (;;) {
    const end = bytes.indexOf('\r\n\r\n');
    if (end >= 0) return { head: bytes.toString('latin1', 0, end), rest: bytes.subarray(end + 4) };
    bytes = Buffer.concat([bytes, (await once(socket, 'data'))[0]]);
  }
}

/** Plays the frames to our echo server, and gives what it answered. */
export async function playToServer(frames: readonly WireFrame[], delivery: Delivery): Promise<HeardFrame[]> {
  const listener = await startEchoServer({ maxMessageBytes: 100_000 });
  try {
    const socket = connectTcp(listener.port, '127.0.0.1').setNoDelay(true);
    const key = randomBytes(16).toString('base64');
    const request = `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`;
    const bytes = Buffer.concat(frames.map((frame) => frameBytes(frame, true)));
    socket.write(delivery === 'with the head' ? Buffer.concat([Buffer.from(request), bytes]) : request);
    const { head, rest } = await readHead(socket);
    if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`expected a 101, got ${head}`);
    return await converse(socket, bytes, rest, delivery);
  } finally {
    await listener.close({ timeoutMs: 0 });
  }
}

/** Plays the frames to our client, which echoes, and gives what it answered. */
export async function playToClient(frames: readonly WireFrame[], delivery: Delivery): Promise<HeardFrame[]> {
  const server = createServer({ noDelay: true, allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const connecting = connect(url, { maxMessageBytes: 100_000, keepalive: false, closeTimeoutMs: 300 });
  const [socket] = (await once(server, 'connection')) as [Socket];
  const { head, rest } = await readHead(socket);
  const key = /^sec-websocket-key: *(\S+)/im.exec(head)?.[1] ?? '';
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  const response = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
  const bytes = Buffer.concat(frames.map((frame) => frameBytes(frame, false)));
  socket.write(delivery === 'with the head' ? Buffer.concat([Buffer.from(response), bytes]) : response);
  echo(await connecting);
  try {
    // The server ends TCP first (§7.1.1), so here we end after a Close went both ways.
    socket.on('data', function onData(this: Socket & { heard?: Buffer }, chunk: Buffer) {
      this.heard = Buffer.concat([this.heard ?? rest, chunk]);
      if (takeFrames(this.heard).frames.some(({ opcode }) => opcode === 8)) this.end();
    });
    return await converse(socket, bytes, rest, delivery);
  } finally {
    socket.destroy();
    server.close();
    await (await connecting).closed;
  }
}
