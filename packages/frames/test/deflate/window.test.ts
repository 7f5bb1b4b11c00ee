import { expect, test } from 'vitest';
import { MessageDeflater } from '../../src/deflate/index.ts';
import { concat, noise, parametersFor, prose, walk } from './helpers.ts';

const levels = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

test.each([8, 9, 10, 11, 12, 13, 14, 15])(
  'with a window of 2^%d no distance is larger than it, at any level',
  (bits) => {
    const period = noise(2 ** bits - 262 > 0 ? 2 ** bits - 262 : 240, 5);
    // What a compressor would like to refer to: repetitions just inside, at and just outside the window, and everywhere.
    const messages = [
      prose(3 * 2 ** bits, 7),
      prose(200, 8),
      concat(noise(2 ** bits - 100, 1), noise(2 ** bits - 100, 1)),
      concat(noise(2 ** bits, 2), noise(2 ** bits, 2)),
      concat(noise(2 ** bits + 1, 3), noise(2 ** bits + 1, 3)),
      concat(period, period, period),
      period,
      new Uint8Array(70_000),
    ];
    for (const level of levels) {
      for (const memLevel of [1, 8, 9]) {
        const parameters = parametersFor('server', false, bits);
        const deflater = new MessageDeflater({ role: 'server', parameters, level, memLevel });
        let before = new Uint8Array(0);
        let largest = 0;
        for (const message of messages) {
          const half = message.length >> 1;
          const payload = concat(
            deflater.deflate(message.subarray(0, half), false),
            deflater.deflate(message.subarray(half), true),
          );
          const walked = walk(payload, before);
          expect(Buffer.compare(walked.message, message)).toBe(0);
          largest = Math.max(largest, walked.largestDistance);
          before = Uint8Array.from(Buffer.concat([before, message]).subarray(-32_768));
        }
        expect(largest).toBeLessThanOrEqual(2 ** bits);
        // The window is used, not only kept to.
        if (level > 1) expect(largest).toBeGreaterThan(Math.min(2 ** bits, 16_384) / 3);
      }
    }
  },
);
