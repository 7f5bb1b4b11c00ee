import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, createServer, type Server, type Socket } from 'node:net';
import { type Connection, type ListenOptions, listen } from '@wsferry/connection';
import { memoryReceiver, openSession, type SessionOptions, SUBPROTOCOL } from '@wsferry/transfer';
import { afterEach } from 'vitest';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** Runs after the test. */
export function afterThis(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

/** A server of ours; its URL. */
export async function serving(options: ListenOptions, onConnection: (connection: Connection) => unknown = () => {}) {
  const listener = await listen({ keepalive: false, ...options }, onConnection);
  afterThis(() => listener.close({ timeoutMs: 100 }));
  return listener.url;
}

/** A receiver that keeps what comes in memory; its URL. */
export async function receiving(options: ListenOptions = {}, session: Partial<SessionOptions> = {}) {
  const { accept, files } = memoryReceiver();
  const url = await serving({ protocols: [SUBPROTOCOL], ...options }, (connection) => {
    openSession(connection, { role: 'acceptor', accept, ...session });
  });
  return { url, files };
}

async function start(server: Server): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => {})));
  afterThis(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Says something to whoever connects or asks, and that is all; its host. */
export async function saying(text: string, { atOnce = false } = {}): Promise<string> {
  return await start(
    createServer((socket) => {
      if (atOnce) socket.end(text);
      else socket.once('data', () => socket.end(text));
    }),
  );
}

/** Takes connections and says nothing; its host. */
export async function mute(): Promise<string> {
  return await start(createServer((socket) => socket.resume()));
}

/** An answer to every request. */
export async function answering(head: string, ...headers: string[]): Promise<string> {
  return await saying(
    `${[`HTTP/1.1 ${head}`, ...headers, 'Content-Length: 0', 'Connection: close'].join('\r\n')}\r\n\r\n`,
  );
}

/** Passes everything on to `url`; `judge` is told of each connection's two sockets. Its host. */
export async function relay(url: string, judge: (near: Socket, far: Socket) => void): Promise<string> {
  const { hostname, port } = new URL(url);
  return await start(
    createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
      const far = connectTcp({ host: hostname, port: Number(port), allowHalfOpen: true, noDelay: true });
      far.on('error', () => {});
      far.on('close', () => near.destroy());
      near.on('close', () => far.destroy());
      near.pipe(far);
      far.pipe(near);
      judge(near, far);
    }),
  );
}
