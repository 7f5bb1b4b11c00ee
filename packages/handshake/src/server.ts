import type { Peer } from './addresses.ts';
import type { Accepted } from './client.ts';
import { HandshakeError, type HandshakeErrorCode, shown } from './errors.ts';
import { type ExtensionOffer, parseExtensions } from './extensions.ts';
import type { HeaderList, HeadLimits, RequestHead, ResponseHead } from './head.ts';
import { headerValues, isToken, listsToken, tokens } from './headers.ts';
import { acceptKey } from './key.ts';
import { type AllowedOrigins, isOriginAllowed } from './origin.ts';
import { type Refusal, refusal, refusalOfProgram } from './refusal.ts';

/** What a server accepts. Everything is optional; an empty policy takes every path, no subprotocol, no extension. */
export interface ServerPolicy {
  /** The path (without query) that is served, or a judge of it; others get 404. Default: every path. */
  readonly path?: string | ((path: string) => boolean) | undefined;
  /** Subprotocols, the preferred one first. The first that was offered is chosen, none when none was. */
  readonly protocols?: readonly string[] | undefined;
  /** Instead of `protocols`: choose from what was offered. */
  readonly selectProtocol?: ((offered: readonly string[]) => string | undefined) | undefined;
  /**
   * Which pages may connect; default `'same-origin'`, for IP addresses and localhost: list the origins of pages under any
   * other name. A request without Origin passes: it is not from a page.
   */
  readonly origins?: AllowedOrigins | undefined;
  /** The answer to the offered extensions as a header value, or `undefined` for none. Not called without an offer. */
  readonly negotiateExtensions?: ((offers: readonly ExtensionOffer[]) => string | undefined) | undefined;
  /**
   * The program's own last word, on a request that is right in everything else: authentication, a full server. What it
   * gives is answered instead of the 101; `undefined` lets in. Synchronous: a promise is taken for a mistake (500).
   */
  readonly refuse?: ((request: RequestHead, peer: Peer) => Refusal | undefined) | undefined;
  /**
   * Proxies whose `X-Forwarded-For` is believed: IP addresses, blocks such as `10.0.0.0/8`, `unix` for whoever comes through
   * a Unix socket. Default none: then the client's address is the socket's.
   */
  readonly trustedProxies?: readonly string[] | undefined;
  readonly limits?: HeadLimits | undefined;
}

/** What to answer: the 101 and what was agreed on, or a refusal as a complete response. */
export type Verdict =
  | { readonly ok: true; readonly response: ResponseHead; readonly accepted: Accepted }
  | { readonly ok: false; readonly response: ResponseHead; readonly body: string; readonly error: HandshakeError };

/** "HTTP/1.1 or higher" (§4.2.1 item 1), within major version 1, whose later minor versions speak 1.1 (RFC 7230 §2.6). */
function canUpgrade(version: string): boolean {
  return /^1\.[1-9]$/.test(version);
}

/** Whether a request asks for WebSocket at all. HTTP/1.0 cannot upgrade (RFC 7230 §6.7), whatever its headers say. */
export function isUpgradeRequest(head: RequestHead): boolean {
  return canUpgrade(head.version) && listsToken(head.headers, 'Upgrade', 'websocket');
}

/**
 * Judges a request and gives the answer (RFC 6455 §4.2). A bad request is a value, not an exception. `peer` is for the
 * policy's `refuse`.
 *
 * @throws TypeError when the policy's own functions answer what was not offered, or refuse with what cannot be sent
 */
export function answerRequest(head: RequestHead, policy: ServerPolicy = {}, peer: Peer = {}): Verdict {
  try {
    return accept(head, policy, peer);
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error;
    return { ok: false, error, ...refusal(error) };
  }
}

function accept(head: RequestHead, policy: ServerPolicy, peer: Peer): Verdict {
  const { headers } = head;
  if (!canUpgrade(head.version)) {
    throw refused(
      'BAD_HTTP_VERSION',
      400,
      `expected HTTP/1.1 or a later HTTP/1, got HTTP/${head.version} (§4.2.1 item 1)`,
    );
  }
  const host = checkHost(headers);
  if (head.method !== 'GET') {
    throw refused('BAD_METHOD', 405, `expected method GET, got ${shown(head.method)} (§4.2.1 item 1)`);
  }
  checkPath(head.target, host, policy.path);
  checkNoBody(headers);
  if (!listsToken(headers, 'Upgrade', 'websocket')) {
    throw refused(
      'NOT_AN_UPGRADE',
      426,
      'expected "Upgrade: websocket": only WebSocket is spoken here (§4.2.1 item 3)',
    );
  }
  if (!listsToken(headers, 'Connection', 'upgrade')) {
    throw refused('BAD_CONNECTION', 400, 'expected "Connection: Upgrade" (§4.2.1 item 4)');
  }
  checkVersion(headers);
  const key = checkKey(headers);
  const origins = headerValues(headers, 'Origin');
  if (!isOriginAllowed(origins, host, policy.origins ?? 'same-origin')) {
    const message = `expected an Origin that this server lists in its origins, got ${shown(origins.join(' | '))} (§10.2)`;
    const remedy = 'to let it in, list it in `origins` (in the shell: --allow-origin)';
    throw refused('ORIGIN_REFUSED', 403, `${message}; ${remedy}`);
  }
  const protocol = chooseProtocol(headers, policy);
  const extensions = chooseExtensions(headers, policy);
  const own = policy.refuse?.(head, peer);
  if (own !== undefined) return { ok: false, ...refusalOfProgram(own) };
  return {
    ok: true,
    accepted: { protocol: protocol ?? '', extensions: extensions === undefined ? [] : parseExtensions(extensions) },
    response: {
      version: '1.1',
      status: 101,
      reason: 'Switching Protocols',
      headers: [
        ['Upgrade', 'websocket'],
        ['Connection', 'Upgrade'],
        ['Sec-WebSocket-Accept', acceptKey(key)],
        ...(protocol === undefined ? [] : [['Sec-WebSocket-Protocol', protocol] as const]),
        ...(extensions === undefined ? [] : [['Sec-WebSocket-Extensions', extensions] as const]),
      ],
    },
  };
}

function refused(code: HandshakeErrorCode, status: number, message: string): HandshakeError {
  return new HandshakeError(code, message, { status });
}

const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._~%-]+)(?::([0-9]{0,5}))?$/;

/** Exactly one and a valid one (§4.2.1 item 2; RFC 7230 §5.4). Its port may be empty (RFC 3986 §3.2.3). */
function checkHost(headers: HeaderList): string {
  const [host, ...more] = headerValues(headers, 'Host');
  const port = host === undefined ? undefined : HOST.exec(host);
  if (host === undefined || more.length > 0 || !port || Number(port[1] || 0) > 65_535) {
    const got = host === undefined ? 'none' : shown([host, ...more].join(' | '));
    throw refused('BAD_HOST', 400, `expected one Host with a name and perhaps a port, got ${got} (§4.2.1 item 2)`);
  }
  return host;
}

/** The target in origin form, or in absolute form for the very host that Host names (§4.2.1 item 1; RFC 7230 §5.3). */
function checkPath(target: string, host: string, wanted: ServerPolicy['path']): void {
  const [, scheme, authority, rest] = /^(https?):\/\/([^/?]*)(.*)$/i.exec(target) ?? [undefined, '', undefined, target];
  if (authority !== undefined && withoutDefaultPort(scheme!, authority) !== withoutDefaultPort(scheme!, host)) {
    throw refused(
      'BAD_HOST',
      400,
      `expected Host to name the host of the target, got ${shown(target)} and ${shown(host)}`,
    );
  }
  const query = rest!.indexOf('?');
  const path = (query < 0 ? rest! : rest!.slice(0, query)) || (authority === undefined ? '' : '/');
  if (!path.startsWith('/')) {
    throw refused(
      'BAD_REQUEST_LINE',
      400,
      `expected a target that begins with "/", got ${shown(target)} (RFC 7230 §5.3.1)`,
    );
  }
  if (wanted === undefined || (typeof wanted === 'string' ? wanted === path : wanted(path))) return;
  throw refused('NOT_FOUND', 404, `expected a path that is served here, got ${shown(path)} (§4.2.2 item 4)`);
}

/** An authority without case, and without a port that is empty or the scheme's own (RFC 3986 §6.2.3). */
function withoutDefaultPort(scheme: string, authority: string): string {
  const lower = authority.toLowerCase();
  return lower.replace(scheme.toLowerCase() === 'https' ? /:(?:443)?$/ : /:(?:80)?$/, '');
}

/** A body would sit where frames begin: the classic seam for smuggling (RFC 7230 §3.3.3, §9.5). */
function checkNoBody(headers: HeaderList): void {
  const lengths = headerValues(headers, 'Content-Length');
  if (headerValues(headers, 'Transfer-Encoding').length > 0) {
    throw refused(
      'BODY_NOT_ALLOWED',
      400,
      'expected a request without a body, got Transfer-Encoding (RFC 7230 §3.3.3)',
    );
  }
  if (lengths.length > 1 || (lengths[0] ?? '0') !== '0') {
    const message = `expected a request without a body, got Content-Length ${shown(lengths.join(' | '))} (RFC 7230 §3.3.3)`;
    throw refused('BODY_NOT_ALLOWED', 400, message);
  }
}

/** §4.2.1 item 6 and §4.4: the refusal names the version that is spoken. */
function checkVersion(headers: HeaderList): void {
  const versions = headerValues(headers, 'Sec-WebSocket-Version');
  if (versions.length > 1) {
    throw refused('BAD_VERSION', 400, `expected one Sec-WebSocket-Version, got ${versions.length} (§11.3.5)`);
  }
  if (versions[0] !== '13') {
    const got = versions[0] === undefined ? 'none' : shown(versions[0]);
    throw refused('BAD_VERSION', 426, `expected Sec-WebSocket-Version 13, got ${got} (§4.2.1 item 6, §4.4)`);
  }
}

/** §4.2.1 item 5: base64 of 16 bytes. It is only echoed, so the padding bits are not looked at. */
function checkKey(headers: HeaderList): string {
  const [key, ...more] = headerValues(headers, 'Sec-WebSocket-Key');
  if (key !== undefined && more.length === 0 && /^[0-9A-Za-z+/]{22}==$/.test(key)) return key;
  const got = key === undefined ? 'none' : shown([key, ...more].join(' | '));
  throw refused('BAD_KEY', 400, `expected one Sec-WebSocket-Key, 16 bytes in base64, got ${got} (§4.2.1 item 5)`);
}

/** The server's preference decides (§4.2.2 item 4, /subprotocol/), among what was offered and nothing else. */
function chooseProtocol(headers: HeaderList, policy: ServerPolicy): string | undefined {
  const values = headerValues(headers, 'Sec-WebSocket-Protocol');
  if (values.length === 0) return undefined;
  const offered = tokens(values.join(','));
  if (offered.length === 0 || !offered.every(isToken) || new Set(offered).size !== offered.length) {
    // Not what came: a browser may have to send a password among them.
    const got = offered.every(isToken) && offered.length > 0 ? 'one of them twice' : 'something else';
    throw refused('BAD_PROTOCOL', 400, `expected subprotocols that are tokens, each once, got ${got} (§4.1 item 10)`);
  }
  const chosen = policy.selectProtocol
    ? policy.selectProtocol(offered)
    : policy.protocols?.find((protocol) => offered.includes(protocol));
  if (chosen !== undefined && !offered.includes(chosen)) {
    throw new TypeError(`expected selectProtocol to choose one of the offered subprotocols, got ${shown(chosen)}`);
  }
  return chosen;
}

/** §4.2.2 item 4, /extensions/, and §9.1. */
function chooseExtensions(headers: HeaderList, policy: ServerPolicy): string | undefined {
  const values = headerValues(headers, 'Sec-WebSocket-Extensions');
  if (values.length === 0) return undefined;
  const offers = parseExtensions(values.join(', '));
  const chosen = policy.negotiateExtensions?.(offers);
  if (chosen === undefined) return undefined;
  let names: string[] = [];
  try {
    names = parseExtensions(chosen).map(({ name }) => name);
  } catch {
    // Ours, not the client's: said below.
  }
  if (names.length === 0 || !names.every((name) => offers.some((offer) => offer.name === name))) {
    throw new TypeError(`expected negotiateExtensions to choose from what was offered, got ${shown(chosen)}`);
  }
  return chosen;
}
