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

/** The longest token that is taken, so that one header line (8192 bytes) holds it in base64, too. */
const MAX_TOKEN_LENGTH = 4096;

/**
 * The value of `Authorization` for a bearer token (RFC 6750 §2.1).
 *
 * @throws HandshakeError BAD_CREDENTIALS: no characters, more than 4096, or others than letters, digits and `-._~+/`, with
 *   `=` at the end. The message does not show the token.
 */
export function bearerAuthorization(token: string): string {
  return `Bearer ${checkedToken(token)}`;
}

/**
 * The token itself, when it can be sent (RFC 6750 §2.1) and has `minLength` characters: 16 are what `bearerToken` wants, so
 * that it cannot be guessed.
 *
 * @throws HandshakeError BAD_CREDENTIALS whose message does not show it
 */
export function checkedToken(token: string, minLength = 1): string {
  const refused = (got: string) => {
    const grammar = 'letters, digits and -._~+/ (RFC 6750 §2.1)';
    const message = `expected a token of ${minLength} to ${MAX_TOKEN_LENGTH} ${grammar}, got ${got}`;
    return new HandshakeError('BAD_CREDENTIALS', message);
  };
  if (typeof token !== 'string') throw refused(typeof token);
  if (token.length < minLength || token.length > MAX_TOKEN_LENGTH) throw refused(String(token.length));
  // Where, and not what: it may be a password.
  const other = token.replace(/(?<=.)=+$/, '').search(/[^0-9A-Za-z._~+/-]/);
  if (other >= 0) throw refused(`another character at position ${other + 1}`);
  return token;
}

/** Bytes as the code points 0–255, which is what `btoa` takes. A URL holds nothing but ASCII here. */
function percentDecoded(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
