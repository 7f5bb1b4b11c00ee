import { encodeFrame, FrameDecoder, type Message, MessageAssembler, Opcode } from '@wsferry/frames';
import { encodePacket, type Packet, parsePacket, safeName } from '@wsferry/transfer';
import { fingerprint, latin1, utf8 } from '../bytes.ts';
import { frameCode, transferCode } from '../documented.ts';
import type { Random } from '../random.ts';
import { invariant, type Target } from '../target.ts';

const NAMES = [
  'a.txt',
  'grüße.pdf',
  '../../etc/passwd',
  'CON',
  '',
  'x'.repeat(300),
  '..',
  'a/b',
  'nul\u0000',
  '.wsferry',
];
const FOLDERS = [[], ['a'], ['a', '..'], ['a/b'], new Array<string>(65).fill('deep')];
const MD5 = '900150983cd24fb0d6963f7d28e17f72';

/** Any packet, right in form. `id`: whose transfer. */
export function anyPacket(random: Random, id = 1 + random.below(6)): Packet {
  const size = () => random.pick([0, 3, 300, 2 ** 31, 2 ** 53 - 1]);
  const code = () => random.pick(['OK', 'EXISTS', 'NO_SPACE', 'WHO_KNOWS']);
  const digest = () => random.pick([{}, { digest: 'md5' }, { digest: 'sha256' }] as const);
  switch (random.below(12)) {
    case 0:
      return {
        type: 'NEW_FILE',
        id,
        name: random.pick(NAMES),
        ...(random.once(2) ? { size: size(), modified: 1e12 } : {}),
        ...(random.once(2) ? { folder: random.pick(FOLDERS), resumeKey: random.pick(['k', '!'.repeat(128)]) } : {}),
        ...(random.once(4) ? { onConflict: random.pick(['rename', 'skip', 'as you like']), executable: true } : {}),
        ...digest(),
      };
    case 1:
      if (random.once(4))
        return { type: 'ACK_NEW_FILE', id, code: 'OK', restarted: random.pick(['SOURCE_CHANGED', 'no']) };
      return { type: 'ACK_NEW_FILE', id, code: code(), offset: size(), prefixDigest: MD5, window: size(), ...digest() };
    case 2:
      return { type: 'ACK_FILE_DATA', id, stored: size(), ...(random.once(2) ? { window: size() } : {}) };
    case 3:
      return { type: 'FILE_END', id, ...random.pick([{ md5: MD5 }, { sha256: MD5 + MD5 }]) };
    case 4:
      return {
        type: 'ACK_FILE_END',
        id,
        code: code(),
        name: random.pick(NAMES),
        size: size(),
        existing: random.once(2),
      };
    case 5:
      return { type: 'CANCEL_FILE', id, code: code() };
    case 6:
      return { type: 'ERROR', code: code(), message: 'as it is', ...(random.once(2) ? { id } : {}) };
    case 7:
      return { type: 'WATCH', recent: random.below(5) };
    case 8:
      return { type: 'FILE_ARRIVED', name: random.pick(NAMES), size: size(), md5: MD5, at: 1e12 };
    case 9:
      return { type: 'PROBE', probe: id, ...(random.once(2) ? { about: true } : {}) };
    case 10:
      return { type: 'ACK_PROBE', probe: id, ...(random.once(2) ? { about: { software: 'ferry/1' } } : {}) };
    default:
      return {
        type: 'FILE_DATA',
        id,
        offset: random.pick([0, 0, 3, 2 ** 32, 2 ** 53 - 1]),
        bytes: random.bytes(random.length(64)),
      };
  }
}

export const isText = (option: number): boolean => (option & 3) !== 0;

export function packetBytes(packet: Packet): Uint8Array<ArrayBuffer> {
  const message = encodePacket(packet);
  return typeof message === 'string' ? utf8(message) : message;
}

/** The pieces as the fragments of one message, read as a connection reads them. */
function throughFrames(pieces: readonly Uint8Array[], text: boolean): Message {
  const decoder = new FrameDecoder({ role: 'client', pieces: true });
  const assembler = new MessageAssembler();
  for (const [index, payload] of pieces.entries()) {
    const opcode = index > 0 ? Opcode.Continuation : text ? Opcode.Text : Opcode.Binary;
    decoder.push(encodeFrame({ fin: index === pieces.length - 1, opcode, payload }));
    for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) {
      const message = assembler.add(frame);
      if (message !== undefined) return message;
    }
  }
  return text ? '' : new Uint8Array(0);
}

/** Options: bits 0 and 1, text (three of four) or binary. The cuts are the message's fragments. */
export const packets: Target = {
  name: 'packets',
  title: 'parsePacket and safeName, of messages that come in these fragments',
  share: 8,
  valid(random, option) {
    if (random.once(8)) return jsonOf(random);
    for (;;) {
      const packet = anyPacket(random);
      if ((packet.type !== 'FILE_DATA') === isText(option)) return packetBytes(packet);
    }
  },
  play(pieces, option) {
    let message: Message;
    try {
      message = throughFrames(pieces, isText(option));
    } catch (error) {
      return frameCode(error);
    }
    try {
      const packet = parsePacket(message);
      const again = parsePacket(encodePacket(packet));
      invariant(JSON.stringify(again) === JSON.stringify(packet), 'expected the packet to survive writing');
      if (packet.type === 'FILE_DATA') return `FILE_DATA ${packet.id} ${packet.offset} ${fingerprint(packet.bytes)}`;
      return `${JSON.stringify(packet)} ${packet.type === 'NEW_FILE' ? nameVerdict(packet.name) : ''}`;
    } catch (error) {
      return transferCode(error);
    }
  },
};

/** A safe name is one component that stays in its directory, or BAD_NAME. */
function nameVerdict(name: string): string {
  let safe: string;
  try {
    safe = safeName(name);
  } catch (error) {
    return transferCode(error);
  }
  invariant(!/[/\\\0]/.test(safe) && safe !== '.' && safe !== '..' && safe !== '', 'expected one path component');
  return 'safe';
}

/** JSON that no packet is: deep, wide, with names that objects have anyway. */
function jsonOf(random: Random): Uint8Array<ArrayBuffer> {
  return random.pick([
    () => latin1('['.repeat(1 + random.below(2000))),
    () => latin1(`{"type":"NEW_FILE","id":1,"name":${'{"a":'.repeat(300)}1${'}'.repeat(300)}}`),
    () => latin1('{"type":"__proto__","id":1}'),
    () => latin1('{"__proto__":{"type":"NEW_FILE"},"id":1,"name":"a"}'),
    () => latin1('{"type":"constructor","id":1e999}'),
    () => latin1('{"type":"NEW_FILE","id":1.5,"name":["a"]}'),
    () => latin1('{"type":"FILE_END","id":1,"md5":null}'),
  ])();
}
