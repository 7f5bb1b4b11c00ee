import { ExitCode } from './exit-codes.ts';
import { hideUserInfo } from './format.ts';

/** What a person reads instead of a stack trace, and what a script gets. */
export interface Explanation {
  /** Stable name of the reason, also in `--json`. */
  readonly code: string;
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
  readonly exitCode: ExitCode;
}

/** A failure that is explained already. */
export class CliError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly exitCode: ExitCode;

  constructor(code: string, message: string, exitCode: ExitCode, options: { hint?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'CliError';
    this.code = code;
    this.hint = options.hint;
    this.exitCode = exitCode;
  }
}

/** Refusals: the receiver is well, and does not want this file. */
const REFUSALS: ReadonlySet<string> = new Set([
  'EXISTS',
  'BAD_NAME',
  'TOO_LARGE',
  'NO_SPACE',
  'FORBIDDEN',
  'TOO_MANY_TRANSFERS',
  'SHUTTING_DOWN',
]);

/** What nobody mends by trying again: who was refused, has the wrong address, or does not trust the other side. */
const FINAL: ReadonlySet<string> = new Set([
  'UNAUTHORIZED',
  'TLS_UNTRUSTED',
  'TLS_WRONG_NAME',
  'NOT_TLS',
  'NOT_WSFERRY',
  'REDIRECTED',
  'PROXY_REFUSED',
]);

/** Whether it is in vain to connect again. A proxy's 502 is not final: its server may be starting again. */
export function isFinal(error: unknown): boolean {
  if (!(error instanceof CliError)) return false;
  if (error.exitCode === ExitCode.Usage || FINAL.has(error.code)) return true;
  const status = Number.parseInt(statusOf(error.cause) ?? '', 10);
  return status >= 400 && status < 500 && ![408, 425, 429].includes(status);
}

/** Why no connection to `address` came about. */
export function explainConnect(error: unknown, address: string): Explanation {
  if (error instanceof CliError) return explained(error);
  const url = hideUserInfo(address);
  const exitCode = ExitCode.CannotConnect;
  const host = hostOf(url);
  const system = systemCode(error);
  const code = codeOf(error);
  if (system === 'ECONNREFUSED' || (system === 'ENOENT' && url.startsWith('ws+unix:'))) {
    return {
      code: 'NOBODY_LISTENING',
      message: `nobody listens at ${url}`,
      hint: 'start a receiver there with "wsferry serve", or name none to receive right here',
      exitCode,
    };
  }
  if (system === 'ENOTFOUND' || system === 'EAI_AGAIN') {
    const hint = system === 'EAI_AGAIN' ? 'is this machine online? try again in a moment' : 'check the spelling';
    return { code: 'NAME_NOT_FOUND', message: `the name ${host} cannot be resolved`, hint, exitCode };
  }
  const status = statusOf(error);
  if (status !== undefined) {
    return {
      code: 'NOT_WEBSOCKET',
      message: `${url} speaks HTTP but not WebSocket: it answered with status ${status}`,
      hint: `check the port and the path; "wsferry doctor ${url}" says what is in the way`,
      exitCode,
    };
  }
  // After the certificate was refused nothing may be retried without the user's word.
  if (system !== undefined && /^(EPROTO|ERR_SSL_)/.test(system)) {
    return {
      code: 'NOT_TLS',
      message: `${host} does not speak TLS (${system})`,
      hint: `if the receiver was started without --tls-cert, write ${url.replace(/^wss:/, 'ws:')}`,
      exitCode,
    };
  }
  if (code === 'TLS_UNTRUSTED' && system === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return {
      code: 'TLS_WRONG_NAME',
      message: `the certificate there is not for ${hostnameOf(url)} but for ${namesOf(error)}`,
      hint: 'write the address with a name that the certificate has',
      exitCode,
    };
  }
  if (code === 'TLS_UNTRUSTED') {
    return {
      code,
      message: `the certificate of ${host} is not trusted${system ? ` (${system})` : ''}`,
      hint: 'name the authority that signed it with --ca FILE; --insecure sends without knowing to whom',
      exitCode,
    };
  }
  if (system === 'ETIMEDOUT' || code === 'TIMEOUT') {
    return { code: 'TIMEOUT', message: `${url} did not answer in time`, hint: 'is a firewall in between?', exitCode };
  }
  if (code === 'BAD_STATUS_LINE' || code === 'CONNECTION_LOST' || system === 'ECONNRESET') {
    return {
      code: 'NOT_WEBSOCKET',
      message: `what listens at ${url} does not speak HTTP: ${messageOf(error)}`,
      ...(url.startsWith('ws:') && { hint: `if the receiver uses TLS, write ${url.replace(/^ws:/, 'wss:')}` }),
      exitCode,
    };
  }
  if (code === 'BAD_URL') {
    return {
      code,
      message: messageOf(error),
      hint: 'an address looks like ws://127.0.0.1:6455',
      exitCode: ExitCode.Usage,
    };
  }
  return { code: code ?? 'CANNOT_CONNECT', message: `cannot connect to ${url}: ${messageOf(error)}`, exitCode };
}

/** Why no receiver could be started at `host`:`port`. */
export function explainListen(error: unknown, host: string, port: number): Explanation {
  if (error instanceof CliError) return explained(error);
  const exitCode = ExitCode.Failed;
  const where = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  switch (systemCode(error)) {
    case 'EADDRINUSE':
      return {
        code: 'PORT_IN_USE',
        message: `${where} is in use already`,
        hint: 'choose another with --port, or --port 0 for any free one',
        exitCode,
      };
    case 'EACCES':
      return {
        code: 'PORT_NOT_ALLOWED',
        message: `listening at ${where} is not permitted`,
        hint: 'ports below 1024 belong to the administrator',
        exitCode,
      };
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return {
        code: 'BAD_HOST',
        message: `${host} is no address of this machine`,
        hint: 'use 127.0.0.1, 0.0.0.0 for every IPv4 interface, or :: for every interface',
        exitCode,
      };
    default:
      return {
        code: codeOf(error) ?? 'CANNOT_LISTEN',
        message: `cannot listen at ${where}: ${messageOf(error)}`,
        exitCode,
      };
  }
}

/** Why a file did not arrive. `error` is a TransferError, whose `side` says who gave up. */
export function explainTransfer(error: unknown): Explanation {
  if (error instanceof CliError) return explained(error);
  const code = codeOf(error) ?? 'INTERNAL';
  const message = messageOf(error);
  if (code === 'DIGEST_MISMATCH') {
    return {
      code,
      message: `what arrived is not what was sent (${message})`,
      hint: 'nothing of it was kept; send it again',
      exitCode: ExitCode.DigestMismatch,
    };
  }
  const byPeer = (error as { side?: unknown } | undefined)?.side === 'peer';
  if (byPeer && REFUSALS.has(code)) {
    const hint = REFUSAL_HINTS[code];
    return { code, message: `refused by the receiver: ${message}`, ...(hint && { hint }), exitCode: ExitCode.Refused };
  }
  switch (code) {
    case 'SOURCE_FAILED':
      return { ...explainFile(error), exitCode: ExitCode.Failed };
    case 'SOURCE_CHANGED':
    case 'CONNECTION_LOST':
      return { code, message, hint: 'send it again', exitCode: ExitCode.Failed };
    default:
      return { code, message, exitCode: ExitCode.Failed };
  }
}

/** The same, as a failure of the whole command; `what` it was about. */
export function transferFailure(error: unknown, what?: string): CliError {
  const { code, message, hint, exitCode } = explainTransfer(error);
  const about = what === undefined ? message : `${what}: ${message}`;
  return new CliError(code, about, exitCode, { ...(hint !== undefined && { hint }), cause: error });
}

const REFUSAL_HINTS: Readonly<Record<string, string>> = {
  NO_SPACE: 'the receiver has no room for it now',
  BAD_NAME: 'rename the file',
  SHUTTING_DOWN: 'the receiver is being stopped; try again later',
};

/** Why a file on this machine cannot be read. */
export function explainFile(error: unknown): Explanation {
  if (error instanceof CliError) return explained(error);
  const exitCode = ExitCode.Failed;
  switch (systemCode(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return { code: 'NO_SUCH_FILE', message: 'no such file', exitCode };
    case 'EISDIR':
      return { code: 'IS_DIRECTORY', message: 'is a directory', hint: 'name the files in it', exitCode };
    case 'EACCES':
    case 'EPERM':
      return { code: 'NOT_READABLE', message: 'may not be read by you', exitCode };
    case 'ENAMETOOLONG':
      return { code: 'NO_SUCH_FILE', message: 'no such file: the name is too long', exitCode };
    default:
      return { code: codeOf(error) ?? 'SOURCE_FAILED', message: messageOf(error), exitCode };
  }
}

/** Anything else. What is nobody's mistake but ours says so; WSFERRY_DEBUG=1 adds the stack. */
export function explain(error: unknown): Explanation {
  if (error instanceof CliError) return explained(error);
  if (codeOf(error) !== undefined)
    return { code: codeOf(error) as string, message: messageOf(error), exitCode: ExitCode.Failed };
  return {
    code: 'INTERNAL',
    message: `${messageOf(error)} (a fault in wsferry)`,
    hint: 'WSFERRY_DEBUG=1 shows where; please report it',
    exitCode: ExitCode.Failed,
  };
}

function explained(error: CliError): Explanation {
  const { code, message, hint, exitCode } = error;
  return { code, message, ...(hint !== undefined && { hint }), exitCode };
}

/** Node's own code (`ECONNREFUSED`), wherever it hides: libraries wrap, and happy eyeballs aggregates. */
export function systemCode(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; depth++) {
    const code = (at as NodeJS.ErrnoException).code;
    const isSystem = (at as NodeJS.ErrnoException).syscall !== undefined;
    if (
      isSystem ||
      (typeof code === 'string' && /^(E[A-Z]+$|EAI_|ERR_|DEPTH_|SELF_|CERT_|UNABLE_)/.test(code) && code !== 'EXISTS')
    )
      return code;
    if (at instanceof AggregateError) at = at.errors[0];
    else at = at.cause;
  }
  return undefined;
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** `401 Unauthorized`, when the other side answered the upgrade with something else than 101. */
function statusOf(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; depth++, at = at.cause) {
    const { response } = at as { response?: { status?: unknown; reason?: unknown } };
    if (typeof response?.status === 'number' && response.status !== 101) {
      return `${response.status} ${response.reason ?? ''}`.trim();
    }
  }
  return undefined;
}

export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && !error.message) return messageOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}

/** Who the certificate that was shown is for, in words. */
function namesOf(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; depth++, at = at.cause) {
    const { cert } = at as { cert?: { subject?: { CN?: unknown }; subjectaltname?: unknown } };
    if (!cert) continue;
    // As Node tells them: "DNS:a.example, IP Address:127.0.0.1".
    if (typeof cert.subjectaltname === 'string') return cert.subjectaltname.replace(/\b(DNS|IP Address):/g, '');
    if (typeof cert.subject?.CN === 'string') return cert.subject.CN;
  }
  return 'somebody else';
}

function hostnameOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : url;
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}
