import type { ResponseHead } from './head.ts';

/** Why a handshake failed. Stable API: compare these, never messages. */
export type HandshakeErrorCode =
  | 'BAD_REQUEST_LINE'
  | 'BAD_STATUS_LINE'
  | 'BAD_HEADER'
  | 'LINE_TOO_LONG'
  | 'TOO_MANY_HEADERS'
  | 'HEAD_TOO_LARGE'
  | 'BAD_METHOD'
  | 'BAD_HTTP_VERSION'
  | 'NOT_AN_UPGRADE'
  | 'BAD_HOST'
  | 'BAD_KEY'
  | 'BAD_VERSION'
  | 'BAD_PROTOCOL'
  | 'BAD_EXTENSIONS'
  | 'ORIGIN_REFUSED'
  | 'NOT_FOUND'
  | 'BODY_NOT_ALLOWED'
  | 'REFUSED'
  | 'TIMEOUT'
  | 'UNEXPECTED_STATUS'
  | 'BAD_CREDENTIALS'
  | 'PROXY_REFUSED'
  | 'BAD_UPGRADE'
  | 'BAD_CONNECTION'
  | 'BAD_ACCEPT'
  | 'UNREQUESTED_PROTOCOL'
  | 'UNREQUESTED_EXTENSION'
  | 'CONNECTION_LOST'
  | 'ABORTED';

/** What a {@link HandshakeError} may carry besides its code and message. */
export interface HandshakeErrorDetails {
  readonly status?: number | undefined;
  readonly response?: ResponseHead | undefined;
  readonly cause?: unknown;
}

/** The one error of this package. Its message says what was expected and what came. */
export class HandshakeError extends Error {
  override readonly name = 'HandshakeError';
  readonly code: HandshakeErrorCode;
  /** At a server: the HTTP status to answer. At a client: the status that came, with UNEXPECTED_STATUS and PROXY_REFUSED. */
  readonly status: number | undefined;
  /** At a client: the response that was refused, when one came. */
  readonly response: ResponseHead | undefined;
  /** At a server, of a request whose head was read: its client's address, see `clientAddress`. */
  remoteAddress: string | undefined;

  constructor(code: HandshakeErrorCode, message: string, details: HandshakeErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.status = details.status;
    this.response = details.response;
  }
}

/** A peer's text, safe and short enough for a message: printable ASCII in quotes. */
export function shown(text: string, maxLength = 60): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  return `"${cut.replace(/[^\x20-\x7e…]/g, '?')}"`;
}
