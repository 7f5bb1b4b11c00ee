import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import {
  bearerAuthorization,
  type Connection,
  connect,
  isLoopbackAddress,
  proxyFromEnvironment,
} from '@wsferry/connection';
import { offeredSubprotocols, SUBPROTOCOL } from '@wsferry/transfer';
import { CliError, explainFile } from './errors.ts';
import { ExitCode } from './exit-codes.ts';
import { explainRoute } from './explain-route.ts';
import { firstConnection } from './first-tries.ts';
import { hideUserInfo } from './format.ts';
import { leave } from './leaving.ts';
import { type Receiver, startReceiver } from './receiver.ts';
import type { Reporter } from './reporters/reporter.ts';
import { readToken, type Token } from './token.ts';

/** Where `send` looks when it is told no address, and where `serve` listens. */
export const DEFAULT_URL = 'ws://127.0.0.1:6455';

/** Shorter than anybody waits before a screen, and longer than a line takes that is only slow. */
export const DEFAULT_LINE_TIMEOUT_MS = 10_000;

export interface Route {
  readonly connection: Connection;
  readonly url: string;
  /** Ours, when nobody else was there. */
  readonly receiver?: Receiver;
  /** Another connection to the same place, when this one is lost. Rejects with a CliError. */
  reconnect(signal: AbortSignal): Promise<Connection>;
}

export interface RouteOptions {
  readonly to?: string | undefined;
  readonly ca?: string | undefined;
  readonly insecure?: boolean | undefined;
  /** Offer permessage-deflate (RFC 7692). */
  readonly compress?: boolean | undefined;
  /** A line that is silent for so long is given up, in ms. */
  readonly lineTimeoutMs?: number | undefined;
  /** The file of the token that the receiver wants; else WSFERRY_TOKEN. */
  readonly tokenFile?: string | undefined;
  /** Receive right here when nobody was named and nobody is there. Default true. */
  readonly embed?: boolean | undefined;
  /** Where the user stands. */
  readonly cwd: string;
  readonly signal: AbortSignal;
}

/**
 * A connection to the receiver that was named (by --to, else by WSFERRY_URL); only when none was: to the one at the
 * default address, or to one of our own.
 */
export async function findRoute(options: RouteOptions, reporter: Reporter): Promise<Route> {
  const { cwd, signal, compress = false, lineTimeoutMs = DEFAULT_LINE_TIMEOUT_MS } = options;
  const named = options.to ?? (process.env['WSFERRY_URL'] || undefined);
  const tls = await tlsOptions({ ...options, to: named }, reporter);
  const token = await readToken(options, reporter);
  if (named !== undefined) {
    warnOfPassword(options.to, reporter);
    if (token) warnOfOpenLine(named, reporter);
    const how = { tls, token, compress, lineTimeoutMs, proxy: proxyOf(named) };
    const reconnect = (signal: AbortSignal) =>
      open(named, { ...how, signal }).catch((error) => blame(error, options.to));
    return { connection: await firstConnection(reconnect, signal, reporter), url: hideUserInfo(named), reconnect };
  }
  const reconnectTo = (url: string) => (signal: AbortSignal) =>
    open(url, { tls, token, signal, compress, lineTimeoutMs });
  const reconnect = reconnectTo(DEFAULT_URL);
  try {
    return { connection: await reconnect(signal), url: DEFAULT_URL, reconnect };
  } catch (error) {
    if (options.embed === false || signal.aborted) throw error;
    if (!(error instanceof CliError) || error.exitCode !== ExitCode.CannotConnect) throw error;
    const receiver = await startReceiver({ host: '127.0.0.1', port: 0, dir: resolve(cwd, 'received'), create: true });
    reporter.report({ event: 'receiver', url: receiver.url, dir: receiver.dir, embedded: true, reason: error.message });
    const { url } = receiver;
    try {
      return { connection: await reconnectTo(url)(signal), url, receiver, reconnect: reconnectTo(url) };
    } catch (failure) {
      await receiver.close();
      throw failure;
    }
  }
}

/** Who did not type the address would look for it in vain on the command line. */
function blame(error: unknown, to: string | undefined): never {
  if (to !== undefined || !(error instanceof CliError)) throw error;
  const hint = [error.hint, 'the address is from WSFERRY_URL'].filter(Boolean).join('; ');
  throw new CliError(error.code, error.message, error.exitCode, { hint, cause: error.cause });
}

/** Only for an address that somebody named: the default one is this machine, where no proxy could reach it. */
export function proxyOf(url: string): string | undefined {
  return URL.canParse(url) ? proxyFromEnvironment(url) : undefined;
}

/** `ps` shows command lines to everybody on this machine. */
export function warnOfPassword(to: string | undefined, reporter: Reporter, where = '--to'): void {
  if (to === undefined || !URL.canParse(to) || new URL(to).password === '') return;
  const message = `the password in ${where} can be read by others on this machine; WSFERRY_URL keeps it to yourself`;
  reporter.report({ event: 'warning', message });
}

/** ws: is plain text, and whoever has read the token on the way may do all that we may. */
export function warnOfOpenLine(url: string, reporter: Reporter): void {
  if (!URL.canParse(url) || new URL(url).protocol !== 'ws:') return;
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  if (isLoopbackAddress(host) || /(^|\.)localhost$/.test(host)) return;
  const message = `the token goes to ${host} unencrypted: who is in between can read and use it; wss: prevents that`;
  reporter.report({ event: 'warning', message });
}

interface OpenOptions {
  readonly signal: AbortSignal;
  readonly compress: boolean;
  readonly lineTimeoutMs: number;
  readonly tls?: ConnectionOptions | undefined;
  readonly token?: Token | undefined;
  readonly proxy?: string | undefined;
}

async function open(
  url: string,
  { tls, token, signal, compress, lineTimeoutMs, proxy }: OpenOptions,
): Promise<Connection> {
  checkUrl(url);
  let connection: Connection;
  try {
    connection = await connect(url, {
      ...credentials(url, token),
      signal,
      deflate: compress,
      // Half of it in silence, then a Ping, and the other half for its Pong.
      keepalive: { intervalMs: lineTimeoutMs / 2, timeoutMs: lineTimeoutMs / 2 },
      ...(tls && { tls }),
      ...(proxy !== undefined && { proxy }),
    });
  } catch (error) {
    const { code, message, hint, exitCode } = explainRoute(error, url, { proxy, token });
    throw new CliError(code, message, exitCode, { ...(hint !== undefined && { hint }), cause: error });
  }
  if (connection.protocol === SUBPROTOCOL) return connection;
  await leave(connection, signal);
  throw new CliError(
    'NOT_WSFERRY',
    `${hideUserInfo(url)} speaks WebSocket but not wsferry: it did not agree to the subprotocol ${SUBPROTOCOL}`,
    ExitCode.CannotConnect,
    { hint: `check the port and the path; "wsferry doctor ${hideUserInfo(url)}" says what is in the way` },
  );
}

/** The token as a header; where a name and a password in the address take that place, as a page would send it. */
export function credentials(url: string, token: Token | undefined) {
  if (!token) return { protocols: offeredSubprotocols() };
  const { username, password } = new URL(url);
  if (username !== '' || password !== '') return { protocols: offeredSubprotocols(token.token) };
  return { protocols: offeredSubprotocols(), headers: [['Authorization', bearerAuthorization(token.token)]] as const };
}

/** Only ws:, wss: (RFC 6455 §3) and ws+unix:. */
export function checkUrl(address: string): void {
  const usage = (message: string, hint: string) => new CliError('BAD_URL', message, ExitCode.Usage, { hint });
  const url = hideUserInfo(address);
  if (!URL.canParse(address)) throw usage(`expected an address, got "${url}"`, `an address looks like ${DEFAULT_URL}`);
  const { protocol, hash, host } = new URL(address);
  if (!/^(wss?|ws\+unix):$/.test(protocol)) {
    const better = protocol === 'http:' ? 'ws:' : protocol === 'https:' ? 'wss:' : undefined;
    const hint = better ? `try ${better}${url.slice(protocol.length)}` : `an address looks like ${DEFAULT_URL}`;
    throw usage(`expected an address with ws: or wss:, got "${protocol}" in ${url}`, hint);
  }
  if (!host && protocol !== 'ws+unix:') {
    throw usage(`expected a host in ${url}`, `an address looks like ${DEFAULT_URL}`);
  }
  if (hash) throw usage(`expected an address without #, got ${url}`, `leave out ${hash}`);
}

export async function tlsOptions(
  { to, ca, insecure, cwd }: Pick<RouteOptions, 'to' | 'ca' | 'insecure' | 'cwd'>,
  reporter: Reporter,
): Promise<ConnectionOptions | undefined> {
  if (ca === undefined && !insecure) return undefined;
  if (to === undefined || (URL.canParse(to) && /^ws(\+unix)?:$/.test(new URL(to).protocol))) {
    throw new CliError('NO_TLS', '--ca and --insecure need an address with wss:', ExitCode.Usage, {
      hint: 'name one with wss://…, on the command line or in WSFERRY_URL',
    });
  }
  if (insecure) {
    reporter.report({
      event: 'warning',
      message: `--insecure: the certificate of ${hideUserInfo(to)} is NOT checked, anybody in between can read and change the files`,
    });
  }
  return {
    ...(ca !== undefined && { ca: await readAuthorities(resolve(cwd, ca)) }),
    ...(insecure && { rejectUnauthorized: false }),
  };
}

/** Certificates in PEM. Node would take a file without any in silence, and then trust nobody. */
async function readAuthorities(path: string): Promise<string> {
  const text = await readOption('--ca', path);
  const usage = (message: string, cause?: unknown) =>
    new CliError('BAD_OPTION', `--ca ${path}: ${message}`, ExitCode.Usage, {
      hint: 'expected a PEM file: -----BEGIN CERTIFICATE-----',
      cause,
    });
  const found = text.match(/-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----[^-]*-----END \1CERTIFICATE-----/g);
  if (!found) throw usage('has no certificate');
  for (const certificate of found) {
    try {
      new X509Certificate(certificate);
    } catch (cause) {
      throw usage('has a certificate that cannot be read', cause);
    }
  }
  return text;
}

/** The file an option names; a mistake in it is a mistake in the command line. */
export async function readOption(option: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new CliError('BAD_OPTION', `${option} ${path}: ${explainFile(error).message}`, ExitCode.Usage, {
      cause: error,
    });
  }
}
