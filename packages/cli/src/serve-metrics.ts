import { statfs } from 'node:fs/promises';
import { memoryUsage } from 'node:process';
import type { Connection } from '@wsferry/connection';
import { Metrics } from './metrics.ts';
import type { ReceiverObserver } from './serve-events.ts';

/** What of a receiver can be read at any time. */
export interface Readable {
  readonly connections: ReadonlySet<Connection>;
  /** Bytes of files that came and are not stored yet. */
  readonly pendingBytes: number;
  readonly dir: string;
}

/** Close codes of RFC 6455 §7.4.1; a peer may send any of two thousand others, and each would be a series of its own. */
const KNOWN_CODES = /^10(?:0\d|1[0-5])$/;

/** The metrics of a receiver: what they count comes by `observer`, the rest is read when somebody looks. */
export function receiverMetrics(version: string, readable: () => Readable | undefined) {
  const metrics = new Metrics();
  const since = Date.now() / 1000 - process.uptime();
  metrics.gauge('wsferry_build_info', 'The version that runs.', () => 1, { version });

  const opened = metrics.counter('wsferry_connections_opened_total', 'WebSockets that were opened.');
  const closed = metrics.counter('wsferry_connections_closed_total', 'WebSockets that were closed, by close code.', {
    labeled: true,
  });
  const refused = metrics.counter(
    'wsferry_connections_refused_total',
    'Handshakes that came to nothing, by code and HTTP status.',
    {
      labeled: true,
    },
  );
  metrics.gauge('wsferry_connections', 'WebSockets that are open.', () => readable()?.connections.size ?? 0);

  let underWay = 0;
  const offered = metrics.counter('wsferry_transfers_offered_total', 'Files that were offered.');
  const stored = metrics.counter(
    'wsferry_transfers_stored_total',
    'Files that were stored, or were there already, identical.',
    {
      labeled: true,
    },
  );
  const failed = metrics.counter('wsferry_transfers_failed_total', 'Files that were refused or failed, by code.', {
    labeled: true,
  });
  const resumed = metrics.counter(
    'wsferry_transfers_resumed_total',
    'Files that went on where they had been interrupted.',
  );
  metrics.gauge('wsferry_transfers', 'Files that were offered and have not ended.', () => underWay);
  const storedBytes = metrics.counter('wsferry_stored_bytes_total', 'Bytes of files that were written.');

  let closedBytes = 0;
  const sum = (of: (connection: Connection) => number) => {
    let total = 0;
    for (const connection of readable()?.connections ?? []) total += of(connection);
    return total;
  };
  metrics.total(
    'wsferry_received_bytes_total',
    'Bytes that came over all connections, as TCP carried them.',
    () => closedBytes + sum(({ bytesReceived }) => bytesReceived),
  );
  metrics.gauge(
    'wsferry_unstored_bytes',
    'Bytes of files that came and are not written yet.',
    () => readable()?.pendingBytes ?? 0,
  );
  metrics.gauge('wsferry_unsent_bytes', 'Bytes for peers that the system has not taken yet.', () =>
    sum(({ bufferedAmount }) => bufferedAmount),
  );
  metrics.gauge('wsferry_folder_free_bytes', 'Bytes that are free where files are stored.', async () => {
    const dir = readable()?.dir;
    const found = dir === undefined ? undefined : await statfs(dir).catch(() => undefined);
    return found && found.bavail * found.bsize;
  });

  metrics.gauge('process_resident_memory_bytes', 'Resident memory.', () => memoryUsage.rss());
  metrics.gauge('nodejs_heap_size_used_bytes', "Memory in use of JavaScript's heap.", () => memoryUsage().heapUsed);
  metrics.gauge(
    'nodejs_external_memory_bytes',
    'Memory outside of the heap, such as buffers.',
    () => memoryUsage().external,
  );
  metrics.total('process_cpu_seconds_total', 'Processor time.', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  metrics.gauge('process_start_time_seconds', 'When the process started, in seconds since 1970.', () => since);

  /** Bytes of each file that are stored already, by connection and transfer. */
  const positions = new WeakMap<Connection, Map<number, number>>();
  const observer: ReceiverObserver = {
    opened: () => opened.inc(),
    closed(connection, { code }) {
      closed.inc({ code: KNOWN_CODES.test(String(code)) ? String(code) : 'other' });
      closedBytes += connection.bytesReceived;
    },
    refused: ({ code, status }) => refused.inc({ code, status: String(status ?? 'none') }),
    transfer(event, connection) {
      const of = positions.get(connection) ?? new Map<number, number>();
      positions.set(connection, of);
      switch (event.type) {
        case 'offered':
          offered.inc();
          underWay++;
          of.set(event.id, 0);
          break;
        case 'resumed':
          resumed.inc();
          of.set(event.id, event.offset);
          break;
        case 'restarted':
          of.set(event.id, 0);
          break;
        case 'progress':
          storedBytes.inc({}, Math.max(0, event.stored - (of.get(event.id) ?? 0)));
          of.set(event.id, event.stored);
          break;
        case 'stored':
          stored.inc({ existing: String(event.file.existing) });
          break;
        case 'refused':
        case 'failed':
          failed.inc({ code: event.code });
      }
      if (event.type === 'stored' || event.type === 'refused' || event.type === 'failed') {
        if (of.delete(event.id)) underWay--;
      }
    },
  };
  return { observer, text: () => metrics.text() };
}
