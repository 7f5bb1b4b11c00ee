/**
 * Which pages may connect: all, the listed origins (such as `https://example.com`), or `'same-origin'`, which may stand in a
 * list, too: those of this very host, when it is one that nobody can point elsewhere: an IP address, `localhost` or
 * `*.localhost`. Pages under another name must be listed, because a name that its owner can repoint to this machine (DNS
 * rebinding) proves nothing.
 */
export type AllowedOrigins = 'same-origin' | 'any' | readonly string[];

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
