import type { HandshakeError } from './errors.ts';
import type { HeaderList, ResponseHead } from './head.ts';

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  426: 'Upgrade Required',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
};

/** What RFC 7231 §6.5.5 and RFC 6455 §4.4 want in an answer of this status, besides the common fields. */
const HEADERS: Readonly<Record<number, HeaderList>> = {
  405: [['Allow', 'GET']],
  426: [
    ['Upgrade', 'websocket'],
    ['Sec-WebSocket-Version', '13'],
  ],
};

/** A refusal as a complete HTTP/1.1 answer that ends the connection, with one sentence for a person to read. */
export function refusal(error: Pick<HandshakeError, 'status' | 'message'>): { response: ResponseHead; body: string } {
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
        // RFC 7230 §6.7: whoever sends Upgrade lists it in Connection.
        ['Connection', status === 426 ? 'close, Upgrade' : 'close'],
        ['Content-Type', 'text/plain; charset=utf-8'],
        ['X-Content-Type-Options', 'nosniff'],
        ['Content-Length', String(new TextEncoder().encode(body).length)],
      ],
    },
  };
}
