import type { CloseResult, Connection, HandshakeError } from '@wsferry/connection';
import { digestField, type TransferEvent } from '@wsferry/transfer';
import type { Reporter } from './reporters/reporter.ts';

/** Hears what happens at a receiver. */
export interface ReceiverObserver {
  opened?(connection: Connection): void;
  closed?(connection: Connection, result: CloseResult): void;
  /** A handshake came to nothing. */
  refused?(error: HandshakeError, remoteAddress: string | undefined): void;
  /** `connection` tells the transfers of two senders apart: their ids are their own. */
  transfer?(event: TransferEvent, connection: Connection): void;
}

/** How many files came to what. */
export interface Counts {
  stored: number;
  failed: number;
}

interface Running {
  readonly id: number;
  readonly startedAt: number;
}

interface Known {
  readonly id: number;
  readonly openedAt: number;
  readonly transfers: Map<number, Running>;
}

/** Tells a reporter. Connections and transfers get numbers of this process, since the ids of two senders are alike. */
export function reportingObserver(reporter: Reporter, counts: Counts): ReceiverObserver {
  let lastConnection = 0;
  let lastTransfer = 0;
  const connections = new WeakMap<Connection, Known>();

  function known(connection: Connection): Known {
    const one = connections.get(connection) ?? {
      id: ++lastConnection,
      openedAt: performance.now(),
      transfers: new Map<number, Running>(),
    };
    connections.set(connection, one);
    return one;
  }

  function running(event: TransferEvent, { transfers }: Known): Running {
    const transfer = transfers.get(event.id) ?? { id: ++lastTransfer, startedAt: performance.now() };
    const over = event.type === 'stored' || event.type === 'refused' || event.type === 'failed';
    if (over) transfers.delete(event.id);
    else transfers.set(event.id, transfer);
    return transfer;
  }

  return {
    opened(connection) {
      const { id } = known(connection);
      reporter.report({ event: 'opened', connection: id, ...remote(connection.remoteAddress) });
    },
    closed(connection, { code, reason, error }) {
      const { id, openedAt } = known(connection);
      const durationMs = Math.round(performance.now() - openedAt);
      const why = error?.message ?? reason;
      reporter.report({
        event: 'closed',
        connection: id,
        ...remote(connection.remoteAddress),
        code,
        ...(why !== '' && { message: why }),
        durationMs,
        bytes: connection.bytesReceived,
      });
    },
    refused({ code, message, status }, remoteAddress) {
      reporter.report({ event: 'refused', ...remote(remoteAddress), code, ...(status && { status }), message });
    },
    transfer(event, connection) {
      const from = known(connection);
      const { id, startedAt } = running(event, from);
      const common = { connection: from.id, id, name: event.name };
      const size = event.size === undefined ? {} : { size: event.size };
      switch (event.type) {
        case 'offered':
          reporter.report({ event: 'offered', ...common, ...size });
          break;
        case 'resumed':
          reporter.report({ event: 'resumed', ...common, offset: event.offset, ...size });
          break;
        case 'restarted':
          reporter.report({ event: 'restarted', ...common, reason: event.reason });
          break;
        case 'progress':
          reporter.report({ event: 'progress', ...common, stored: event.stored, ...size });
          break;
        case 'refused':
        case 'failed':
          counts.failed++;
          reporter.report({ event: 'failed', ...common, code: event.code, message: event.message });
          break;
        case 'stored': {
          counts.stored++;
          const { file } = event;
          const durationMs = performance.now() - startedAt;
          reporter.report({
            event: 'stored',
            ...common,
            storedAs: file.path ?? file.name,
            size: file.size,
            ...digestField(file.algorithm, file.digest),
            durationMs: Math.round(durationMs * 10) / 10,
            bytesPerSecond: file.existing ? 0 : Math.round((file.size / Math.max(durationMs, 0.1)) * 1000),
            existing: file.existing,
          });
        }
      }
    },
  };
}

/** Both hear everything. */
export function both(first: ReceiverObserver, second: ReceiverObserver): ReceiverObserver {
  return {
    opened(connection) {
      first.opened?.(connection);
      second.opened?.(connection);
    },
    closed(connection, result) {
      first.closed?.(connection, result);
      second.closed?.(connection, result);
    },
    refused(error, remoteAddress) {
      first.refused?.(error, remoteAddress);
      second.refused?.(error, remoteAddress);
    },
    transfer(event, connection) {
      first.transfer?.(event, connection);
      second.transfer?.(event, connection);
    },
  };
}

/** None for a Unix socket. */
function remote(address: string | undefined): { remote?: string } {
  return address === undefined ? {} : { remote: address };
}
