import { ConnectionProtocol } from '@wsferry/connection';
import { encodeFrame, Opcode, type Role } from '@wsferry/frames';
import {
  acceptDeflate,
  answerDeflate,
  DeflateNegotiationError,
  type DeflateParameters,
  MessageDeflater,
  MessageInflater,
  offerDeflate,
} from '@wsferry/frames/deflate';
import { parseExtensions } from '@wsferry/handshake';
import { fingerprint, fromLatin1, join, latin1, utf8 } from '../bytes.ts';
import { frameCode, requestCode } from '../documented.ts';
import type { Random } from '../random.ts';
import { documented, invariant, type Target } from '../target.ts';
import { roleOf } from './frames.ts';

const ANSWER_CODES = [
  'OTHER_EXTENSION',
  'UNKNOWN_PARAMETER',
  'REPEATED_PARAMETER',
  'INVALID_VALUE',
  'UNOFFERED_PARAMETER',
  'UNMET_TAKEOVER',
  'UNMET_SERVER_WINDOW',
  'UNMET_CLIENT_WINDOW',
];

/** Options: bit 0, whether it is read as an offer or as an answer; bits 1 and 2, what we want. */
export const deflateNegotiation: Target = {
  name: 'deflate-offer',
  title: 'answerDeflate and acceptDeflate, of any extensions value',
  share: 4,
  valid(random) {
    const parameter = () =>
      random.pick([
        'server_no_context_takeover',
        'client_no_context_takeover',
        `server_max_window_bits=${7 + random.below(10)}`,
        `client_max_window_bits=${7 + random.below(10)}`,
        'client_max_window_bits',
        'client_max_window_bits="015"',
        'x',
      ]);
    const element = () => ['permessage-deflate', ...Array.from({ length: random.length(4) }, parameter)].join('; ');
    return latin1(Array.from({ length: 1 + random.length(3) }, element).join(', '));
  },
  play(pieces, option) {
    let elements: ReturnType<typeof parseExtensions>;
    try {
      elements = parseExtensions(fromLatin1(join(...pieces)));
    } catch (error) {
      return requestCode(error);
    }
    const wanted = {
      ...(option & 2 ? { serverMaxWindowBits: 10 } : {}),
      ...(option & 4 ? { clientMaxWindowBits: 9 } : {}),
    };
    if ((option & 1) === 0) {
      const answer = answerDeflate(elements, wanted);
      if (answer === undefined) return 'declined';
      invariant(parseExtensions(answer.header).length === 1, 'expected one extension in the answer');
      return JSON.stringify(answer);
    }
    try {
      offerDeflate(wanted);
      return JSON.stringify(acceptDeflate(elements[0]!, wanted));
    } catch (error) {
      return documented(error, DeflateNegotiationError, ANSWER_CODES);
    }
  },
};

const parametersOf = (option: number): DeflateParameters => ({
  serverNoContextTakeover: (option & 2) !== 0,
  clientNoContextTakeover: (option & 4) !== 0,
  serverMaxWindowBits: 8 + ((option >> 3) & 7),
  clientMaxWindowBits: 8 + ((option >> 3) & 7),
});

const MAX_BYTES = 20_000;

function someText(random: Random): Uint8Array<ArrayBuffer> {
  if (random.once(4)) return random.bytes(random.length(400));
  return utf8('wsferry brings files, wsferry brings them whole. '.repeat(random.length(random.once(10) ? 600 : 20)));
}

/** Options: bit 0 our role, 1 and 2 takeover, 3 to 5 window bits. The pieces are the fragments of one message. */
export const inflater: Target = {
  name: 'inflater',
  title: 'MessageInflater: at once and as it likes, output bounded, failed stays failed',
  share: 6,
  valid(random, option) {
    const peer: Role = roleOf(option) === 'server' ? 'client' : 'server';
    const deflater = new MessageDeflater({ role: peer, parameters: parametersOf(option) });
    const payload = deflater.deflate(someText(random), true).slice();
    deflater.release();
    return payload;
  },
  async play(pieces, option) {
    const role = roleOf(option);
    const parameters = parametersOf(option);
    const payload = join(...pieces);
    const verdicts: string[] = [];
    for (const way of ['inflate', 'inflateSync'] as const) {
      const one = new MessageInflater({ role, parameters });
      const lines: string[] = [];
      // Twice: the second has the first in its window, or repeats its failure.
      for (let i = 0; i < 2; i++) {
        try {
          const output = await one[way](payload.slice(), MAX_BYTES);
          invariant(output.length <= MAX_BYTES, 'expected the output to be bounded');
          lines.push(fingerprint(output));
        } catch (error) {
          lines.push(frameCode(error));
        }
      }
      invariant(!/_/.test(lines[0]!) || lines[0] === lines[1], 'expected a failed inflater to stay failed');
      one.release();
      verdicts.push(lines.join(' '));
    }
    invariant(verdicts[0] === verdicts[1], `expected both ways to agree, got ${verdicts.join(' and ')}`);
    return verdicts[0]!;
  },
};

/** Options as the inflater's. A conversation of compressed messages, some in fragments, some not compressed. */
export const compressedConnection: Target = {
  name: 'connection-deflate',
  title: 'ConnectionProtocol with permessage-deflate, both roles',
  share: 6,
  valid(random, option) {
    const masked = roleOf(option) === 'server';
    const deflater = new MessageDeflater({ role: masked ? 'client' : 'server', parameters: parametersOf(option) });
    const frames: Uint8Array[] = [];
    for (let left = 1 + random.length(4); left > 0; left--) {
      const rsv1 = !random.once(4);
      const text = someText(random);
      const payload = rsv1 ? deflater.deflate(text, true) : text;
      const cut = random.once(2) ? payload.length : random.below(payload.length + 1);
      const key = () => (masked ? random.bytes(4) : undefined);
      const fin = cut === payload.length;
      const opcode = random.once(2) ? Opcode.Text : Opcode.Binary;
      frames.push(encodeFrame({ fin, rsv1, opcode, payload: payload.subarray(0, cut) }, key()));
      if (!fin)
        frames.push(encodeFrame({ fin: true, opcode: Opcode.Continuation, payload: payload.subarray(cut) }, key()));
    }
    deflater.release();
    return join(...frames);
  },
  async play(pieces, option) {
    const role = roleOf(option);
    const parameters = parametersOf(option);
    const compression = {
      deflater: new MessageDeflater({ role, parameters }),
      inflater: new MessageInflater({ role, parameters }),
    };
    const protocol = new ConnectionProtocol({ role, maxMessageBytes: MAX_BYTES, compression });
    const lines: string[] = [];
    const drain = async () => {
      for (;;) {
        const event = protocol.nextEvent();
        if (event !== undefined) {
          if (event.type === 'message') {
            const bytes = typeof event.data === 'string' ? utf8(event.data) : event.data;
            invariant(bytes.length <= MAX_BYTES, 'expected a message within the limit');
            lines.push(`message ${fingerprint(bytes)}`);
          } else if (event.type === 'failure') lines.push(frameCode(event.error));
          else lines.push(event.type);
        } else if (protocol.pending !== undefined) await protocol.pending;
        else return;
      }
    };
    for (const piece of pieces) {
      protocol.receive(piece);
      await drain();
    }
    compression.inflater.release();
    return [...lines, protocol.state, JSON.stringify(protocol.closeStatus)].join('\n');
  },
};
