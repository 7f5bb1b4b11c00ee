import fc from 'fast-check';
import { expect, test } from 'vitest';
import { byteByByte, everySplit, randomSplits } from './index.ts';

test('every way of splitting puts back together what was split', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 64 }),
      fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
      (bytes, randoms) => {
        const random = () => randoms.next().value as number;
        for (const parts of [...everySplit(bytes), byteByByte(bytes), randomSplits(bytes, random)]) {
          expect(Buffer.concat(parts)).toEqual(Buffer.from(bytes));
        }
      },
    ),
  );
});
