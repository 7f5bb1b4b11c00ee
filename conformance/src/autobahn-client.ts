import { type Connection, type ConnectOptions, connect } from '@wsferry/connection';
import { echo, maxMessageBytes } from './echo-server.ts';

export interface FuzzingRun {
  /** The fuzzing server, for example `ws://127.0.0.1:9001`. */
  readonly url: string;
  /** The name under which the server files its report. */
  readonly agent: string;
  /** Longest time for one case, in ms. Default 5 minutes: the performance cases of the suite take long. */
  readonly caseTimeoutMs?: number;
  /** Told after every case. `problem` is what went wrong with the case's connection, if anything did. */
  onCase?(number: number, count: number, problem?: string): void;
}

/**
 * Plays the client against an Autobahn fuzzing server: asks for the number of cases, echoes through each of them, and
 * asks for the report. The server judges, not we: no case may stop the run, however it ends.
 */
export async function runFuzzingClient(run: FuzzingRun): Promise<number> {
  const { url, agent, caseTimeoutMs = 300_000, onCase } = run;
  const count = await readCaseCount(url);
  for (let number = 1; number <= count; number++) {
    const problem = await runCase(address(url, '/runCase', { case: String(number), agent }), caseTimeoutMs);
    onCase?.(number, count, problem);
  }
  const report = await open(address(url, '/updateReports', { agent }));
  await report.closed;
  return count;
}

async function readCaseCount(url: string): Promise<number> {
  const connection = await open(address(url, '/getCaseCount'));
  for await (const data of connection) {
    const count = Number(data);
    if (typeof data !== 'string' || !Number.isSafeInteger(count) || count < 0)
      throw new Error(`expected the number of cases from ${connection.url}, got ${JSON.stringify(data).slice(0, 80)}`);
    await connection.close();
    return count;
  }
  throw new Error(`expected the number of cases from ${connection.url}, but the connection closed`);
}

async function runCase(url: string, timeoutMs: number): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const connection = await connectEcho(url);
    let timedOut = false;
    timer = setTimeout(() => {
      timedOut = true;
      connection.abort();
    }, timeoutMs);
    await connection.closed;
    return timedOut ? `the server did not close within ${timeoutMs} ms` : undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    clearTimeout(timer);
  }
}

/** Without keepalive: a ping of ours would be a frame that the case did not ask for. */
const open = (url: string, options: ConnectOptions = {}): Promise<Connection> =>
  connect(url, { maxMessageBytes, keepalive: false, deflate: { thresholdBytes: 0 }, ...options });

/** Opens a connection as every case has it: whatever comes is sent back until the server closes. */
export async function connectEcho(url: string, options: ConnectOptions = {}): Promise<Connection> {
  const connection = await open(url, options);
  echo(connection);
  return connection;
}

function address(base: string, path: string, query: Record<string, string> = {}): string {
  const url = new URL(path, base);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url.href;
}
