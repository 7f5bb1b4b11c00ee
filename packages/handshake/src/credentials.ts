import { HandshakeError } from './errors.ts';

/**
 * The value of `Authorization` (or `Proxy-Authorization`) for the user information of `url`, or `undefined` when it has
 * none: `Basic` and base64 of `name:password` in UTF-8 (RFC 7617 §2, §2.1).
 *
 * In the URL both parts are percent-encoded. Every `%XX` becomes the byte it stands for, so `p%40ss` is the password
 * "p@ss" and `%C3%A4` is "ä"; a percent sign without two hexadecimal digits stays one. Only the first colon parts the
 * two, so a password may hold colons, also bare ones; a name may not.
 *
 * @throws HandshakeError BAD_CREDENTIALS: a colon (`%3A`) in the name, or a control character. The message shows neither.
 */
export function basicAuthorization(url: URL): string | undefined {
  if (url.username === '' && url.password === '') return undefined;
  const name = percentDecoded(url.username);
  const password = percentDecoded(url.password);
  if (name.includes(':')) {
    throw new HandshakeError('BAD_CREDENTIALS', 'expected a user name without a colon in the URL (RFC 7617 §2)');
  }
  const pair = `${name}:${password}`;
  if (/[\x00-\x1f\x7f]/.test(pair)) {
    const message = 'expected a user name and a password without control characters in the URL (RFC 7617 §2)';
    throw new HandshakeError('BAD_CREDENTIALS', message);
  }
  return `Basic ${btoa(pair)}`;
}

/** Bytes as the code points 0–255, which is what `btoa` takes. A URL holds nothing but ASCII here. */
function percentDecoded(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
