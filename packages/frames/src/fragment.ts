import type { Frame } from './encode.ts';
import type { Message } from './message-assembler.ts';
import { Opcode } from './opcode.ts';

const encoder = new TextEncoder();

/**
 * The frames of one message (§5.4), each with at most `fragmentBytes` of payload; an empty message is one empty frame.
 * Payloads are views of the message. Text is cut between bytes, also inside a code point, as §5.6 allows; a lone
 * surrogate becomes U+FFFD. Throws RangeError unless `fragmentBytes` is a whole number of at least 1.
 */
export function fragmentMessage(message: Message, fragmentBytes: number): Frame[] {
  if (!(Number.isInteger(fragmentBytes) || fragmentBytes === Number.POSITIVE_INFINITY) || fragmentBytes < 1) {
    throw new RangeError(`expected fragments of at least 1 byte, got ${fragmentBytes}`);
  }
  const text = typeof message === 'string';
  const bytes = text ? encoder.encode(message) : message;
  const frames: Frame[] = [];
  let opcode: Opcode = text ? Opcode.Text : Opcode.Binary;
  let start = 0;
  do {
    const end = Math.min(start + fragmentBytes, bytes.length);
    frames.push({ fin: end === bytes.length, opcode, payload: bytes.subarray(start, end) });
    opcode = Opcode.Continuation;
    start = end;
  } while (start < bytes.length);
  return frames;
}
