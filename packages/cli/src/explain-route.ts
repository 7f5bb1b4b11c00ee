import { ConnectionError, HandshakeError, header, redirectTarget } from '@wsferry/connection';
import { type Explanation, explainConnect } from './errors.ts';
import { ExitCode } from './exit-codes.ts';
import { hideUserInfo } from './format.ts';
import type { Token } from './token.ts';

/** How we tried to get there. */
export interface Attempted {
  /** The proxy it was to go through. */
  readonly proxy?: string | undefined;
  /** The token that was shown. */
  readonly token?: Token | undefined;
}

/** Why no connection to `address` came about. No credentials are shown. */
export function explainRoute(error: unknown, address: string, { proxy, token }: Attempted = {}): Explanation {
  const way = explainToken(error, address, token) ?? explainWay(error, address, proxy);
  if (way || proxy === undefined) return way ?? explainConnect(error, address);
  const why = explainConnect(error, address);
  return { ...why, message: `${why.message} (through the proxy ${proxyName(proxy)})` };
}

/** What lies on the way, or at the receiver's door: the proxy, a redirect, a password, a full house. */
function explainWay(error: unknown, address: string, proxy: string | undefined): Explanation | undefined {
  const exitCode = ExitCode.CannotConnect;
  if (proxy !== undefined && error instanceof ConnectionError) {
    const { code, message } = error;
    if (code === 'BAD_PROXY') return { code, message, hint: FROM_ENVIRONMENT, exitCode: ExitCode.Usage };
    if (code === 'PROXY_FAILED') {
      return { code, message, hint: `${FROM_ENVIRONMENT}; ${withoutProxy(address)}`, exitCode };
    }
  }
  if (!(error instanceof HandshakeError)) return undefined;
  if (error.code === 'BAD_CREDENTIALS') {
    const hint = 'in an address, a colon in the name cannot be sent; other signs are written as %XX';
    return { code: error.code, message: error.message, hint, exitCode: ExitCode.Usage };
  }
  if (!error.response) return undefined;
  const status = `${error.response.status} ${error.response.reason}`.trim();
  if (error.code === 'PROXY_REFUSED') return { ...explainProxyRefusal(status, address, proxy ?? ''), exitCode };
  if (error.code !== 'UNEXPECTED_STATUS') return undefined;
  const why = explainStatus(error, status, address);
  return why && { ...why, exitCode };
}

/** A receiver that wants a token says so in its answer. It is there and well, and refuses us: exit 4. */
function explainToken(error: unknown, address: string, token: Token | undefined): Explanation | undefined {
  if (!(error instanceof HandshakeError) || error.code !== 'UNEXPECTED_STATUS' || !error.response) return undefined;
  const { status, headers } = error.response;
  if (!/(?:^|,) *Bearer(?: |,|$)/i.test(header(headers, 'WWW-Authenticate') ?? '')) return undefined;
  const url = hideUserInfo(address);
  const exitCode = ExitCode.Refused;
  if (status === 429) {
    const seconds = /^\d+$/.exec(header(headers, 'Retry-After') ?? '')?.[0];
    const message = `${url} has seen too many wrong tokens from here, and takes none now`;
    return { code: 'TOO_MANY_TOKENS', message, hint: `try again in ${seconds ?? 'some'} s`, exitCode };
  }
  if (status !== 401) return undefined;
  if (token === undefined) {
    const hint = 'set WSFERRY_TOKEN, or name the file it is in with --token-file';
    return { code: 'TOKEN_WANTED', message: `${url} wants a token`, hint, exitCode };
  }
  return {
    code: 'WRONG_TOKEN',
    message: `${url} wants another token`,
    hint: `this one is from ${token.from}`,
    exitCode,
  };
}

const FROM_ENVIRONMENT = 'the proxy is from the environment (https_proxy, http_proxy or all_proxy)';

function withoutProxy(address: string): string {
  return `NO_PROXY=${new URL(address).hostname} goes without it`;
}

function explainProxyRefusal(status: string, address: string, proxy: string): Omit<Explanation, 'exitCode'> {
  const code = 'PROXY_REFUSED';
  const name = proxyName(proxy);
  if (status.startsWith('407')) {
    return {
      code,
      message: `the proxy ${name} wants a name and a password, or others than these (${status})`,
      hint: `write them into its address in the environment: http://NAME:PASSWORD@${name}`,
    };
  }
  const { host } = new URL(address);
  const message = `the proxy ${name} does not let you through to ${host} (${status})`;
  return { code, message, hint: `${FROM_ENVIRONMENT}; ${withoutProxy(address)}` };
}

function explainStatus(
  error: HandshakeError,
  status: string,
  address: string,
): Omit<Explanation, 'exitCode'> | undefined {
  const url = hideUserInfo(address);
  const target = redirectTarget(error.response!, address);
  if (target) {
    const noTls = url.startsWith('wss:') && target.protocol === 'ws:' ? ', but mind that this is without TLS' : '';
    return {
      code: 'REDIRECTED',
      message: `${url} answered with status ${status}: it points to ${target.href}`,
      hint: `if you trust that, send there with --to ${target.href}${noTls}`,
    };
  }
  switch (error.status) {
    case 401:
      return {
        code: 'UNAUTHORIZED',
        message: `${url} wants a name and a password, or others than these (${status})`,
        hint: `set WSFERRY_URL=${url.replace(/\/\/(\*{3}@)?/, '//NAME:PASSWORD@')} (on the command line others could read them)`,
      };
    case 429:
    case 503:
      return { code: 'BUSY', message: `${url} takes nobody now (${status})`, hint: 'try again later' };
    default:
      return undefined;
  }
}

/** `host:port`, as much of it as there is, and nothing of its credentials. */
function proxyName(proxy: string): string {
  const text = proxy.includes('://') ? proxy : `http://${proxy}`;
  return URL.canParse(text) ? new URL(text).host : hideUserInfo(text);
}
