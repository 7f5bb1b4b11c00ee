import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import type { TlsOptions } from 'node:tls';
import { bearerToken, CloseCode, type Connection, header, listen } from '@wsferry/connection';
import {
  ArrivalBoard,
  limitAccept,
  limitShelf,
  type OnConflict,
  onConflictWishes,
  openSession,
  RateLimit,
  type Session,
  SUBPROTOCOL,
  TOKEN_SUBPROTOCOL_PREFIX,
  TransferLimit,
} from '@wsferry/transfer';
import {
  type DirectoryReceiverOptions,
  directoryReceiver,
  directoryShelf,
  type Leftover,
} from '@wsferry/transfer/node';
import { CliError, explainListen } from './errors.ts';
import { explainSocket } from './explain-socket.ts';
import { checkFolder, folderError } from './folder-errors.ts';
import { INTERRUPTED_CLOSE_MS } from './leaving.ts';
import { operatorServer } from './operator-pages.ts';
import type { ReceiverObserver } from './serve-events.ts';
import { SOFTWARE } from './version.ts';

/** What a receiver does not do. */
export interface ReceiverLimits {
  /** Nothing can be stored, and no note is told. */
  readonly readOnly?: boolean | undefined;
  /** Nothing can be fetched, listed or watched. */
  readonly writeOnly?: boolean | undefined;
  /** Larger files are refused with TOO_LARGE. */
  readonly maxFileBytes?: number | undefined;
  /** What all files in the folder may have together; beyond it, NO_SPACE. */
  readonly maxTotalBytes?: number | undefined;
  /** What stays free of the disk; beyond it, NO_SPACE. */
  readonly minFreeBytes?: number | undefined;
  /** Files at once, over all connections; further ones wait. */
  readonly maxTransfers?: number | undefined;
  /** Of all files together, both ways. */
  readonly bytesPerSecond?: number | undefined;
}

/** How a receiver stores: see `directoryReceiver`. */
export interface StoringOptions {
  /** Wait for the disk before bytes are acknowledged, too. */
  readonly durable?: boolean | undefined;
  /** How long the beginning of an interrupted file is kept, in ms. */
  readonly keepPartialsMs?: number | undefined;
  /** What becomes of a file whose name is taken, when its sender has no wish. */
  readonly onConflict?: OnConflict | undefined;
  /** Senders may wish that theirs takes the place of a file that is there. */
  readonly allowOverwrite?: boolean | undefined;
}

/** A receiver that listens: `serve`, or the one that `send` embeds. */
export interface Receiver {
  readonly url: string;
  readonly dir: string;
  /** Unfinished files in the folder of which nobody can say here whether somebody still writes them. */
  readonly unowned: readonly Leftover[];
  readonly connections: ReadonlySet<Connection>;
  /** Bytes of files that came and are not stored yet. */
  readonly pendingBytes: number;
  /**
   * Lets nobody in any more (503), gives the transfers under way `graceMs` (0) to end, and takes leave of everybody else at
   * once. What has not ended by then gets SHUTTING_DOWN, and can be gone on with; closing handshakes have 1001. Then the
   * port is free.
   */
  close(graceMs?: number): Promise<void>;
}

export interface ReceiverOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly dir: string;
  /** Create `dir` when it is not there. */
  readonly create: boolean;
  readonly tls?: TlsOptions;
  /** A Unix socket instead of host and port. */
  readonly socketPath?: string;
  /** Pages that may connect. Default: none of another site. */
  readonly origins?: readonly string[];
  /** Lets in only who has it. Default: everybody who reaches the port. */
  readonly token?: string;
  /** Proxies whose X-Forwarded-For is believed. Default none. */
  readonly trustedProxies?: readonly string[];
  readonly limits?: ReceiverLimits;
  readonly storing?: StoringOptions;
  /** Accept permessage-deflate when it is offered. Default true: the sender knows whether it is worth it. */
  readonly compress?: boolean;
  readonly observer?: ReceiverObserver;
  /** Answer `GET /healthz`. */
  readonly healthz?: boolean;
  /** Answer `GET /metrics` with this. */
  readonly metrics?: () => Promise<string>;
}

/** Listens and stores what comes in. Rejects with a CliError. */
export async function startReceiver(options: ReceiverOptions): Promise<Receiver> {
  const { host, port, dir, tls, socketPath, origins, token, trustedProxies, compress = true, observer = {} } = options;
  const { healthz = false, metrics } = options;
  const { bytesPerSecond, ...limits } = options.limits ?? {};
  const { readOnly = false, writeOnly = false, maxFileBytes, maxTransfers, ...space } = limits;
  await checkDirectory(dir, options);
  const { allowOverwrite, ...how } = options.storing ?? {};
  const allowedOnConflict = allowOverwrite ? onConflictWishes : undefined;
  // Who may not read is not to learn what is in a file by offering one of its name and size.
  const receiving = said({ ...space, ...how, allowedOnConflict, compare: !writeOnly });
  const storing = readOnly ? undefined : await directoryReceiver(dir, receiving);
  const shelf = writeOnly ? undefined : await directoryShelf(dir);
  const board = writeOnly ? undefined : new ArrivalBoard();
  const rate = bytesPerSecond === undefined ? undefined : new RateLimit(bytesPerSecond);
  const accept = storing && rate ? limitAccept(storing.accept, rate) : storing?.accept;
  const limit = maxTransfers === undefined ? undefined : new TransferLimit(maxTransfers);
  const sessions = new Set<Session>();
  const guard = token === undefined ? undefined : bearerToken({ token, protocolPrefix: TOKEN_SUBPROTOCOL_PREFIX });
  let stopping = false;

  function serve(connection: Connection): void {
    observer.opened?.(connection);
    void connection.closed.then((result) => observer.closed?.(connection, result));
    if (connection.protocol !== SUBPROTOCOL) {
      void connection.close(1002, `expected the subprotocol ${SUBPROTOCOL}`);
      return;
    }
    const session = openSession(connection, {
      role: 'acceptor',
      accept,
      acceptFolder: storing?.acceptFolder,
      shelf: shelf && rate ? limitShelf(shelf, rate) : shelf,
      board,
      acceptNotes: !readOnly,
      peer: connection.remoteAddress,
      maxFileBytes,
      windowBytes: rate?.windowBytes,
      limit,
      about: aboutOf(connection, compress),
      onTransfer: (event) => observer.transfer?.(event, connection),
    });
    sessions.add(session);
    session.closed.catch(() => {}).finally(() => sessions.delete(session));
  }

  try {
    const where = socketPath === undefined ? { host, port } : { socketPath };
    const listener = await listen(
      {
        ...where,
        protocols: [SUBPROTOCOL],
        deflate: compress,
        trustedProxies,
        ...(tls && { tls }),
        ...(origins && { origins }),
        ...((healthz || metrics) && {
          http: operatorServer({ healthz, metrics, refuse: guard, trustedProxies, stopping: () => stopping }),
        }),
        refuse: (request, peer) =>
          stopping ? { status: 503, message: 'this receiver is stopping; try again later' } : guard?.(request, peer),
        onRefused: (error, remoteAddress) => observer.refused?.(error, remoteAddress),
      },
      serve,
    );
    return {
      url: listener.url,
      dir,
      unowned: storing?.leftovers.filter(({ owner }) => owner === 'unknown') ?? [],
      connections: listener.connections,
      get pendingBytes() {
        let sum = 0;
        for (const session of sessions) sum += session.pendingBytes;
        return sum;
      },
      async close(graceMs = 0) {
        stopping = true;
        limit?.close();
        // The sessions first: only they can tell the senders why (SHUTTING_DOWN).
        const going = [CloseCode.GoingAway, 'the receiver is stopping'] as const;
        if (graceMs > 0) {
          const leaving = [...sessions].map((session) => session.retire().then(() => session.close(...going)));
          await within(Promise.allSettled(leaving), graceMs);
        }
        // Nobody waits for a turn that only comes seconds later.
        rate?.lift();
        const ending = [...sessions].map((session) => session.close(...going));
        await listener.close({ code: going[0], reason: going[1], timeoutMs: INTERRUPTED_CLOSE_MS });
        await Promise.allSettled(ending);
        await storing?.close();
      },
    };
  } catch (error) {
    const { code, message, hint, exitCode } =
      socketPath === undefined ? explainListen(error, host, port) : explainSocket(error, socketPath);
    throw new CliError(code, message, exitCode, { ...(hint !== undefined && { hint }), cause: error });
  }
}

/** Resolves with the promise, or when the time is over. */
function within(promise: Promise<unknown>, ms: number): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  return Promise.race([promise, over]).finally(() => clearTimeout(timer));
}

/** What was not said is left to `directoryReceiver`. */
function said(options: { [Name in keyof DirectoryReceiverOptions]: DirectoryReceiverOptions[Name] | undefined }) {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as DirectoryReceiverOptions;
}

/** What a sender may ask: who we are, and what has come of its offer to compress, which something may have taken out. */
function aboutOf({ deflate, request }: Connection, compress: boolean) {
  const offered = header(request?.headers ?? [], 'Sec-WebSocket-Extensions') !== undefined;
  return {
    software: SOFTWARE,
    deflate: deflate ? 'agreed' : !compress ? 'off' : offered ? 'not agreed' : 'not offered',
  };
}

async function checkDirectory(dir: string, { create, limits }: ReceiverOptions): Promise<void> {
  try {
    if (create) await mkdir(dir, { recursive: true });
    await checkFolder(dir);
    await access(dir, constants.X_OK | (limits?.readOnly ? constants.R_OK : constants.W_OK));
  } catch (error) {
    throw folderError(error, dir);
  }
}
