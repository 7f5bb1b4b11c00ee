import {
  encodeClosePayload,
  encodeFrame,
  FrameDecoder,
  Opcode,
  parseClosePayload,
  Utf8Validator,
} from '@wsferry/frames';
import { parseExtensions } from '@wsferry/handshake';
import { fromLatin1, join, latin1, utf8 } from '../bytes.ts';
import { frameCode, requestCode } from '../documented.ts';
import { invariant, type Target } from '../target.ts';

/** A header's value is always whole; the cuts are tried on the heads. Here the contract is the value's alone. */
export const extensions: Target = {
  name: 'extensions',
  title: 'parseExtensions',
  share: 8,
  valid(random) {
    const element = () => {
      const params = Array.from({ length: random.length(4) }, () => {
        const name = random.pick(['client_max_window_bits', 'server_no_context_takeover', 'a', 'x-y']);
        return `${random.pick(['; ', ';', ' ;\t'])}${name}${random.pick(['', '=10', '="10"', '="1\\0"', ' = 15'])}`;
      });
      return `${random.pick(['permessage-deflate', 'x', 'permessage-bzip2'])}${params.join('')}`;
    };
    const count = random.once(50) ? 300 : 1 + random.length(5);
    return latin1(Array.from({ length: count }, element).join(random.pick([', ', ',', ',, ', ' ,\t'])));
  },
  play(pieces) {
    try {
      const offers = parseExtensions(fromLatin1(join(...pieces)));
      const written = offers
        .map(({ name, params }) => [name, ...params.map(([k, v]) => (v === true ? k : `${k}=${v}`))].join('; '))
        .join(', ');
      const verdict = JSON.stringify(offers);
      invariant(JSON.stringify(parseExtensions(written)) === verdict, 'expected the value to survive writing');
      return verdict;
    } catch (error) {
      return requestCode(error);
    }
  },
};

/** §7.4 and IANA's registry, by the letter and a second time. */
function mayBeReceived(code: number): boolean {
  const registered = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];
  return registered.includes(code) || (code >= 3000 && code <= 4999);
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function closeModel(payload: Uint8Array): string {
  if (payload.length === 0) return '1005 ""';
  const code = payload.length === 1 ? 0 : payload[0]! * 256 + payload[1]!;
  if (!mayBeReceived(code)) return 'INVALID_CLOSE';
  try {
    return `${code} ${JSON.stringify(strict.decode(payload.subarray(2)))}`;
  } catch {
    return 'INVALID_UTF8';
  }
}

export const closePayload: Target = {
  name: 'close-payload',
  title: 'parseClosePayload, against a model and inside a frame in these pieces',
  share: 8,
  valid(random) {
    const code = random.pick([1000, 1001, 1002, 1003, 1007, 1009, 1011, 1014, 3000, 3999, 4000, 4999]);
    return encodeClosePayload({ code, reason: random.pick(['', 'bye', 'grüße 😀', 'x'.repeat(random.below(124))]) });
  },
  play(pieces) {
    const payload = join(...pieces).slice(0, 125);
    const decoder = new FrameDecoder({ role: 'client' });
    decoder.push(encodeFrame({ fin: true, opcode: Opcode.Close, payload }).subarray(0, 2));
    let left = payload.length;
    for (const piece of pieces) {
      decoder.push(piece.subarray(0, left));
      left -= Math.min(left, piece.length);
    }
    let verdict: string;
    try {
      const { code, reason } = parseClosePayload(decoder.next()!.payload);
      if (code !== 1005) encodeClosePayload({ code, reason });
      verdict = `${code} ${JSON.stringify(reason)}`;
    } catch (error) {
      verdict = frameCode(error);
    }
    const model = closeModel(payload);
    invariant(verdict === model, `expected ${model}, got ${verdict}`);
    return verdict;
  },
};

/** Whether bytes may be the beginning of UTF-8, and are all of it, as the platform's own decoder sees it. */
function utf8Model(pieces: readonly Uint8Array[]): string {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  for (const [index, piece] of pieces.entries()) {
    try {
      decoder.decode(piece, { stream: true });
    } catch {
      return `wrong in piece ${index}`;
    }
  }
  try {
    decoder.decode();
    return 'complete';
  } catch {
    return 'incomplete';
  }
}

export const utf8Validator: Target = {
  name: 'utf8',
  title: 'Utf8Validator, against TextDecoder piece by piece',
  share: 12,
  valid(random) {
    let text = random.once(4) ? 'a'.repeat(random.below(64)) : '';
    for (let left = random.length(60); left > 0; left--) {
      const top = random.pick([0x7f, 0x7ff, 0xffff, 0x10ffff]);
      const point = random.once(3) ? random.pick([0xfeff, 0xd7ff, 0xe000, 0xffff, 0x10ffff, 0]) : random.below(top + 1);
      text += String.fromCodePoint(point >= 0xd800 && point <= 0xdfff ? 0x20 : point);
    }
    return utf8(text);
  },
  play(pieces) {
    const validator = new Utf8Validator();
    const wrong = pieces.findIndex((piece) => !validator.write(piece));
    const verdict = wrong >= 0 ? `wrong in piece ${wrong}` : validator.complete ? 'complete' : 'incomplete';
    const model = utf8Model(pieces);
    invariant(verdict === model, `expected ${model}, got ${verdict}`);
    return wrong >= 0 ? 'wrong' : verdict;
  },
};
