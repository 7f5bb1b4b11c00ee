import { constants } from 'node:fs';
import { access, mkdir, stat } from 'node:fs/promises';
import type { TlsOptions } from 'node:tls';
import { bearerToken, CloseCode, type Connection, listen } from '@wsferry/connection';
import {
  ArrivalBoard,
  openSession,
  type Session,
  SUBPROTOCOL,
  TOKEN_SUBPROTOCOL_PREFIX,
  type TransferEvent,
  TransferLimit,
} from '@wsferry/transfer';
import { directoryReceiver, type Leftover } from '@wsferry/transfer/node';
import { CliError, explainListen, systemCode } from './errors.ts';
import { ExitCode } from './exit-codes.ts';
import { explainSocket } from './explain-socket.ts';
import { INTERRUPTED_CLOSE_MS } from './leaving.ts';

/** What a receiver does not do. */
export interface ReceiverLimits {
  /** Nothing can be stored. */
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
}

/** A receiver that listens: `serve`, or the one that `send` embeds. */
export interface Receiver {
  readonly url: string;
  readonly dir: string;
  /** Unfinished files in the folder of which nobody can say here whether somebody still writes them. */
  readonly unowned: readonly Leftover[];
  /** Open transfers end with SHUTTING_DOWN, closing handshakes with 1001, partial files removed, then the port is free. */
  close(): Promise<void>;
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
  /** Accept permessage-deflate when it is offered. Default true: the sender knows whether it is worth it. */
  readonly compress?: boolean;
  /** `connection` tells the transfers of two senders apart: their ids are their own. */
  onTransfer?(event: TransferEvent, connection: Connection): void;
}

/** Listens and stores what comes in. Rejects with a CliError. */
export async function startReceiver(options: ReceiverOptions): Promise<Receiver> {
  const { host, port, dir, tls, socketPath, origins, token, trustedProxies, compress = true, onTransfer } = options;
  const { readOnly = false, writeOnly = false, maxFileBytes, maxTransfers, ...space } = options.limits ?? {};
  await checkDirectory(dir, options);
  const storing = readOnly ? undefined : await directoryReceiver(dir, withoutUndefined(space));
  const board = writeOnly ? undefined : new ArrivalBoard();
  const limit = maxTransfers === undefined ? undefined : new TransferLimit(maxTransfers);
  const sessions = new Set<Session>();

  function serve(connection: Connection): void {
    if (connection.protocol !== SUBPROTOCOL) {
      void connection.close(1002, `expected the subprotocol ${SUBPROTOCOL}`);
      return;
    }
    const session = openSession(connection, {
      role: 'acceptor',
      accept: storing?.accept,
      board,
      maxFileBytes,
      limit,
      ...(onTransfer && { onTransfer: (event) => onTransfer(event, connection) }),
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
        ...(token !== undefined && { refuse: bearerToken({ token, protocolPrefix: TOKEN_SUBPROTOCOL_PREFIX }) }),
      },
      serve,
    );
    return {
      url: listener.url,
      dir,
      unowned: storing?.leftovers.filter(({ owner }) => owner === 'unknown') ?? [],
      async close() {
        // The sessions first: only they can tell the senders why (SHUTTING_DOWN).
        const going = [CloseCode.GoingAway, 'the receiver is stopping'] as const;
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

function withoutUndefined(space: Pick<ReceiverLimits, 'maxTotalBytes' | 'minFreeBytes'>) {
  const { maxTotalBytes = Number.POSITIVE_INFINITY, minFreeBytes = 0 } = space;
  return { maxTotalBytes, minFreeBytes };
}

async function checkDirectory(dir: string, { create, limits }: ReceiverOptions): Promise<void> {
  const fail = (code: string, message: string, hint: string, cause?: unknown): never => {
    throw new CliError(code, message, ExitCode.Failed, { hint, cause });
  };
  try {
    if (create) await mkdir(dir, { recursive: true });
    if (!(await stat(dir)).isDirectory()) fail('NOT_A_DIRECTORY', `${dir} is not a directory`, 'choose a folder');
    await access(dir, constants.X_OK | (limits?.readOnly ? constants.R_OK : constants.W_OK));
  } catch (error) {
    switch (systemCode(error)) {
      case undefined:
        throw error;
      case 'ENOENT':
        return fail('NO_DIRECTORY', `the folder ${dir} does not exist`, 'create it first, or choose another', error);
      case 'EEXIST':
      case 'ENOTDIR':
        return fail('NOT_A_DIRECTORY', `${dir} is not a directory`, 'choose a folder', error);
      default:
        return fail(
          'DIRECTORY_READ_ONLY',
          `nothing can be written into ${dir} (${systemCode(error)})`,
          'choose another folder',
          error,
        );
    }
  }
}
