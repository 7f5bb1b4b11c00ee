import { HandshakeError, type HandshakeErrorCode } from './errors.ts';
import { encodeResponseHead, type HeaderList, type ResponseHead } from './head.ts';
import { headerValues } from './headers.ts';

/** A program's own no, to a request that is right by itself: not logged in, not allowed, the server is full. */
export interface Refusal {
  /** 300–599. 401 needs `WWW-Authenticate` among the headers (RFC 9110 §15.5.2). */
  readonly status: number;
  /** One sentence for a person to read: the body of the answer, so nothing secret. */
  readonly message: string;
  /** Such as `WWW-Authenticate`, `Retry-After`, `Location`. Not those that frame the answer: these are ours. */
  readonly headers?: HeaderList | undefined;
}

/** RFC 9110 §15, and 428–431 of RFC 6585. */
const REASONS: Readonly<Record<number, string>> = {
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  421: 'Misdirected Request',
  426: 'Upgrade Required',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** What RFC 7231 §6.5.5 and RFC 6455 §4.4 want in an answer of this status, besides the common fields. */
const HEADERS: Readonly<Record<number, HeaderList>> = {
  405: [['Allow', 'GET']],
  426: [
    ['Upgrade', 'websocket'],
    ['Sec-WebSocket-Version', '13'],
  ],
};

/** The header of our refusals that holds the error's code: a sentence is for people, and a proxy may put a page in its place. */
const CODE_HEADER = 'WebSocket-Refusal';

/**
 * The `HandshakeError` code for which a server of this package refused, or `undefined` when the answer is another's. It says
 * what arrived there: when it is NOT_AN_UPGRADE, something on the way has taken the Upgrade that the client sent.
 */
export function refusalCode({ status, headers }: ResponseHead): string | undefined {
  const [code, ...more] = headerValues(headers, CODE_HEADER);
  return status !== 101 && more.length === 0 && /^[A-Z_]{1,40}$/.test(code ?? '') ? code : undefined;
}

/**
 * A refusal as a complete HTTP/1.1 answer that ends the connection, with one sentence for a person to read, and the
 * code of a {@link HandshakeError} in a header: see {@link refusalCode}.
 */
export function refusal(
  error: { readonly status: number | undefined; readonly message: string; readonly code?: HandshakeErrorCode },
  headers: HeaderList = [],
): { response: ResponseHead; body: string } {
  const status = error.status ?? 400;
  const body = `${error.message}\n`;
  return {
    body,
    response: {
      version: '1.1',
      status,
      reason: REASONS[status] ?? 'Refused',
      headers: [
        ...(HEADERS[status] ?? []),
        ...(error.code === undefined ? [] : [[CODE_HEADER, error.code] as const]),
        ...headers,
        // RFC 7230 §6.7: whoever sends Upgrade lists it in Connection.
        ['Connection', status === 426 ? 'close, Upgrade' : 'close'],
        ['Content-Type', 'text/plain; charset=utf-8'],
        ['X-Content-Type-Options', 'nosniff'],
        ['Content-Length', String(new TextEncoder().encode(body).length)],
      ],
    },
  };
}

const OWN_HEADERS =
  /^(?:connection|upgrade|content-length|content-type|transfer-encoding|sec-websocket-accept|websocket-refusal)$/i;

/**
 * The answer that a program's {@link Refusal} becomes.
 *
 * @throws TypeError when it is no refusal that can be sent. So a policy that by mistake gives a promise, or lets a
 *   client's text with a line break into a header, refuses too (with 500) instead of letting in.
 */
export function refusalOfProgram({ status, message, headers = [] }: Refusal): {
  error: HandshakeError;
  response: ResponseHead;
  body: string;
} {
  const wrong = (what: string) => new TypeError(`expected refuse to give ${what}`);
  if (!Number.isInteger(status) || status < 300 || status > 599) {
    throw wrong(`undefined or a refusal with a status from 300 to 599, got status ${String(status)}`);
  }
  if (typeof message !== 'string') throw wrong(`a message that is a string, got ${typeof message}`);
  for (const [name] of headers) {
    if (OWN_HEADERS.test(name)) throw wrong(`no header that the answer sets itself, got ${name}`);
  }
  if (status === 401 && headerValues(headers, 'WWW-Authenticate').length === 0) {
    throw wrong('WWW-Authenticate with status 401 (RFC 9110 §15.5.2), got none');
  }
  const error = new HandshakeError('REFUSED', message, { status });
  const answer = refusal(error, headers);
  try {
    encodeResponseHead(answer.response);
  } catch (cause) {
    throw new TypeError('expected refuse to give headers that can be sent', { cause });
  }
  return { error, ...answer };
}
