/**
 * - `BAD_URL`: not a ws:, wss: or ws+unix: URL, or one with a fragment (RFC 6455 §3).
 * - `CANNOT_CONNECT`: no TCP or TLS connection; `cause` is Node's error with its own `code` (ECONNREFUSED, ENOTFOUND, …).
 * - `TLS_UNTRUSTED`: the server's certificate is not trusted; `cause.code` says why.
 * - `BAD_PROXY`: not the URL of an HTTP proxy (http: or https:).
 * - `PROXY_FAILED`: no connection to the proxy, or no answer of HTTP from it; `cause` says why. (One that answers no is
 *   `HandshakeError` `PROXY_REFUSED`, with its `response`.)
 * - `REDIRECT_REFUSED`: a redirect that is not followed for safety's sake, or leads to no WebSocket address; `cause` has
 *   the `response`.
 * - `TOO_MANY_REDIRECTS`: more than `maxRedirects`.
 * - `ADDRESS_IN_USE`, `CANNOT_LISTEN`: the server could not take its port; `cause` is Node's error.
 * - `NOT_OPEN`: asked to send or ping on a connection that is closing or closed.
 * - `BAD_ARGUMENT`: a close code that may not be sent (§7.4), a reason over 123 bytes, data of a wrong type.
 * - `CLOSED`: the connection closed while something was waiting for it.
 */
export type ConnectionErrorCode =
  | 'BAD_URL'
  | 'CANNOT_CONNECT'
  | 'TLS_UNTRUSTED'
  | 'BAD_PROXY'
  | 'PROXY_FAILED'
  | 'REDIRECT_REFUSED'
  | 'TOO_MANY_REDIRECTS'
  | 'ADDRESS_IN_USE'
  | 'CANNOT_LISTEN'
  | 'NOT_OPEN'
  | 'BAD_ARGUMENT'
  | 'CLOSED';

/** What went wrong above the handshake and the frames. `code` is API, the message is for people. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly code: ConnectionErrorCode;

  constructor(code: ConnectionErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
