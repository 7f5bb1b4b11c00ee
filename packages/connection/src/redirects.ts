import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { HandshakeError, type HeaderList, headerValues, type ResponseHead } from '@wsferry/handshake';
import { type Address, atSameSocket, hrefOf, parseAddress } from './address.ts';
import { ConnectionError } from './errors.ts';

/** RFC 9110 §15.4. A WebSocket is always asked for with GET, so there is no method that could change. */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** What was asked, and with what; credentials of the URL are in `address.url`. */
export interface Attempt {
  readonly address: Address;
  readonly headers?: HeaderList | undefined;
  readonly tls?: TlsOptions | undefined;
}

/**
 * The address that an answer to `from` points to: of a 301, 302, 303, 307 or 308, its Location as ws: or wss: (which
 * http: and https: stand for), without fragment and credentials. `undefined` when it points nowhere one could connect to.
 */
export function redirectTarget(response: ResponseHead, from: string | URL): URL | undefined {
  const [location, ...more] = headerValues(response.headers, 'Location');
  if (!REDIRECTS.has(response.status) || location === undefined || more.length > 0) return undefined;
  if (!URL.canParse(location, String(from))) return undefined;
  const text = new URL(location, from).href.replace(/^http/, 'ws');
  if (!/^wss?:/.test(text)) return undefined;
  const url = new URL(hrefOf(new URL(text)));
  url.hash = '';
  return url;
}

/** How many to follow, 0 to 100: a circle has to end. Throws `BAD_ARGUMENT` for anything else. */
export function checkedMaxRedirects(value: unknown = 0): number {
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 100) return value as number;
  const got = typeof value === 'string' ? JSON.stringify(value) : String(value);
  throw new ConnectionError('BAD_ARGUMENT', `expected maxRedirects to be a whole number from 0 to 100, got ${got}`);
}

/**
 * The attempt that follows `attempt` after `error`; `undefined` when that is no redirect.
 *
 * What belongs to one origin does not go to another: Authorization and Cookie headers, credentials of the URL, the TLS
 * name and the client's certificate stay behind, also for a later redirect back.
 *
 * @throws ConnectionError REDIRECT_REFUSED: from wss: to ws:, from a Unix socket to elsewhere, to what is no WebSocket
 */
export function redirected(attempt: Attempt, error: unknown): Attempt | undefined {
  if (!(error instanceof HandshakeError) || error.code !== 'UNEXPECTED_STATUS') return undefined;
  const { response } = error;
  if (!response || !REDIRECTS.has(response.status)) return undefined;
  if (headerValues(response.headers, 'Location').length === 0) return undefined;
  const { address, headers, tls } = attempt;
  const refused = (expected: string) =>
    new ConnectionError('REDIRECT_REFUSED', `expected a redirect ${expected}`, { cause: error });

  const url = redirectTarget(response, address.url);
  if (url === undefined) throw refused('to a ws:, wss:, http: or https: address');
  if (address.secure && url.protocol === 'ws:') throw refused(`that stays with TLS, got one from wss: to ${url.href}`);
  if (url.origin === address.url.origin) {
    url.username = address.url.username;
    url.password = address.url.password;
    return { ...attempt, address: address.socketPath === undefined ? parseAddress(url) : atSameSocket(address, url) };
  }
  if (address.socketPath !== undefined) throw refused(`that stays at the Unix socket, got one to ${url.href}`);
  return {
    address: parseAddress(url),
    headers: headers?.filter(([name]) => !PRIVATE.test(name)),
    tls: withoutOwn(tls),
  };
}

const PRIVATE = /^(?:authorization|cookie2?|proxy-authorization)$/i;

/** What the client shows of itself, and what it expects of one server alone. */
function withoutOwn(tls: TlsOptions | undefined): TlsOptions | undefined {
  if (tls === undefined) return undefined;
  const { servername: _, host: __, cert: ___, key: ____, pfx: _____, passphrase: ______, ...others } = tls;
  return others;
}
