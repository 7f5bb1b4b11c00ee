import {
  createMaskingKey,
  encodeClosePayload,
  encodeFrame,
  FrameDecoder,
  fragmentMessage,
  isControlOpcode,
  MessageAssembler,
  Opcode,
  parseClosePayload,
} from '@wsferry/frames';

/** Runs inside a browser: messages, masked, become frames, are cut at random, and become messages again. */
export function roundTrips(rounds: number): { ok: number; control: string[] } {
  const sent: (string | Uint8Array)[] = ['', 'aé€😀', 'ü'.repeat(40_000)];
  for (const length of [0, 1, 125, 126, 65_535, 65_536, 300_000]) {
    sent.push(new Uint8Array(length).map((_, index) => (index * 31) ^ (index >> 8)));
  }
  let ok = 0;
  let control: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const frames = sent.flatMap((message) => fragmentMessage(message, 1 + Math.floor(Math.random() * 100_000)));
    const payload = new TextEncoder().encode('between');
    frames.splice(1 + Math.floor(Math.random() * frames.length), 0, { fin: true, opcode: Opcode.Ping, payload });
    const close = encodeClosePayload({ code: 4000, reason: 'über' });
    frames.push({ fin: true, opcode: Opcode.Close, payload: close });
    const bytes = joined(frames.map((frame) => encodeFrame(frame, createMaskingKey())));
    const heard: (string | Uint8Array)[] = [];
    control = [];
    const decoder = new FrameDecoder({ role: 'server' });
    const assembler = new MessageAssembler();
    for (const chunk of cut(bytes)) {
      decoder.push(chunk);
      for (let frame = decoder.next(); frame; frame = decoder.next()) {
        if (frame.opcode === Opcode.Close) control.push(JSON.stringify(parseClosePayload(frame.payload)));
        else if (isControlOpcode(frame.opcode)) control.push(new TextDecoder().decode(frame.payload));
        else {
          const message = assembler.add(frame);
          if (message !== undefined) heard.push(typeof message === 'string' ? message : message.slice());
        }
      }
    }
    if (sent.length === heard.length && sent.every((message, index) => same(message, heard[index]!))) ok++;
  }
  return { ok, control };
}

function* cut(bytes: Uint8Array): Iterable<Uint8Array> {
  for (let from = 0; from < bytes.length; ) {
    const to = from + 1 + Math.floor(Math.random() ** 4 * 200_000);
    yield bytes.slice(from, to);
    from = to;
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function same(a: string | Uint8Array, b: string | Uint8Array): boolean {
  if (typeof a === 'string' || typeof b === 'string') return a === b;
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
