import type { CloseResult, Connection } from '@wsferry/connection';
import { printable } from '@wsferry/transfer';
import { DEFAULT_LINE_TIMEOUT_MS } from '../connect.ts';
import { duration } from '../format.ts';
import { type Finding, ok, skipped } from './check.ts';
import { inLocation, LINES } from './nginx.ts';
import type { Patient } from './patient.ts';
import { round } from './reach.ts';
import { lasts, silence } from './silence.ts';

/** As `send` pings. */
const KEEPALIVE = { intervalMs: DEFAULT_LINE_TIMEOUT_MS / 2, timeoutMs: DEFAULT_LINE_TIMEOUT_MS / 2 };
/** It looks at the clock and not at each byte, so that silence may last so long before a ping ends it. */
const LONGEST_SILENCE_MS = KEEPALIVE.intervalMs + Math.max(KEEPALIVE.intervalMs, KEEPALIVE.timeoutMs);

/** Whether a silent connection is cut, after how long, and whether pings keep it. */
export async function checkIdle(patient: Patient): Promise<Finding> {
  if (patient.idleMs === 0) return skipped('--idle 0');
  const silent = await patient.connect();
  const silentSince = performance.now();
  // Beside it one that pings as `send` does: if it outlives the silent one, it was silence that was punished, and not age.
  const kept = await patient.connect({ keepalive: KEEPALIVE });
  const keptSince = performance.now();
  try {
    const end = await silence(silent, patient.idleMs, silentSince);
    if (end.how === 'spoken') {
      const facts = { receiverPingsAfterMs: round(end.ms) };
      return ok(`the receiver ends every silence after ${duration(end.ms)}, and the line lasts that long`, facts);
    }
    if (end.how === 'silent') return await afterSilence(patient, silent, end.ms);
    // Until it has been silent for as long as it ever is, and is older than the other became.
    const enoughMs = Math.max(end.ms, KEEPALIVE.intervalMs + LONGEST_SILENCE_MS) + 1000;
    const lasted = await lasts(kept, keptSince + enoughMs - performance.now());
    if (lasted && (await isAlive(patient, kept))) return cut(end.ms, end.result, 'as send does');
    const keepaliveMs = roundDown(end.ms / 2);
    const suffices = await isKeptBy(patient, keepaliveMs, 1.5 * end.ms + keepaliveMs);
    return cut(end.ms, end.result, suffices ? keepaliveMs : undefined);
  } finally {
    silent.abort();
    kept.abort();
  }
}

/** Nobody has closed it; that may be because who forgot it cannot say so (a firewall, an address translation). */
async function afterSilence(patient: Patient, connection: Connection, ms: number): Promise<Finding> {
  const facts = { silentMs: round(ms) };
  if (await isAlive(patient, connection))
    return ok(`a connection lasts ${duration(ms)} in silence; more was not tried`, facts);
  return {
    severity: 'wrong',
    code: 'FORGOTTEN',
    summary: `after ${duration(ms)} of silence nothing passes any more, and nobody says so`,
    because:
      'A sender that waits for a slow disk finds out late that it is alone. A firewall or an address translation forgot it.',
    mend: { advice: 'Let it remember connections for longer, or let both sides ping more often.' },
    facts,
  };
}

async function isAlive(patient: Patient, connection: Connection): Promise<boolean> {
  return await patient.answer(connection.ping()).then(
    () => true,
    () => false,
  );
}

/** Whether a connection that pings every `intervalMs` is open after `forMs`. */
async function isKeptBy(patient: Patient, intervalMs: number, forMs: number): Promise<boolean> {
  const connection = await patient.connect();
  const pinging = setInterval(() => void connection.ping().catch(() => {}), intervalMs);
  try {
    return (await lasts(connection, forMs)) && (await isAlive(patient, connection));
  } finally {
    clearInterval(pinging);
    connection.abort();
  }
}

/** @param keepaliveMs pings this often keep it open; `undefined`: it is cut all the same */
function cut(ms: number, { code, reason }: CloseResult, keepaliveMs: number | 'as send does' | undefined): Finding {
  const how = code === 1006 ? 'cut' : printable(`closed with ${code} ${reason}`.trim());
  const facts = {
    cutAfterMs: round(ms),
    ...(keepaliveMs !== undefined && {
      keepaliveMs: keepaliveMs === 'as send does' ? LONGEST_SILENCE_MS : keepaliveMs,
    }),
  };
  if (keepaliveMs === undefined) {
    return {
      severity: 'wrong',
      code: 'CUT_BY_AGE',
      summary: `a connection is ${how} after ${duration(ms)}, whether it is silent or not`,
      because: 'A file that takes longer is interrupted each time; "send" goes on over another connection.',
      mend: inLocation(
        'Look for a limit on how old a connection may get, and see what these change',
        LINES.readTimeout,
        LINES.sendTimeout,
      ),
      facts,
    };
  }
  const mend = inLocation(
    'nginx cuts what is silent for proxy_read_timeout, 60 s unless it is told otherwise',
    LINES.readTimeout,
    LINES.sendTimeout,
  );
  if (keepaliveMs === 'as send does') {
    return {
      severity: 'warning',
      code: 'CUT_WHEN_SILENT',
      summary: `a silent connection is ${how} after ${duration(ms)}; the pings of "send" keep it open`,
      because: 'A page cannot ping: one that waits for news loses its connection, unless the receiver pings in time.',
      mend,
      facts,
    };
  }
  return {
    severity: 'wrong',
    code: 'CUT_WHEN_SILENT',
    summary: `a silent connection is ${how} after ${duration(ms)}; a ping every ${duration(keepaliveMs)} would keep it`,
    because: `Whenever a disk or a digest takes its time the connection is lost: "send" pings only every ${duration(LONGEST_SILENCE_MS)}.`,
    mend,
    facts,
  };
}

/** A time that one would write down: whole seconds, or a tenth of one. */
function roundDown(ms: number): number {
  return ms >= 1000 ? Math.floor(ms / 1000) * 1000 : Math.max(100, Math.floor(ms / 100) * 100);
}
