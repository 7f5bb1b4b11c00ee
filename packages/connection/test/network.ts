import { once } from 'node:events';
import { createServer as createHttpServer, type Server as HttpServer, type IncomingMessage } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import {
  type AddressInfo,
  connect as connectTcp,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net';
import { afterEach } from 'vitest';
import {
  type Connection,
  type ConnectOptions,
  connect,
  type Listener,
  type ListenOptions,
  listen,
} from '../src/index.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** Runs after the test, in the order of the calls. */
export function afterThis(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

/** Starts `server` and gives its port; everything it accepts is destroyed after the test. */
export async function start(
  server: Server | HttpServer,
  where: { host?: string; path?: string } = {},
): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  server.listen(where.path === undefined ? { port: 0, host: where.host ?? '127.0.0.1' } : { path: where.path });
  await once(server, 'listening');
  return where.path === undefined ? (server.address() as AddressInfo).port : 0;
}

/** Our own server; without a handler it says "hello" to whoever comes. */
export async function serve(
  options: ListenOptions = {},
  onConnection: (connection: Connection) => unknown = (connection) => connection.send('hello'),
): Promise<Listener> {
  const listener = await listen(options, onConnection);
  cleanups.push(() => listener.close({ timeoutMs: 500 }));
  return listener;
}

/** A connected pair: our client, and our server's end of it. */
export async function pair(
  serverOptions: ListenOptions = {},
  clientOptions: ConnectOptions = {},
  target = '',
): Promise<[client: Connection, server: Connection]> {
  let arrived!: (connection: Connection) => void;
  const atServer = new Promise<Connection>((resolve) => {
    arrived = resolve;
  });
  const { url } = await serve(serverOptions, (connection) => arrived(connection));
  return [await connect(`${url}${target}`, clientOptions), await atServer];
}

/** Says what each request asked for, refuses what is to be refused, and connects. Node's own server, not ours. */
export async function startProxy(
  options: { tls?: { cert: string; key: string }; refuse?: (request: IncomingMessage) => string | undefined } = {},
) {
  const requests: { target: string; host: string | undefined; authorization: string | undefined }[] = [];
  const server = options.tls ? createHttpsServer(options.tls) : createHttpServer();
  server.on('connect', (request, client: Socket, head) => {
    const { host, 'proxy-authorization': authorization } = request.headers;
    requests.push({ target: request.url!, host, authorization });
    client.on('error', () => {});
    const refusal = options.refuse?.(request);
    if (refusal !== undefined) return void client.end(refusal);
    const { hostname, port } = new URL(`http://${request.url}`);
    const far = connectTcp({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80), allowHalfOpen: true });
    far.on('error', () => client.destroy());
    client.once('close', () => far.destroy());
    far.once('connect', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      far.write(head);
      far.pipe(client);
      client.pipe(far);
    });
    cleanups.push(() => far.destroy());
  });
  const port = await start(server);
  return { requests, port, url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}` };
}

/** Accepts and does as `script` says. */
export async function scripted(script: (socket: Socket) => unknown): Promise<number> {
  return await start(createTcpServer({ allowHalfOpen: true }, (socket) => void script(socket)));
}

/** A server that says nothing; gives the moment somebody spoke to it, and the moment they left. */
export async function silent() {
  let arrived!: () => void;
  let left!: () => void;
  const hasArrived = new Promise<void>((resolve) => (arrived = resolve));
  const hasLeft = new Promise<void>((resolve) => (left = resolve));
  const port = await scripted((socket) => {
    socket.once('data', arrived).once('end', left).once('close', left);
  });
  return { port, hasArrived, hasLeft };
}

/** The first message, and a clean end. */
export async function helloFrom(client: Connection): Promise<unknown> {
  let hello: unknown;
  for await (const message of client) {
    hello = message;
    break;
  }
  const { wasClean } = await client.close();
  return wasClean ? hello : 'not clean';
}
