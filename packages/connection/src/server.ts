import type { Server as HttpServer, IncomingMessage } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { CloseCode } from '@wsferry/frames';
import { HandshakeError, type ServerPolicy } from '@wsferry/handshake';
import { type AcceptedUpgrade, acceptUpgrades, takeOverUpgrade } from '@wsferry/handshake/node';
import { unixUrl } from './address.ts';
import { checkedOptions, count, milliseconds } from './checked-options.ts';
import { checkedListenOptions } from './checked-server-options.ts';
import type { Connection } from './connection.ts';
import { ConnectionError } from './errors.ts';
import { HandshakeSlots, peerOf } from './handshake-slots.ts';
import { enforceHttpTimeouts } from './http-timeouts.ts';
import { startListening } from './listening.ts';
import type { ConnectionOptions } from './options.ts';
import { assertClosable } from './protocol.ts';
import { policyOf, serverConnection } from './take-over.ts';

export interface ListenOptions extends ConnectionOptions, ServerPolicy {
  /** Default 127.0.0.1: this machine only. */
  host?: string;
  /** Default 0: any free one, see `listener.port`. */
  port?: number;
  /** A Unix socket instead of host and port. One that a killed process left behind is replaced. */
  socketPath?: string;
  /** Certificate and key make it wss: what Node's `tls.createServer` takes. */
  tls?: TlsOptions;
  /** Gets every request that is no upgrade, on the same port. It never listens itself. */
  http?: HttpServer;
  /** For the upgrade, in ms, and before it as long again for TLS. Default 10 s; then 408. */
  handshakeTimeoutMs?: number;
  /** Open WebSockets; more are answered with 503. Default 10,000. */
  maxConnections?: number;
  /**
   * Connections whose handshake goes on; when one more comes, the one that has taken longest is cut, so that silent
   * clients do not keep honest ones out. Default 1,000.
   */
  maxHandshakes?: number;
  /** A handshake was refused, or its client vanished. `remoteAddress` is the client's, see `trustedProxies`. */
  onRefused?: (error: HandshakeError, remoteAddress: string | undefined) => void;
  /** This program's own code failed: `onConnection` (the connection closes with 1011), or a function of the policy (500). Default: a warning of the process. */
  onError?: (error: unknown, connection?: Connection) => void;
}

export interface Listener {
  readonly host: string;
  readonly port: number;
  /** ws://host:port or wss://host:port; ws+unix:PATH for a Unix socket. What `connect` takes. */
  readonly url: string;
  readonly connections: ReadonlySet<Connection>;
  /**
   * Takes no more connections, cuts unfinished handshakes, closes the open ones with `code` (default 1001, going away),
   * lets `http` finish the answers under way, and settles when all are gone; what has not gone after `timeoutMs` (default
   * 10 s) is cut. Rejects with `BAD_ARGUMENT` for a code that must not be sent; then nothing was closed.
   */
  close(options?: { code?: number; reason?: string; timeoutMs?: number }): Promise<void>;
}

/**
 * Listens for WebSockets (RFC 6455 §4.2) and calls `onConnection` with each that opened; if that throws or rejects, the
 * connection fails with 1011. Rejects with `ConnectionError` `ADDRESS_IN_USE`, `CANNOT_LISTEN` or `BAD_ARGUMENT`.
 */
export async function listen(
  options: ListenOptions,
  onConnection: (connection: Connection) => unknown,
): Promise<Listener> {
  checkedListenOptions(options, onConnection);
  const { host = '127.0.0.1', port = 0, socketPath, tls, http, onRefused } = options;
  const { onError = (error: unknown) => process.emitWarning(error instanceof Error ? error : String(error)) } = options;
  const settings = checkedOptions(options);
  const handshakeTimeoutMs = milliseconds('handshakeTimeoutMs', options.handshakeTimeoutMs, 10_000);
  const maxConnections = count('maxConnections', options.maxConnections, 10_000);
  const maxHandshakes = count('maxHandshakes', options.maxHandshakes, 1000);
  if (tls && socketPath !== undefined) {
    throw new ConnectionError(
      'BAD_ARGUMENT',
      'expected either tls or socketPath: a Unix socket never leaves the machine',
    );
  }

  const connections = new Set<Connection>();
  /** All that are here, those that `http` keeps too, each with its connection once that is open. */
  const sockets = new Map<Socket, Connection | undefined>();
  const slots = new HandshakeSlots(maxHandshakes, tls ? peerOf : undefined);
  const scheme = tls ? 'wss' : 'ws';
  let closing = false;

  const policy: ServerPolicy = {
    ...policyOf(options),
    refuse: (request, peer) => {
      if (closing) return { status: 503, message: 'expected to be asked earlier: this server is shutting down' };
      if (connections.size < maxConnections) return options.refuse?.(request, peer);
      return { status: 503, message: `expected fewer than ${maxConnections} connections; try again later` };
    },
  };

  /** One listener for all sockets: an idle connection keeps no function of its own. */
  function forget(this: Socket): void {
    const connection = sockets.get(this);
    if (connection) connections.delete(connection);
    sockets.delete(this);
    slots.leave(this);
  }
  const remember = (socket: Socket, connection?: Connection) => {
    if (!sockets.has(socket)) socket.on('close', forget);
    sockets.set(socket, connection);
  };
  const failed = (connection: Connection, error: unknown) => {
    void connection.fail(error);
    onError(error, connection);
  };
  const open = (upgraded: AcceptedUpgrade) => {
    let connection: Connection;
    try {
      connection = serverConnection(upgraded, settings);
    } catch (error) {
      upgraded.socket.destroy();
      onError(error); // the program negotiated an extension itself, and wrongly
      return;
    }
    connections.add(connection);
    remember(upgraded.socket, connection);
    try {
      const pending = onConnection(connection);
      if (pending !== undefined) Promise.resolve(pending).catch((error) => failed(connection, error));
    } catch (error) {
      failed(connection, error);
    }
  };
  const refused = (error: unknown) => {
    if (error instanceof HandshakeError) onRefused?.(error, error.remoteAddress);
    else onError(error);
  };
  const onSocket = acceptUpgrades(
    {
      opened: (upgraded) => {
        slots.leave(upgraded.socket);
        open(upgraded);
      },
      refused: (error, socket) => {
        slots.leave(socket);
        refused(error);
      },
      handedOn: (socket) => slots.leave(socket),
    },
    policy,
    { timeoutMs: handshakeTimeoutMs, http },
  );
  // A proxy may send an upgrade on a connection that already carried ordinary requests: then `http` finds it first.
  const onUpgrade = (request: IncomingMessage, socket: Socket, head: Buffer) => {
    takeOverUpgrade(request, socket, head, policy).then(open, refused);
  };
  http?.on('upgrade', onUpgrade);
  if (http) enforceHttpTimeouts(http);

  // allowHalfOpen: §7.1.1 lets the server end TCP first, and what it still has to say must get out after a client's FIN.
  const server = tls
    ? createTlsServer({ ...tls, allowHalfOpen: true, handshakeTimeout: handshakeTimeoutMs } as TlsOptions)
    : createTcpServer({ allowHalfOpen: true, noDelay: true });
  // Also those that `http` keeps: beyond, Node closes them as they come.
  server.maxConnections = maxConnections + maxHandshakes;
  server.on('connection', (socket: Socket) => {
    slots.enter(socket);
    remember(socket);
  });
  server.on(tls ? 'secureConnection' : 'connection', onSocket);
  // A client that gave up, is no TLS client or took too long: Node only tells of the last and leaves the socket open.
  if (tls) server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy());
  await startListening(server, socketPath === undefined ? { host, port } : { path: socketPath }).catch((error) => {
    http?.off('upgrade', onUpgrade);
    throw error;
  });
  const boundPort = socketPath === undefined ? (server.address() as AddressInfo).port : 0;

  return {
    host: socketPath === undefined ? host : '',
    port: boundPort,
    url:
      socketPath === undefined
        ? `${scheme}://${host.includes(':') ? `[${host}]` : host}:${boundPort}`
        : unixUrl(socketPath),
    connections,
    async close({ code = CloseCode.GoingAway, reason = '', timeoutMs = 10_000 } = {}) {
      assertClosable({ code, reason });
      closing = true;
      const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
      const timer = setTimeout(() => {
        for (const socket of sockets.keys()) socket.destroy();
      }, timeoutMs);
      slots.cut();
      http?.closeIdleConnections();
      const closings = [...connections].map((connection) => connection.close(code, reason));
      await Promise.all([stopped, ...closings]);
      clearTimeout(timer);
      http?.off('upgrade', onUpgrade);
    },
  };
}
