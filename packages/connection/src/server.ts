import type { Server as HttpServer, IncomingMessage } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { CloseCode } from '@wsferry/frames';
import { HandshakeError, type RequestHead, type ServerPolicy } from '@wsferry/handshake';
import { acceptUpgrade, takeOverUpgrade, type Upgraded } from '@wsferry/handshake/node';
import { Connection, type ConnectionOptions } from './connection.ts';
import { ConnectionError } from './errors.ts';

export interface ListenOptions extends ConnectionOptions, ServerPolicy {
  /** Default 127.0.0.1: this machine only. */
  host?: string;
  /** Default 0: any free one, see `listener.port`. */
  port?: number;
  /** Certificate and key make it wss: what Node's `tls.createServer` takes. */
  tls?: TlsOptions;
  /** Gets every request that is no upgrade, on the same port. It never listens itself. */
  http?: HttpServer;
  /** From TCP's connection to the end of the upgrade. Default 10 s; then 408. */
  handshakeTimeoutMs?: number;
  /** A handshake was refused, or its client vanished. */
  onRefused?: (error: HandshakeError, remoteAddress: string | undefined) => void;
}

export interface Listener {
  readonly host: string;
  readonly port: number;
  /** ws://host:port or wss://host:port. */
  readonly url: string;
  readonly connections: ReadonlySet<Connection>;
  /**
   * Takes no more connections, closes the open ones with `code` (default 1001, going away), and settles when all are
   * gone; those that have not gone after `timeoutMs` (default 10 s) are cut.
   */
  close(options?: { code?: number; reason?: string; timeoutMs?: number }): Promise<void>;
}

/**
 * Listens for WebSockets (RFC 6455 §4.2) and calls `onConnection` with each that opened; if that throws, the connection
 * fails with 1011. Rejects with `ConnectionError` `ADDRESS_IN_USE` or `CANNOT_LISTEN`.
 */
export async function listen(
  options: ListenOptions,
  onConnection: (connection: Connection) => unknown,
): Promise<Listener> {
  const { host = '127.0.0.1', port = 0, tls, http, handshakeTimeoutMs = 10_000, onRefused } = options;
  const connections = new Set<Connection>();
  const sockets = new Set<Socket>();
  const scheme = tls ? 'wss' : 'ws';

  const open = (upgraded: Upgraded & { request: RequestHead }) => {
    const { socket, rest, accepted, request } = upgraded;
    const url = `${scheme}://${hostOf(request)}${request.target}`;
    const connection = new Connection({ role: 'server', socket, rest, accepted, request, url }, options);
    connections.add(connection);
    connection.closed.then(() => connections.delete(connection));
    const failed = () => connection.close(CloseCode.InternalError, 'the server failed');
    try {
      Promise.resolve(onConnection(connection)).catch(failed);
    } catch {
      failed();
    }
  };
  const refuse = (remoteAddress: string | undefined) => (error: unknown) => {
    if (error instanceof HandshakeError) onRefused?.(error, remoteAddress);
  };
  const onSocket = (socket: Socket) => {
    const { remoteAddress } = socket;
    acceptUpgrade(socket, options, { timeoutMs: handshakeTimeoutMs, ...(http && { http }) })
      .then((upgraded) => upgraded && open(upgraded))
      .catch(refuse(remoteAddress));
  };
  // A proxy may send an upgrade on a connection that already carried ordinary requests: then `http` finds it first.
  const onUpgrade = (request: IncomingMessage, socket: Socket, head: Buffer) => {
    const { remoteAddress } = socket;
    takeOverUpgrade(request, socket, head, options).then(open).catch(refuse(remoteAddress));
  };
  http?.on('upgrade', onUpgrade);

  // allowHalfOpen: §7.1.1 lets the server end TCP first, and what it still has to say must get out after a client's FIN.
  const server = tls
    ? createTlsServer({ ...tls, allowHalfOpen: true, handshakeTimeout: handshakeTimeoutMs } as TlsOptions, onSocket)
    : createTcpServer({ allowHalfOpen: true, noDelay: true }, onSocket);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  if (tls) server.on('tlsClientError', () => {}); // a client that gave up or is no TLS client: its own trouble
  await startListening(server, host, port).catch((error) => {
    http?.off('upgrade', onUpgrade);
    throw error;
  });
  const address = server.address() as AddressInfo;

  return {
    host,
    port: address.port,
    url: `${scheme}://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    connections,
    async close({ code = CloseCode.GoingAway, reason = '', timeoutMs = 10_000 } = {}) {
      const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
      const closing = [...connections].map((connection) => connection.close(code, reason));
      const cut = () => {
        for (const socket of sockets) socket.destroy();
      };
      const timer = setTimeout(cut, timeoutMs);
      await Promise.all(closing);
      cut(); // handshakes and plain HTTP requests that are still there
      await stopped;
      clearTimeout(timer);
      http?.off('upgrade', onUpgrade);
    },
  };
}

function startListening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const inUse = cause.code === 'EADDRINUSE';
      const message = inUse ? `port ${port} on ${host} is in use` : `cannot listen on ${host}:${port} (${cause.code})`;
      reject(new ConnectionError(inUse ? 'ADDRESS_IN_USE' : 'CANNOT_LISTEN', message, { cause }));
    });
    server.listen(port, host, () => {
      server.on('error', () => {}); // an accept that failed (no more file descriptors): the others go on
      resolve();
    });
  });
}

function hostOf(request: RequestHead): string {
  return request.headers.find(([name]) => name.toLowerCase() === 'host')?.[1] ?? '';
}
