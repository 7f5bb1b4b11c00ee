import { shown } from './errors.ts';

/**
 * Which pages may connect: all, the listed origins (such as `https://example.com`), or `'same-origin'`, which may stand in a
 * list, too: those of this very host, when it is one that nobody can point elsewhere: an IP address, `localhost` or
 * `*.localhost`. Pages under another name must be listed, because a name that its owner can repoint to this machine (DNS
 * rebinding) proves nothing.
 */
export type AllowedOrigins = 'same-origin' | 'any' | readonly string[];

/**
 * Judges a server's `origins` at its start. An entry that no page's Origin is equal to would keep out the very pages it
 * was written for, and a text instead of a list would be asked for its letters.
 *
 * @throws TypeError whose message has the right spelling
 */
export function checkedOrigins(origins: unknown): AllowedOrigins {
  if (origins === 'any' || origins === 'same-origin') return origins;
  if (!Array.isArray(origins)) {
    const got = typeof origins === 'string' ? shown(origins) : typeof origins;
    const rather = typeof origins === 'string' ? rightSpelling(origins) : undefined;
    const hint = rather === undefined ? '' : `: write ${rather === 'any' ? "'any'" : `['${rather}']`}`;
    throw new TypeError(`expected origins to be 'same-origin', 'any' or a list of origins, got ${got}${hint}`);
  }
  for (const one of origins as readonly unknown[]) {
    if (typeof one === 'string' && (one === 'same-origin' || canMatch(one))) continue;
    const got = typeof one === 'string' ? shown(one) : typeof one;
    const rather = typeof one === 'string' ? rightSpelling(one) : undefined;
    const hint = rather === undefined ? '' : `: write ${rather === 'any' ? "origins: 'any'" : `'${rather}'`}`;
    throw new TypeError(`expected origins to hold origins such as 'https://files.example', got ${got}${hint}`);
  }
  return origins as readonly string[];
}

/** Whether any page's Origin could be this one: scheme, host and port alone. Wildcards are none, and pages have no ws:. */
function canMatch(text: string): boolean {
  return normalOrigin(text) !== undefined && !/[\s*]/.test(text) && !/^wss?:/i.test(text);
}

/** What was probably meant. */
function rightSpelling(text: string): string | undefined {
  if (text === '*' || text === 'any') return 'any';
  if (text === 'null') return text;
  const url = parseUrl(/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(text) ? text : `https://${text}`);
  if (url === undefined || url.host === '') return undefined;
  const rather = `${url.protocol.replace(/^ws/, 'http')}//${url.host}`;
  return canMatch(rather) ? rather : undefined;
}

/**
 * Whether a page of `origin` may connect to `host` (RFC 6455 §10.2). A request without Origin is not from a page, so it
 * passes: the check protects a browser's user from other people's pages, not the server from programs.
 */
export function isOriginAllowed(origins: readonly string[], host: string, allowed: AllowedOrigins): boolean {
  if (allowed === 'any' || origins.length === 0) return true;
  const [origin] = origins;
  if (origin === undefined || origins.length > 1) return false;
  const normal = normalOrigin(origin);
  if (normal === undefined) return false;
  if (allowed === 'same-origin') return isSameOrigin(origin, host);
  return allowed.some((one) => (one === 'same-origin' ? isSameOrigin(origin, host) : normalOrigin(one) === normal));
}

function isSameOrigin(origin: string, host: string): boolean {
  const page = parseUrl(origin);
  if (page === undefined || !/^https?:$/.test(page.protocol)) return false;
  // Through URL with the page's scheme, so that "127.0.0.1" and "127.0.0.1:443" are the same place for https.
  const here = parseUrl(`${page.protocol}//${host}`);
  return here !== undefined && page.host === here.host && isFixedHost(host);
}

/**
 * Whether a Host header means the same machine whoever owns which name: an IP address, or localhost, which browsers do not
 * ask a name server for (RFC 6761 §6.3). For servers that serve pages beside the WebSocket: those need the same check.
 */
export function isFixedHost(host: string): boolean {
  const name = parseUrl(`http://${host}`)?.hostname;
  return name !== undefined && /^(?:\[.*\]|\d+\.\d+\.\d+\.\d+|(?:[^.]+\.)*localhost)$/.test(name);
}

/** An origin as RFC 6454 §6.2 writes it, in lower case; `undefined` when the text is more or less than an origin. */
function normalOrigin(text: string): string | undefined {
  if (text === 'null') return text;
  const url = parseUrl(text);
  if (url === undefined || !/^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#@\\]+$/.test(text)) return undefined;
  return `${url.protocol}//${url.host}`.toLowerCase();
}

function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
