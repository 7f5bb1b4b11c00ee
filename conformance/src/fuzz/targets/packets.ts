import { encodeFrame, FrameDecoder, type Message, MessageAssembler, Opcode } from '@wsferry/frames';
import { encodePacket, MAX_FOLDER_DEPTH, type Packet, parsePacket, safeFolder, safeName } from '@wsferry/transfer';
import { fingerprint, latin1, utf8 } from '../bytes.ts';
import { frameCode, transferCode } from '../documented.ts';
import type { Random } from '../random.ts';
import { invariant, type Target } from '../target.ts';
import { anyPacket } from './any-packet.ts';

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
  title: 'parsePacket, safeName and safeFolder, of messages that come in these fragments',
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
      const placed = packet.type === 'NEW_FILE' || packet.type === 'NEW_FOLDER' || packet.type === 'GET_FILE';
      return `${JSON.stringify(packet)} ${placed ? placeVerdict(packet.name, packet.folder ?? []) : ''}`;
    } catch (error) {
      return transferCode(error);
    }
  },
};

/** A safe name is one component that stays in its directory, a safe folder a list of them, or BAD_NAME. */
function placeVerdict(name: string, folder: readonly string[]): string {
  let safe: readonly string[];
  try {
    safe = [...safeFolder(folder), safeName(name)];
  } catch (error) {
    return transferCode(error);
  }
  for (const part of safe) {
    invariant(!/[/\\\0]/.test(part) && part !== '.' && part !== '..' && part !== '', 'expected one path component');
  }
  invariant(safe.length <= MAX_FOLDER_DEPTH + 1, 'expected no deeper folders');
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
    () => latin1(`{"type":"NEW_FOLDER","id":1,"name":"a","folder":[${'"b",'.repeat(random.below(9000))}"b"]}`),
    () => latin1('{"type":"NEW_FILE","id":1,"name":"a","folder":{"length":3}}'),
    () => latin1(`{"type":"FILE_LIST","request":1,"code":"OK","entries":[${'{"name":"a"},'.repeat(99)}{}]}`),
    () => latin1(`{"type":"NOTE","text":"${'x'.repeat(random.below(8000))}"}`),
  ])();
}
