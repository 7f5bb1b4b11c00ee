import {
  acceptKey,
  answerRequest,
  checkResponse,
  createRequest,
  encodeRequestHead,
  encodeResponseHead,
  type HeaderList,
  type HeadLimits,
  parseRequestHead,
  parseResponseHead,
} from '@wsferry/handshake';
import { join } from '../bytes.ts';
import { requestCode, responseCode } from '../documented.ts';
import type { Random } from '../random.ts';
import { invariant, type Target } from '../target.ts';

export const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const PROTOCOLS = ['wsferry.v1', 'chat', 'superchat'];
const EXTENSIONS = [
  'permessage-deflate',
  'permessage-deflate; client_max_window_bits; server_max_window_bits=10',
  'x-one; a="b"; c, permessage-deflate;server_no_context_takeover',
];
const POLICY = {
  path: '/chat',
  protocols: PROTOCOLS,
  negotiateExtensions: (offers: readonly { name: string }[]) => offers.find(({ name }) => name.startsWith('p'))?.name,
};

function moreHeaders(random: Random): HeaderList {
  return Array.from({ length: random.length(6) }, () => [
    random.pick(['Cookie', 'Accept', 'User-Agent', 'X-Forwarded-For', 'Pragma']),
    random.pick(['', 'no-cache', 'a=b; c=d', '*/*', 'caf\xe9', '127.0.0.1, ::1', 'x'.repeat(random.below(80))]),
  ]);
}

export function validRequest(random: Random): Uint8Array<ArrayBuffer> {
  const head = createRequest({
    url: new URL(random.pick(['ws://example.com/chat', 'ws://[::1]:8080/chat?a=b', 'wss://127.0.0.1:1/elsewhere'])),
    key,
    ...(random.once(2) ? { protocols: PROTOCOLS.slice(random.below(3)) } : {}),
    ...(random.once(2) ? { extensions: random.pick(EXTENSIONS) } : {}),
    headers: [
      ...(random.once(3)
        ? [['Origin', random.pick(['http://example.com', 'https://evil.example', 'null'])] as const]
        : []),
      ...moreHeaders(random),
    ],
  });
  return join(encodeRequestHead(head), random.bytes(random.length(20)));
}

export function validResponse(random: Random, accept: string = acceptKey(key)): Uint8Array<ArrayBuffer> {
  const status = random.once(4) ? random.pick([200, 301, 401, 404, 426, 503]) : 101;
  const head = encodeResponseHead({
    version: '1.1',
    status,
    reason: random.pick(['Switching Protocols', '', 'Gr\xfc\xdfe']),
    headers: [
      ['Upgrade', random.pick(['websocket', 'WebSocket'])],
      ['Connection', random.pick(['Upgrade', 'keep-alive, upgrade'])],
      ['Sec-WebSocket-Accept', accept],
      ...(random.once(2) ? [['Sec-WebSocket-Protocol', random.pick(PROTOCOLS)] as const] : []),
      ...(random.once(2) ? [['Sec-WebSocket-Extensions', random.pick(EXTENSIONS)] as const] : []),
      ...moreHeaders(random),
    ],
  });
  return join(head, random.bytes(random.length(20)));
}

/** Tight limits in half of the inputs, so that short inputs reach them too. */
function limitsOf(option: number): HeadLimits {
  if (option < 128) return {};
  return { maxLineBytes: 60 + (option & 31), maxHeaders: 4 + (option & 7), maxHeadBytes: 250 + (option & 63) * 4 };
}

/** Reads a head as it grows. What one length was told, a longer one must be told again: the runner compares the cuts. */
function grow<Parsed extends { byteLength: number }>(
  pieces: readonly Uint8Array[],
  parse: (bytes: Uint8Array) => Parsed | undefined,
  judge: (parsed: Parsed) => string,
  code: (error: unknown) => string,
): string {
  let bytes = new Uint8Array(0);
  try {
    for (const piece of pieces) {
      bytes = join(bytes, piece);
      const parsed = parse(bytes);
      if (parsed === undefined) continue;
      invariant(parsed.byteLength > 0 && parsed.byteLength <= bytes.length, 'expected a head within the bytes');
      return `${parsed.byteLength} ${judge(parsed)}`;
    }
    return 'incomplete';
  } catch (error) {
    return code(error);
  }
}

export const requestHead: Target = {
  name: 'request-head',
  title: 'parseRequestHead, then answerRequest',
  share: 8,
  valid: validRequest,
  play(pieces, option) {
    const limits = limitsOf(option);
    return grow(
      pieces,
      (bytes) => parseRequestHead(bytes, limits),
      ({ head }) => {
        // What was read can be written, and reads the same.
        const again = parseRequestHead(encodeRequestHead(head), {
          maxHeadBytes: 1e6,
          maxLineBytes: 1e6,
          maxHeaders: 1e6,
        });
        invariant(JSON.stringify(again?.head) === JSON.stringify(head), 'expected the head to survive writing');
        const verdict = answerRequest(head, POLICY);
        encodeResponseHead(verdict.response);
        if (verdict.ok) return `101 ${JSON.stringify(verdict.accepted)}`;
        invariant(verdict.response.status === (verdict.error.status ?? 400), 'expected the status of the error');
        return `${verdict.response.status} ${requestCode(verdict.error)}`;
      },
      requestCode,
    );
  },
};

export const responseHead: Target = {
  name: 'response-head',
  title: 'parseResponseHead, then checkResponse',
  share: 8,
  valid: (random) => validResponse(random),
  play(pieces, option) {
    const limits = limitsOf(option);
    return grow(
      pieces,
      (bytes) => parseResponseHead(bytes, limits),
      ({ head }) => {
        try {
          const accepted = checkResponse(head, { key, protocols: PROTOCOLS, extensions: EXTENSIONS[2] });
          return JSON.stringify(accepted);
        } catch (error) {
          return `${head.status} ${responseCode(error)}`;
        }
      },
      responseCode,
    );
  },
};
