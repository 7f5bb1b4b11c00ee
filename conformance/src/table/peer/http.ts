import { createHash } from 'node:crypto';

// Heads of the opening handshake, by the letter of RFC 6455 §4 and RFC 7230 §3.

/** The key of RFC 6455 §1.3. Its answer is `acceptOf(sampleKey)`, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in the RFC. */
export const sampleKey = 'dGhlIHNhbXBsZSBub25jZQ==';

/** §4.2.2 item 5.4. */
export function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

/** What differs from a good head: a header's new value, several values, or `undefined` to leave it out. */
export type HeaderChanges = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A good request, but for what `line` and `change` say. `more` goes behind the fields as raw lines. */
export function requestText({
  line = 'GET / HTTP/1.1',
  change = {},
  more = '',
}: {
  line?: string;
  change?: HeaderChanges;
  more?: string;
} = {}): string {
  const fields = {
    Host: '127.0.0.1',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': sampleKey,
    'Sec-WebSocket-Version': '13',
    ...change,
  };
  return `${line}\r\n${fieldLines(fields)}${more}\r\n`;
}

/** A good answer to a request with `key`, but for what the changes say. */
export function answerText(
  key: string,
  {
    line = 'HTTP/1.1 101 Switching Protocols',
    change = {},
    more = '',
  }: { line?: string; change?: HeaderChanges; more?: string } = {},
): string {
  const fields = { Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Accept': acceptOf(key), ...change };
  return `${line}\r\n${fieldLines(fields)}${more}\r\n`;
}

function fieldLines(fields: HeaderChanges): string {
  let text = '';
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    for (const one of typeof value === 'string' ? [value] : value) text += `${name}: ${one}\r\n`;
  }
  return text;
}

export interface HeardHead {
  readonly line: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
}

/** Reads a head from the start of `bytes`; `undefined` when it is not whole. */
export function readHead(bytes: Buffer): { head: HeardHead; rest: Buffer } | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [line = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const fields = lines.map((field) => {
    const colon = field.indexOf(':');
    return [field.slice(0, colon), field.slice(colon + 1).trim()] as const;
  });
  return { head: { line, fields }, rest: bytes.subarray(end + 4) };
}

/** Every value of a header. */
export function valuesOf(head: HeardHead, name: string): string[] {
  return head.fields.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
}
