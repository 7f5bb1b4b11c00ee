import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { acceptKey } from '@wsferry/handshake';
import { type Connection, type ListenOptions, listen } from '../src/index.ts';
import { type CloseEvent, WebSocket, type WebSocketConstructor, type WebSocketEventMap } from '../src/whatwg/index.ts';

const open: (() => unknown)[] = [];

/** For `afterEach`. */
export async function closeAll(): Promise<void> {
  for (const close of open.splice(0)) await close();
}

/** Our own server; gives its URL. */
export async function serve(
  onConnection: (connection: Connection) => unknown,
  options: ListenOptions = {},
): Promise<string> {
  const listener = await listen(options, onConnection);
  open.push(() => listener.close({ timeoutMs: 500 }));
  return listener.url;
}

/** Sends every message back; "Goodbye" also closes, as the echo of the web-platform-tests does. */
export function serveEcho(options: ListenOptions = {}): Promise<string> {
  return serve(async (peer) => {
    for await (const data of peer) {
      peer.send(data);
      if (data === 'Goodbye') peer.close(1000, 'Goodbye');
    }
  }, options);
}

/** A server that answers the handshake (or not, when `answer` is null) and then does only what the test says. */
export async function serveRaw(
  onOpen: (socket: Socket, head: string) => unknown,
  answer: readonly string[] | null = [],
): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', (bytes) => {
      const head = bytes.toString('latin1');
      const key = /sec-websocket-key: (\S+)/i.exec(head)?.[1] ?? '';
      const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
      if (answer)
        socket.write(`${[...lines, `Sec-WebSocket-Accept: ${acceptKey(key)}`, ...answer].join('\r\n')}\r\n\r\n`);
      onOpen(socket, head);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as { port: number }).port}`;
}

/** The next event of that type. */
export function next<K extends keyof WebSocketEventMap>(ws: WebSocket, type: K): Promise<WebSocketEventMap[K]> {
  return new Promise((resolve) => ws.addEventListener(type, resolve, { once: true }));
}

export async function opened(
  url: string,
  Class: WebSocketConstructor = WebSocket,
  protocols: string[] = [],
): Promise<WebSocket> {
  const ws = new Class(url, protocols);
  await next(ws, 'open');
  return ws;
}

/** Every event from now on with the readyState its listener saw, until `close` has come. */
export async function story(ws: WebSocket): Promise<string[]> {
  const told: string[] = [];
  for (const type of ['open', 'message', 'error'] as const) {
    ws.addEventListener(type, (event: Event) => {
      const data = type === 'message' ? ` ${(event as MessageEvent).data}` : '';
      told.push(`${ws.readyState} ${type}${data}`);
    });
  }
  const { code, reason, wasClean }: CloseEvent = await next(ws, 'close');
  told.push(`${ws.readyState} close ${code} ${JSON.stringify(reason)} ${wasClean ? 'clean' : 'unclean'}`);
  return told;
}

/** The name of the DOMException or the error that `run` throws, "nothing" when it does not. */
export function thrown(run: () => unknown): string {
  try {
    run();
    return 'nothing';
  } catch (error) {
    return (error as Error).name;
  }
}

/** Lets tasks that are queued already, and their microtasks, run. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
