import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { ConnectionError } from './errors.ts';
import { checkSocketPathLength } from './socket-path.ts';

/** Where to connect to and what to ask for there. */
export interface Address {
  /** ws: or wss:, for the request alone: it still holds the credentials. */
  readonly url: URL;
  /** What `connection.url` says: without credentials. */
  readonly href: string;
  /** For messages: `example.com:8080`, or the path of the Unix socket. */
  readonly name: string;
  readonly secure: boolean;
  /** A name or an IP address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** Instead of host and port. */
  readonly socketPath: string | undefined;
}

/**
 * Reads ws:, wss: (RFC 6455 §3: without fragment) and `ws+unix:/absolute/path.sock:/target`. There the first colon ends
 * the path, so one in the path itself is written `%3A` (and `%`, `?`, `#` as `%25`, `%3F`, `%23`); without it the target
 * is "/". The server then sees "localhost" as Host, and it is never TLS: for that, wss: with `socketPath`.
 *
 * @throws ConnectionError BAD_URL, BAD_ARGUMENT (a socket's path that is too long); no message shows user information
 */
export function parseAddress(given: string | URL, socketPath?: string): Address {
  const text = String(given);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url) throw badUrl(`a ws: or wss: URL, got ${JSON.stringify(withoutCredentials(text))}${zoneHint(text)}`);
  // `hash` is empty for an empty fragment as for none; in what is serialised, "#" can only start a fragment.
  if (url.href.includes('#')) throw badUrl(`a URL without a fragment, got ${url.hash || '#'}`);
  if (url.protocol === 'ws+unix:') {
    if (socketPath !== undefined) throw badUrl('either ws+unix: or socketPath, got both');
    const [path, target] = parseUnix(url);
    return addressOf(target, path, `ws+unix:${url.pathname}${url.search}`);
  }
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') {
    throw badUrl(`a ws: or wss: URL, got one with ${url.protocol}`);
  }
  if (socketPath !== undefined) checkSocketPath(socketPath);
  return addressOf(url, socketPath);
}

/** The same place, another target: what a redirect leads to on a Unix socket. */
export function atSameSocket(address: Address, url: URL): Address {
  const { socketPath, href } = address;
  const isUnixUrl = href.startsWith('ws+unix:');
  const path = /^[^:]*:[^:]*/.exec(href)?.[0];
  return addressOf(url, socketPath, isUnixUrl ? `${path}:${url.pathname}${url.search}` : undefined);
}

function addressOf(url: URL, socketPath: string | undefined, href?: string): Address {
  const secure = url.protocol === 'wss:';
  return {
    url,
    href: href ?? hrefOf(url),
    name: socketPath ?? url.host,
    secure,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    socketPath,
  };
}

/** The name to ask a TLS server for; an IP address is none (RFC 6066 §3). */
export function serverName(host: string): { servername?: string } {
  return isIP(host) ? {} : { servername: host.replace(/\.$/, '') };
}

/** `url` without its user information. */
export function hrefOf(url: URL): string {
  const copy = new URL(url);
  copy.username = '';
  copy.password = '';
  return copy.href;
}

/** A URL without its user information, also one that is wrong: then too much rather than too little is left out. */
export function withoutCredentials(text: string): string {
  if (URL.canParse(text)) {
    const url = new URL(text);
    return url.username === '' && url.password === '' ? text : hrefOf(url);
  }
  return text.replace(/^([a-z][a-z0-9+.-]*:)?.*@/is, '$1//');
}

function parseUnix(url: URL): [path: string, target: URL] {
  const example = 'ws+unix:/run/app.sock:/target';
  const { pathname, search, host } = url;
  if (host !== '' || !pathname.startsWith('/')) throw badUrl(`an absolute path such as ${example}, got another`);
  const colon = pathname.indexOf(':');
  const rest = colon < 0 ? '/' : pathname.slice(colon + 1) || '/';
  if (!rest.startsWith('/')) throw badUrl(`a target that begins with "/", such as ${example}, got ${rest}`);
  let path: string;
  try {
    path = decodeURIComponent(colon < 0 ? pathname : pathname.slice(0, colon));
  } catch {
    throw badUrl(`a path in percent-encoded UTF-8, got ${pathname}`);
  }
  checkSocketPath(path);
  return [path, new URL(`ws://localhost${rest}${search}`)];
}

function checkSocketPath(path: string): void {
  if (path === '' || path === '/' || path.includes('\0')) {
    throw badUrl(`the path of a Unix socket, got ${JSON.stringify(path)}`);
  }
  checkSocketPathLength(path);
}

function zoneHint(text: string): string {
  return /\[[^\]]*%/.test(text) ? ': a URL has no place for the zone of an IPv6 address' : '';
}

function badUrl(expected: string): ConnectionError {
  return new ConnectionError('BAD_URL', `expected ${expected}`);
}

/** The address of a server at this Unix socket, as `parseAddress` reads it. */
export function unixUrl(socketPath: string): string {
  return `ws+unix:${resolve(socketPath).replace(/[%:?#]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)}`;
}
