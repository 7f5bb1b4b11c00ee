import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fragmentMessage, MessageAssembler, TextBytes } from './index.ts';

test('as bytes, any text in fragments of any size is the same text as it is as a string', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc.integer({ min: 1, max: 300 }),
      (text, fragmentBytes) => {
        const assembler = new MessageAssembler({ text: 'bytes' });
        const arrived = fragmentMessage(text, fragmentBytes).map((part) => assembler.add(part));
        const message = arrived.pop();
        expect(arrived.every((nothing) => nothing === undefined)).toBe(true);
        expect(message).toBeInstanceOf(TextBytes);
        expect(String(message)).toBe(text);
      },
    ),
  );
});

test('any bytes get the verdict as bytes that they get as a string, at the same frame', () => {
  const verdicts = (text: 'string' | 'bytes', parts: readonly Uint8Array[]) => {
    const assembler = new MessageAssembler({ text });
    return parts.map((payload, index) => {
      try {
        const first = index === 0;
        return assembler.add({ fin: index === parts.length - 1, opcode: first ? 1 : 0, payload })?.length !== undefined;
      } catch (error) {
        return (error as { code: string }).code;
      }
    });
  };
  // Long and right most of the way: so that what is judged at once is cut at every place within a code point, too.
  const long = fc
    .string({ unit: 'grapheme', minLength: 30, maxLength: 120 })
    .map((text) => new TextEncoder().encode(text));
  const part = fc.oneof(long, fc.uint8Array({ maxLength: 8 }));
  fc.assert(
    fc.property(
      fc.array(part, { minLength: 1, maxLength: 4 }),
      fc.array(fc.nat(400), { maxLength: 4 }),
      (parts, cuts) => {
        const whole = Uint8Array.from(parts.flatMap((one) => [...one]));
        const at = [0, ...cuts.filter((cut) => cut < whole.length).sort((a, b) => a - b), whole.length];
        const pieces = at.slice(1).map((end, index) => whole.subarray(at[index]!, end));
        expect(verdicts('bytes', pieces)).toEqual(verdicts('string', pieces));
      },
    ),
    { numRuns: 1000 },
  );
});

test('a part of a text is plain bytes, since it need not be a text', () => {
  const text = new TextBytes(new TextEncoder().encode('Fähre'));
  for (const part of [text.slice(0, 2), text.subarray(0, 2), text.map((byte) => byte)]) {
    expect(part).toBeInstanceOf(Uint8Array);
    expect(part).not.toBeInstanceOf(TextBytes);
  }
});

test('bytes that are no text have no string', () => {
  expect(() => String(new TextBytes(Uint8Array.of(0xff)))).toThrow(TypeError);
});
