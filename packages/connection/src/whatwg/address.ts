import { isToken } from '@wsferry/handshake';

/** What stands for a browser's settings object: a page's address, where there is one (https://html.spec.whatwg.org/#api-base-url). */
export interface Environment {
  readonly baseUrl: string | undefined;
  /** Serialised, for the Origin header of Fetch. */
  readonly origin: string | undefined;
}

/** From `globalThis.location`. Node has none; page-like environments for tests do, and the standard's steps use it. */
export function currentEnvironment(): Environment {
  const { location } = globalThis as { location?: { href?: unknown; origin?: unknown } };
  return {
    baseUrl: typeof location?.href === 'string' ? location.href : undefined,
    origin: typeof location?.origin === 'string' ? location.origin : undefined,
  };
}

/**
 * https://websockets.spec.whatwg.org/#get-a-url-record. http: and https: are taken for ws: and wss:.
 *
 * @throws DOMException SyntaxError: no URL, another scheme, or a fragment, even an empty one
 */
export function parseAddress(address: string, baseUrl: string | undefined): URL {
  let url: URL;
  try {
    url = new URL(address, baseUrl);
  } catch {
    throw new DOMException(`expected a URL, got ${JSON.stringify(address)}`, 'SyntaxError');
  }
  if (url.protocol === 'http:') url.protocol = 'ws:';
  if (url.protocol === 'https:') url.protocol = 'wss:';
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') {
    throw new DOMException(`expected a ws:, wss:, http: or https: URL, got one with ${url.protocol}`, 'SyntaxError');
  }
  // `hash` is empty for an empty fragment as for none; in what is serialised, "#" can only start a fragment.
  if (url.href.includes('#')) throw new DOMException('expected a URL without a fragment', 'SyntaxError');
  return url;
}

/**
 * RFC 6455 §4.1 requirement 10: tokens, each once. They count as the same in any case, as the web-platform-tests have it.
 *
 * @throws DOMException SyntaxError
 */
export function assertProtocols(protocols: readonly string[]): void {
  const seen = new Set<string>();
  for (const protocol of protocols) {
    if (!isToken(protocol)) {
      throw new DOMException(`expected subprotocols that are tokens, got ${JSON.stringify(protocol)}`, 'SyntaxError');
    }
    const key = protocol.toLowerCase();
    if (seen.has(key)) throw new DOMException(`expected each subprotocol once, got ${protocol} twice`, 'SyntaxError');
    seen.add(key);
  }
}

/** https://fetch.spec.whatwg.org/#port-blocking: a page must not talk to these, whatever they are running. */
export function isBlockedPort(url: URL): boolean {
  return url.port !== '' && BAD_PORTS.has(Number(url.port));
}

const BAD_PORTS = new Set([
  0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110,
  111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532,
  540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061,
  6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
]);
