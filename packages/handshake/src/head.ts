import { HandshakeError, type HandshakeErrorCode, shown } from './errors.ts';
import { isToken, trimOws } from './headers.ts';

/** Header fields in the order and the case they came in; a name may come several times. */
export type HeaderList = ReadonlyArray<readonly [name: string, value: string]>;

/** A request line and its header fields (RFC 7230 §3). `version` is what follows "HTTP/", such as `1.1`. */
export interface RequestHead {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly headers: HeaderList;
}

/** A status line and its header fields (RFC 7230 §3). */
export interface ResponseHead {
  readonly version: string;
  readonly status: number;
  readonly reason: string;
  readonly headers: HeaderList;
}

/** How much of a head is accepted. Nobody has proved anything yet when a head is read, so the memory it takes is capped. */
export interface HeadLimits {
  /** Longest line in bytes, its CRLF included; default 8192. */
  readonly maxLineBytes?: number | undefined;
  /** Most header fields; default 100. */
  readonly maxHeaders?: number | undefined;
  /** Longest head in bytes, its empty line included; default 16384. */
  readonly maxHeadBytes?: number | undefined;
}

/** The defaults of {@link HeadLimits}. */
export const HEAD_LIMITS = { maxLineBytes: 8192, maxHeaders: 100, maxHeadBytes: 16_384 } as const;

interface Role<Start> {
  readonly code: 'BAD_REQUEST_LINE' | 'BAD_STATUS_LINE';
  /** What a server answers to a malformed head, and to one above a limit. A client answers nothing. */
  readonly status: 400 | undefined;
  readonly limitStatus: 431 | undefined;
  readonly skipsEmptyLine: boolean;
  readonly parseLine: (line: string) => Start;
}

/**
 * Reads a request head from the start of `bytes`. `undefined`: not complete yet, call again with more bytes.
 * `byteLength` is where whatever follows the head begins.
 *
 * Strict, because two readers who see two different requests in the same bytes is how requests are smuggled: lines end
 * in CRLF, no folding, no space before the colon, no control characters (RFC 7230 §3.2.4, §3.5). One empty line before
 * the request line is skipped (§3.5). The verdict does not depend on how the bytes were cut on their way.
 *
 * @throws HandshakeError BAD_REQUEST_LINE, BAD_HEADER (status 400), LINE_TOO_LONG, TOO_MANY_HEADERS, HEAD_TOO_LARGE (431)
 */
export function parseRequestHead(
  bytes: Uint8Array,
  limits: HeadLimits = {},
): { head: RequestHead; byteLength: number } | undefined {
  return parseRequestText(latin1(bytes, limits), limits);
}

/** {@link parseRequestHead} of bytes that are text already, as their code points 0–255. */
export function parseRequestText(
  text: string,
  limits: HeadLimits = {},
): { head: RequestHead; byteLength: number } | undefined {
  const parsed = parseHead(text, limits, REQUEST);
  if (parsed === undefined) return undefined;
  const { method, target, version } = parsed.start;
  return { head: { method, target, version, headers: parsed.headers }, byteLength: parsed.byteLength };
}

/**
 * Reads a response head from the start of `bytes`, as {@link parseRequestHead} reads a request's.
 *
 * @throws HandshakeError BAD_STATUS_LINE, BAD_HEADER, LINE_TOO_LONG, TOO_MANY_HEADERS, HEAD_TOO_LARGE
 */
export function parseResponseHead(
  bytes: Uint8Array,
  limits: HeadLimits = {},
): { head: ResponseHead; byteLength: number } | undefined {
  const parsed = parseHead(latin1(bytes, limits), limits, RESPONSE);
  return parsed && { head: { ...parsed.start, headers: parsed.headers }, byteLength: parsed.byteLength };
}

/**
 * The bytes of a request head. Nothing that would change its structure gets in: no CR, LF, NUL or other control.
 *
 * @throws HandshakeError BAD_REQUEST_LINE, BAD_HEADER
 */
export function encodeRequestHead(head: RequestHead): Uint8Array<ArrayBuffer> {
  const line = `${head.method} ${head.target} HTTP/${head.version}`;
  parseRequestLine(line);
  return bytesOf(textOf(line, head.headers));
}

/**
 * The bytes of a response head.
 *
 * @throws HandshakeError BAD_STATUS_LINE, BAD_HEADER
 */
export function encodeResponseHead(head: ResponseHead): Uint8Array<ArrayBuffer> {
  return bytesOf(responseText(head));
}

/** {@link encodeResponseHead} as text, each code point one byte. */
export function responseText(head: ResponseHead): string {
  const line = `HTTP/${head.version} ${head.status} ${head.reason}`;
  parseStatusLine(line);
  return textOf(line, head.headers);
}

const REQUEST_LINE = /^([^ ]+) ([\x21\x22\x24-\x7e]+) HTTP\/([0-9]\.[0-9])$/;
const STATUS_LINE = /^HTTP\/([0-9]\.[0-9]) ([1-9][0-9][0-9])(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const CR = 0x0d;

function parseRequestLine(line: string): Omit<RequestHead, 'headers'> {
  const [, method, target, version] = REQUEST_LINE.exec(line) ?? [];
  if (method === undefined || target === undefined || version === undefined || !isToken(method)) {
    const message = `expected a request line such as "GET /path HTTP/1.1", got ${shown(line)} (RFC 7230 §3.1.1)`;
    throw new HandshakeError('BAD_REQUEST_LINE', message, { status: 400 });
  }
  return { method, target, version };
}

function parseStatusLine(line: string): Omit<ResponseHead, 'headers'> {
  const [, version, status, reason = ''] = STATUS_LINE.exec(line) ?? [];
  if (version === undefined || status === undefined) {
    const message = `expected a status line such as "HTTP/1.1 101 Switching Protocols", got ${shown(line)} (RFC 7230 §3.1.2)`;
    throw new HandshakeError('BAD_STATUS_LINE', message);
  }
  return { version, status: Number(status), reason };
}

const REQUEST: Role<Omit<RequestHead, 'headers'>> = {
  code: 'BAD_REQUEST_LINE',
  status: 400,
  limitStatus: 431,
  skipsEmptyLine: true,
  parseLine: parseRequestLine,
};

const RESPONSE: Role<Omit<ResponseHead, 'headers'>> = {
  code: 'BAD_STATUS_LINE',
  status: undefined,
  limitStatus: undefined,
  skipsEmptyLine: false,
  parseLine: parseStatusLine,
};

/**
 * One pass, line by line. Every verdict belongs to a byte position (the LF that ends a line, or the first byte beyond a
 * limit) and the first position wins, so a longer input never changes what a shorter one was told.
 */
function parseHead<Start>(
  text: string,
  limits: HeadLimits,
  role: Role<Start>,
): { start: Start; headers: HeaderList; byteLength: number } | undefined {
  const maxLineBytes = limits.maxLineBytes ?? HEAD_LIMITS.maxLineBytes;
  const maxHeaders = limits.maxHeaders ?? HEAD_LIMITS.maxHeaders;
  const maxHeadBytes = limits.maxHeadBytes ?? HEAD_LIMITS.maxHeadBytes;

  let start: Start | undefined;
  const headers: [string, string][] = [];
  for (let at = 0, lines = 0; ; lines++) {
    const lf = text.indexOf('\n', at);
    const next = lf < 0 ? text.length : lf + 1;
    const lineLimit = at + maxLineBytes;
    if (next > Math.min(lineLimit, maxHeadBytes)) {
      throw lineLimit <= maxHeadBytes
        ? tooMuch(role, 'LINE_TOO_LONG', `lines of at most ${maxLineBytes} bytes, got a longer one`)
        : tooMuch(role, 'HEAD_TOO_LARGE', `at most ${maxHeadBytes} bytes, got more`);
    }
    if (lf < 0) return undefined;
    const end = lf - 1;
    if (end < at || text.charCodeAt(end) !== CR) {
      const message = 'expected lines that end in CRLF, got a line feed alone (RFC 7230 §3.5)';
      throw new HandshakeError(start ? 'BAD_HEADER' : role.code, message, { status: role.status });
    }
    if (start === undefined) {
      if (end > at || !role.skipsEmptyLine || lines > 0) start = role.parseLine(text.slice(at, end));
    } else if (end === at) {
      return { start, headers, byteLength: next };
    } else {
      if (headers.length === maxHeaders) {
        throw tooMuch(role, 'TOO_MANY_HEADERS', `at most ${maxHeaders} header fields, got more`);
      }
      headers.push(parseField(text.slice(at, end), role.status));
    }
    at = next;
  }
}

function tooMuch(role: Role<unknown>, code: HandshakeErrorCode, what: string): HandshakeError {
  return new HandshakeError(code, `expected a head with ${what}`, { status: role.limitStatus });
}

/** One header field (RFC 7230 §3.2). A line that begins with white space would be obs-fold, which is not a token. */
function parseField(line: string, status: number | undefined): [string, string] {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(colon, 0));
  if (!isToken(name)) {
    const message = `expected a header field such as "Name: value", got ${shown(line)} (RFC 7230 §3.2)`;
    throw new HandshakeError('BAD_HEADER', message, { status });
  }
  const value = trimOws(line, colon + 1);
  if (!VALUE.test(value)) {
    const message = `expected no control characters in header ${name}, got ${shown(value)} (RFC 7230 §3.2)`;
    throw new HandshakeError('BAD_HEADER', message, { status });
  }
  return [name, value];
}

function textOf(line: string, headers: HeaderList): string {
  let text = `${line}\r\n`;
  for (const [name, value] of headers) {
    if (!isToken(name)) throw new HandshakeError('BAD_HEADER', `expected a token as header name, got ${shown(name)}`);
    if (!VALUE.test(value)) {
      // The value is ours, perhaps a password: which character it is says enough.
      const wrong = [...value].find((char) => !VALUE.test(char))!.codePointAt(0)!;
      const got = `U+${wrong.toString(16).toUpperCase().padStart(4, '0')}`;
      const message = `expected no control characters and nothing beyond Latin-1 in header ${name}, got ${got}`;
      throw new HandshakeError('BAD_HEADER', message);
    }
    text += `${name}: ${value}\r\n`;
  }
  return `${text}\r\n`;
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/**
 * Bytes as the code points 0–255, as many as matter: one above the limit tells that it is exceeded. (A TextDecoder's
 * "latin1" is windows-1252 and would not give them back.)
 */
function latin1(bytes: Uint8Array, { maxHeadBytes = HEAD_LIMITS.maxHeadBytes }: HeadLimits): string {
  const end = Math.min(bytes.length, maxHeadBytes + 1);
  let text = '';
  for (let at = 0; at < end; at += 4096) {
    text += String.fromCharCode.apply(null, bytes.subarray(at, Math.min(end, at + 4096)) as unknown as number[]);
  }
  return text;
}
