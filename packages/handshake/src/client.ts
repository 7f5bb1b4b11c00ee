import { basicAuthorization } from './credentials.ts';
import { HandshakeError, shown } from './errors.ts';
import { type ExtensionOffer, parseExtensions } from './extensions.ts';
import type { HeaderList, RequestHead, ResponseHead } from './head.ts';
import { header, headerValues, isToken, listsToken } from './headers.ts';
import { acceptKey } from './key.ts';
import { refusalCode } from './refusal.ts';

/** What both sides agreed on. `protocol` is the empty string when no subprotocol was chosen. */
export interface Accepted {
  readonly protocol: string;
  readonly extensions: readonly ExtensionOffer[];
}

/** What a client asks for. */
export interface ClientOffer {
  /**
   * `ws:`, `wss:`, `http:` or `https:`. Its fragment is not sent; user information becomes `Authorization: Basic`
   * (see {@link basicAuthorization}) unless `headers` has an Authorization.
   */
  readonly url: URL;
  /** From `createKey()`, a new one for every request. */
  readonly key: string;
  /** Subprotocols, the preferred one first; tokens, each once. */
  readonly protocols?: readonly string[] | undefined;
  /** The value of `Sec-WebSocket-Extensions`. */
  readonly extensions?: string | undefined;
  /** More header fields, such as Origin or Cookie; those of the handshake itself cannot be replaced. */
  readonly headers?: HeaderList | undefined;
}

const OWN_HEADERS = /^(?:host|upgrade|connection|content-length|transfer-encoding|sec-websocket-.*)$/i;

/**
 * The request that opens a WebSocket (RFC 6455 §4.1).
 *
 * @throws HandshakeError BAD_PROTOCOL, BAD_EXTENSIONS, BAD_HEADER, BAD_CREDENTIALS: the offer itself is not valid
 */
export function createRequest({ url, key, protocols = [], extensions, headers = [] }: ClientOffer): RequestHead {
  for (const protocol of protocols) {
    if (!isToken(protocol)) {
      throw new HandshakeError('BAD_PROTOCOL', `expected subprotocols that are tokens, got ${shown(protocol)}`);
    }
  }
  if (new Set(protocols).size !== protocols.length) {
    throw new HandshakeError('BAD_PROTOCOL', `expected each subprotocol once, got ${shown(protocols.join(', '))}`);
  }
  if (extensions !== undefined) parseExtensions(extensions);
  for (const [name] of headers) {
    if (!OWN_HEADERS.test(name)) continue;
    throw new HandshakeError('BAD_HEADER', `expected no header that the handshake sets itself, got ${shown(name)}`);
  }
  const authorization = header(headers, 'Authorization') === undefined ? basicAuthorization(url) : undefined;
  return {
    method: 'GET',
    target: `${url.pathname || '/'}${url.search}`,
    version: '1.1',
    headers: [
      ['Host', url.host],
      ['Upgrade', 'websocket'],
      ['Connection', 'Upgrade'],
      ['Sec-WebSocket-Key', key],
      ['Sec-WebSocket-Version', '13'],
      ...(protocols.length > 0 ? [['Sec-WebSocket-Protocol', protocols.join(', ')] as const] : []),
      ...(extensions === undefined ? [] : [['Sec-WebSocket-Extensions', extensions] as const]),
      ...(authorization === undefined ? [] : [['Authorization', authorization] as const]),
      ...headers,
    ],
  };
}

/**
 * Judges the answer to a request, by the numbered checks at the end of RFC 6455 §4.1. A server that chose none of the
 * offered subprotocols passes, as the RFC has it: `protocol` is then empty.
 *
 * @throws HandshakeError UNEXPECTED_STATUS, BAD_HTTP_VERSION, BAD_UPGRADE, BAD_CONNECTION, BAD_ACCEPT,
 *   BAD_EXTENSIONS, UNREQUESTED_EXTENSION, BAD_PROTOCOL, UNREQUESTED_PROTOCOL; each with `response`
 */
export function checkResponse(
  head: ResponseHead,
  offer: Pick<ClientOffer, 'key' | 'protocols' | 'extensions'>,
): Accepted {
  const only = (name: string) => {
    const values = headerValues(head.headers, name);
    return values.length === 1 ? values[0] : undefined;
  };
  const came = (name: string) => shown(headerValues(head.headers, name).join(' | ') || 'none');

  if (head.status !== 101) {
    const got = `${head.status} ${shown(head.reason)}${whatNow(head)}`;
    const message = `expected status 101 Switching Protocols, got ${got} (§4.1 check 1)`;
    throw new HandshakeError('UNEXPECTED_STATUS', message, { status: head.status, response: head });
  }
  const fail = (code: HandshakeError['code'], message: string) => new HandshakeError(code, message, { response: head });
  if (head.version !== '1.1') throw fail('BAD_HTTP_VERSION', `expected HTTP/1.1, got HTTP/${head.version}`);
  if (only('Upgrade')?.toLowerCase() !== 'websocket') {
    throw fail('BAD_UPGRADE', `expected "Upgrade: websocket", got ${came('Upgrade')} (§4.1 check 2)`);
  }
  if (!listsToken(head.headers, 'Connection', 'upgrade')) {
    throw fail('BAD_CONNECTION', `expected "Connection: Upgrade", got ${came('Connection')} (§4.1 check 3)`);
  }
  const accept = acceptKey(offer.key);
  if (only('Sec-WebSocket-Accept') !== accept) {
    const got = came('Sec-WebSocket-Accept');
    throw fail('BAD_ACCEPT', `expected Sec-WebSocket-Accept ${shown(accept)}, got ${got} (§4.1 check 4)`);
  }
  return { extensions: checkExtensions(head, offer.extensions), protocol: checkProtocol(head, offer.protocols ?? []) };
}

/** What the other status asks for. §4.1 leaves redirects and authentication to the caller. */
function whatNow(head: ResponseHead): string {
  const { status, headers } = head;
  if (status === 401) return ', which asks for credentials';
  const location = header(headers, 'Location');
  if (![301, 302, 303, 307, 308].includes(status) || location === undefined) {
    const code = refusalCode(head);
    return code === undefined || code === 'REFUSED' ? '' : `, because of ${code}`;
  }
  // Whatever a server writes there, a password in a message ends up in a log.
  const place = location.replace(/^([a-z][a-z0-9+.-]*:)?\/\/[^/?#]*@/i, '$1//');
  return `, which points to ${shown(place, 200)}; redirects are not followed unless asked for`;
}

/** §4.1 check 5: nothing that was not offered, and nothing twice (§9.1). */
function checkExtensions(head: ResponseHead, offered: string | undefined): ExtensionOffer[] {
  const values = headerValues(head.headers, 'Sec-WebSocket-Extensions');
  if (values.length === 0) return [];
  let accepted: ExtensionOffer[];
  try {
    accepted = parseExtensions(values.join(', '));
  } catch (error) {
    throw new HandshakeError('BAD_EXTENSIONS', (error as Error).message, { response: head });
  }
  // With case, as whoever then looks for its extension does: what one of the two took for agreed both must.
  const names = new Set(offered === undefined ? [] : parseExtensions(offered).map(({ name }) => name));
  const seen = new Set<string>();
  for (const { name } of accepted) {
    if (!names.has(name)) {
      const message = `expected only extensions that were offered, got ${shown(name)} (§4.1 check 5)`;
      throw new HandshakeError('UNREQUESTED_EXTENSION', message, { response: head });
    }
    if (seen.has(name)) {
      const message = `expected each extension once, got ${shown(name)} twice (§9.1)`;
      throw new HandshakeError('BAD_EXTENSIONS', message, { response: head });
    }
    seen.add(name);
  }
  return accepted;
}

/** §4.1 check 6: at most one (§11.3.4), and one of the offered; subprotocols are compared with case. */
function checkProtocol(head: ResponseHead, offered: readonly string[]): string {
  const values = headerValues(head.headers, 'Sec-WebSocket-Protocol');
  const [protocol] = values;
  if (protocol === undefined) return '';
  if (values.length > 1) {
    const message = `expected at most one Sec-WebSocket-Protocol, got ${values.length} (§11.3.4)`;
    throw new HandshakeError('BAD_PROTOCOL', message, { response: head });
  }
  if (!offered.includes(protocol)) {
    const message = `expected one of the offered subprotocols, got ${shown(protocol)} (§4.1 check 6)`;
    throw new HandshakeError('UNREQUESTED_PROTOCOL', message, { response: head });
  }
  return protocol;
}
