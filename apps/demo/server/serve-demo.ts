import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CloseCode, type Connection, isFixedHost, listen } from '@wsferry/connection';
import { ArrivalBoard, openSession, type Session, SUBPROTOCOL } from '@wsferry/transfer';
import { directoryReceiver } from '@wsferry/transfer/node';
import sirv from 'sirv';
import { Door } from './door.ts';
import { announceFound, latestFiles } from './found-files.ts';
import { securityHeaders } from './security-headers.ts';
import { serveReceivedFile } from './serve-received-file.ts';

export interface DemoOptions {
  /** Address to listen on. */
  readonly host: string;
  /** Port for page and WebSocket; 0 picks a free one. */
  readonly port: number;
  /** Folder that received files go into; it must exist and be writable. */
  readonly dir: string;
  /** Where the page is when it is reached by a name, such as `https://files.example` behind a proxy. Default: nowhere else. */
  readonly origins?: readonly string[];
  /** Lets in only who has it. Default: everybody who reaches the port. */
  readonly token?: string;
  /** Proxies whose X-Forwarded-For is believed. Default none. */
  readonly trustedProxies?: readonly string[];
  /** Folder of the built page; `dist/page` of this app by default. */
  readonly page?: string;
}

export interface Demo {
  /** Where the page is, for example `http://127.0.0.1:6455/`. The WebSocket is at the same address. */
  readonly url: string;
  /**
   * Lets nobody in any more (503), gives uploads and downloads under way `graceMs` (0) to end, says goodbye to everybody (1001)
   * and frees the port.
   */
  close(graceMs?: number): Promise<void>;
}

/** Arrivals that a tab hears of when it opens; the page shows no more of them. */
const KEPT = 100;

const builtPage = fileURLToPath(new URL('../dist/page', import.meta.url));

/** One port for the page, the received files and the WebSocket. Rejects with ConnectionError or TransferError. */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const { host, port, dir, origins = [], token, trustedProxies, page = builtPage } = options;
  const door = new Door({ token, trustedProxies });
  const { accept, acceptFolder } = await directoryReceiver(dir);
  const board = new ArrivalBoard({ keep: KEPT });
  const found = await latestFiles(dir, KEPT);

  const files = sirv(page, { etag: true });
  const named = new Set(origins.map((origin) => new URL(origin).host));
  // This server never listens. The port is `listen`'s below, which hands over whatever is not an upgrade.
  const answering = new Set<ServerResponse>();
  const http = createServer((request, response) => {
    answering.add(response);
    response.once('close', () => answering.delete(response));
    for (const [name, value] of securityHeaders) response.setHeader(name, value);
    // A page whose name its owner has pointed to this machine (DNS rebinding) would read the files as its own.
    if (stopping.signal.aborted) refuseWhileStopping(response);
    else if (!isFixedHost(request.headers.host ?? '') && !named.has(request.headers.host ?? '')) refuseHost(response);
    else if (request.url === '/door') door.answer(request, response);
    else if (request.url?.startsWith('/tickets/')) door.giveTicket(request, response);
    else if (request.url?.startsWith('/files/')) serveFile(request, response);
    // The page itself is no secret: it asks for the token.
    else files(request, response);
  });
  const serveFile = (request: IncomingMessage, response: ServerResponse) => {
    if (door.refuses(request, response)) return;
    void serveReceivedFile(dir, request, response);
  };
  const browsing = new Set<Socket>();
  http.on('connection', (socket: Socket) => {
    browsing.add(socket);
    socket.once('close', () => browsing.delete(socket));
  });

  const stopping = new AbortController();
  const sessions = new Set<Session>();
  const policy = {
    protocols: [SUBPROTOCOL],
    origins: ['same-origin', ...origins],
    refuse: ((request, peer) =>
      stopping.signal.aborted
        ? { status: 503, message: 'the demo is shutting down; try again later' }
        : door.refuse?.(request, peer)) satisfies Door['refuse'],
    trustedProxies,
  };
  const listener = await listen({ host, port, http, ...policy }, (connection: Connection) => {
    const session = openSession(connection, { role: 'acceptor', accept, acceptFolder, board });
    sessions.add(session);
    const over = () => sessions.delete(session);
    // A peer that vanishes is an everyday event: the session has already cleaned up after it.
    session.closed.then(over, over);
  });

  const announced = announceFound(board, dir, found, stopping.signal);

  const address = listener.host.includes(':') ? `[${listener.host}]` : listener.host;
  return {
    url: `http://${address}:${listener.port}/`,
    close: async (graceMs = 0) => {
      stopping.abort();
      // The sessions first: only they can tell the senders why.
      const going = [CloseCode.GoingAway, 'the demo is shutting down'] as const;
      if (graceMs > 0) {
        const leaving = [...sessions].map((session) => session.retire().then(() => session.close(...going)));
        const answered = [...answering].map((response) => once(response, 'close'));
        const over = new AbortController();
        const timeUp = sleep(graceMs, undefined, { signal: over.signal }).catch(() => {});
        await Promise.race([Promise.allSettled([...leaving, ...answered]), timeUp]);
        over.abort();
      }
      const ending = [...sessions].map((session) => session.close(...going));
      const closed = listener.close({ code: going[0], reason: going[1] });
      // Browsers keep idle HTTP connections open for minutes; waiting for them would hold the port.
      for (const socket of browsing) socket.destroy();
      await Promise.allSettled(ending);
      await Promise.all([closed, announced]);
    },
  };
}

function refuseWhileStopping(response: ServerResponse): void {
  response.writeHead(503, { 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' });
  response.end('the demo is shutting down; try again later\n');
}

function refuseHost(response: ServerResponse): void {
  response.writeHead(403, { 'Content-Type': 'text/plain; charset=utf-8' });
  response.end('expected a Host that is an IP address or localhost; name any other with --allow-origin\n');
}
