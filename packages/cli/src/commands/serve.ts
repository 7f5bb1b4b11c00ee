import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { createSecureContext, type TlsOptions } from 'node:tls';
import { checkedTrustedProxies, isLoopbackHost } from '@wsferry/connection';
import type { OnConflict } from '@wsferry/transfer';
import { clean } from '../clean.ts';
import { readOption } from '../connect.ts';
import { CliError, explain } from '../errors.ts';
import { ExitCode } from '../exit-codes.ts';
import { bytes } from '../format.ts';
import { type EndingSignal, watchInterruption } from '../interruption.ts';
import { type Receiver, type ReceiverLimits, startReceiver } from '../receiver.ts';
import { createReporter, type Reporter } from '../reporters/reporter.ts';
import { both, reportingObserver } from '../serve-events.ts';
import { receiverMetrics } from '../serve-metrics.ts';
import { MIN_TOKEN_LENGTH, readToken } from '../token.ts';

export interface ServeOptions {
  /** Default: `received`, which is created; a folder that was named must exist. */
  readonly dir?: string;
  readonly host: string;
  readonly port: number;
  /** A Unix socket instead of host and port. */
  readonly socket?: string;
  /** Pages that may connect; without it none of another site. */
  readonly allowOrigin?: readonly string[];
  /** The file of the token that lets in; else WSFERRY_TOKEN. */
  readonly tokenFile?: string;
  /** Listen where other machines can reach it, without a token. */
  readonly insecurePublic?: boolean;
  /** Proxies whose X-Forwarded-For is believed. */
  readonly trustProxy?: readonly string[];
  readonly durable?: boolean;
  /** How long the beginning of an interrupted file is kept, in ms. */
  readonly keepPartials?: number;
  readonly onConflict?: OnConflict;
  readonly allowOverwrite?: boolean;
  /** Remove what interrupted transfers have left, and end. */
  readonly clean?: boolean;
  readonly readOnly?: boolean;
  readonly writeOnly?: boolean;
  /** Bytes. */
  readonly maxFile?: number;
  readonly maxTotal?: number;
  readonly minFree?: number;
  readonly maxTransfers?: number;
  /** Bytes per second, of all files together, both ways. */
  readonly limitRate?: number;
  /** Accept permessage-deflate when it is offered. */
  readonly compress: boolean;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  /** How long transfers under way may go on after SIGTERM, in ms. */
  readonly grace?: number;
  readonly healthz?: boolean;
  readonly metrics?: boolean;
  readonly log?: 'json';
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** How long transfers under way may go on after SIGTERM. */
const DEFAULT_GRACE_MS = 10_000;

/** SIGTERM comes from who can wait, a service manager; Ctrl-C from somebody who cannot. */
function graceFor(signal: EndingSignal | undefined, graceMs: number): number {
  return signal === 'SIGTERM' ? graceMs : 0;
}

/**
 * Receives files until it is told to stop. Never throws: every failure is reported and becomes the exit code.
 * `version` is told in the metrics.
 */
export async function serve(cwd: string, options: ServeOptions, version: string): Promise<ExitCode> {
  if (options.clean) return clean(resolve(cwd, options.dir ?? 'received'), await createReporter(options));
  const { grace = DEFAULT_GRACE_MS } = options;
  const reporter = await createReporter(options);
  const interruption = watchInterruption((signal) => {
    const waits = graceFor(signal, grace);
    reporter.report({ event: 'stopping', signal, ...(waits > 0 && { graceMs: waits }) });
  });
  let receiver: Receiver | undefined;
  let exitCode: ExitCode = ExitCode.Done;
  const counts = { stored: 0, failed: 0 };
  try {
    const tls = await tlsOptions(cwd, options);
    const token = await readToken({ ...options, cwd, minLength: MIN_TOKEN_LENGTH }, reporter);
    await checkOpenness(options, token !== undefined, tls !== undefined, reporter);
    const events = reportingObserver(reporter, counts);
    const metrics = options.metrics ? receiverMetrics(version, () => receiver) : undefined;
    receiver = await startReceiver({
      host: options.host,
      port: options.port,
      dir: resolve(cwd, options.dir ?? 'received'),
      create: options.dir === undefined,
      compress: options.compress,
      ...(tls && { tls }),
      ...(options.socket !== undefined && { socketPath: resolve(cwd, options.socket) }),
      ...(options.allowOrigin && { origins: ['same-origin', ...options.allowOrigin] }),
      ...(token && { token: token.token }),
      ...(options.trustProxy && { trustedProxies: trusted(options.trustProxy) }),
      limits: limitsOf(options),
      storing: {
        durable: options.durable,
        keepPartialsMs: options.keepPartials,
        onConflict: options.onConflict,
        allowOverwrite: options.allowOverwrite || options.onConflict === 'overwrite',
      },
      observer: metrics ? both(events, metrics.observer) : events,
      ...(options.healthz && { healthz: true }),
      ...(metrics && { metrics: metrics.text }),
    });
    const left = unownedWarning(receiver);
    if (left !== undefined) reporter.report({ event: 'warning', message: left });
    const { readOnly } = options;
    reporter.report({
      event: 'receiver',
      url: receiver.url,
      dir: receiver.dir,
      embedded: false,
      ...(readOnly && { readOnly }),
    });
    if (!interruption.signal.aborted) await once(interruption.signal, 'abort');
    exitCode = interruption.exitCode;
    await receiver.close(graceFor(interruption.name, grace));
    reporter.report({ event: 'done', ...counts, exitCode });
  } catch (error) {
    const why = explain(error);
    exitCode = why.exitCode;
    reporter.report({ event: 'error', ...why });
    if (process.env['WSFERRY_DEBUG']) console.error(error);
  }
  reporter.close();
  return exitCode;
}

async function tlsOptions(cwd: string, { tlsCert, tlsKey }: ServeOptions): Promise<TlsOptions | undefined> {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new CliError('BAD_OPTION', '--tls-cert and --tls-key belong together', ExitCode.Usage);
  }
  const cert = await readOption('--tls-cert', resolve(cwd, tlsCert));
  const key = await readOption('--tls-key', resolve(cwd, tlsKey));
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    throw new CliError('BAD_OPTION', `--tls-cert and --tls-key: ${(error as Error).message}`, ExitCode.Usage, {
      hint: 'both files are PEM, and the key belongs to the certificate',
      cause: error,
    });
  }
  return { cert, key };
}

/** Who can be reached by others must say who may come in. @throws CliError PUBLIC_WITHOUT_TOKEN */
async function checkOpenness(
  { host, socket, insecurePublic }: ServeOptions,
  hasToken: boolean,
  hasTls: boolean,
  reporter: Reporter,
): Promise<void> {
  // Who may write to a socket file its rights say.
  if (socket !== undefined || (await isLoopbackHost(host))) return;
  if (!hasToken && !insecurePublic) {
    const message = `${host} can be reached from other machines, and without a token everybody there could store files here`;
    const hint = 'set WSFERRY_TOKEN or name a --token-file; --insecure-public lets everybody in';
    throw new CliError('PUBLIC_WITHOUT_TOKEN', message, ExitCode.Usage, { hint });
  }
  const message = !hasToken
    ? `--insecure-public: everybody who can reach ${host} can store files here`
    : !hasTls
      ? 'token and files come in unencrypted, who is in between can read them: --tls-cert and --tls-key prevent that'
      : undefined;
  if (message !== undefined) reporter.report({ event: 'warning', message });
}

function limitsOf(options: ServeOptions): ReceiverLimits {
  const { readOnly = false, writeOnly = false, maxFile, maxTotal, minFree, maxTransfers, limitRate } = options;
  return {
    readOnly,
    writeOnly,
    maxFileBytes: maxFile,
    maxTotalBytes: maxTotal,
    minFreeBytes: minFree,
    maxTransfers,
    bytesPerSecond: limitRate,
  };
}

function trusted(proxies: readonly string[]): readonly string[] {
  for (const proxy of proxies) {
    try {
      checkedTrustedProxies([proxy]);
    } catch (cause) {
      const message = `--trust-proxy: expected an address, a block such as 10.0.0.0/8, or unix, got "${proxy}"`;
      throw new CliError('BAD_OPTION', message, ExitCode.Usage, { cause });
    }
  }
  return proxies;
}

/** What another machine, or a container that is gone, left half done just now: we may not touch it yet, and somebody should know. */
function unownedWarning({ unowned, dir }: Receiver): string | undefined {
  if (unowned.length === 0) return undefined;
  const size = bytes(unowned.reduce((sum, { size }) => sum + size, 0));
  const files = unowned.length === 1 ? '1 unfinished file' : `${unowned.length} unfinished files`;
  return `${files} (${size}) of another machine in ${join(dir, '.wsferry')}: what nobody touches for five minutes is gone on with, or expires; serve --clean tells what stays`;
}
