/** Which pages may connect: those of this very host, all, or the listed origins (such as `https://example.com`). */
export type AllowedOrigins = 'same-origin' | 'any' | readonly string[];

/**
 * Whether a page of `origin` may connect to `host` (RFC 6455 §10.2). A request without Origin is not from a page, so it
 * passes: the check protects a browser's user from other people's pages, not the server from programs.
 */
export function isOriginAllowed(origins: readonly string[], host: string, allowed: AllowedOrigins): boolean {
  if (allowed === 'any' || origins.length === 0) return true;
  const [origin] = origins;
  if (origin === undefined || origins.length > 1) return false;
  if (allowed !== 'same-origin') {
    const normal = normalOrigin(origin);
    return normal !== undefined && allowed.some((one) => normalOrigin(one) === normal);
  }
  if (normalOrigin(origin) === undefined) return false;
  const page = parseUrl(origin);
  if (page === undefined || !/^https?:$/.test(page.protocol)) return false;
  // Through URL with the page's scheme, so that "example.com" and "example.com:443" are the same place for https.
  return page.host === parseUrl(`${page.protocol}//${host}`)?.host;
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
