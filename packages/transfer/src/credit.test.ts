import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Credit, type Share } from './credit.ts';

const windowBytes = 3_200;
const least = 100;

test('a few files have a whole window each, many of them a share', () => {
  const credit = new Credit(windowBytes);
  const shares = Array.from({ length: 4 }, () => credit.open());
  expect(shares.map((share) => share.grant())).toEqual([3_200, 3_200, 3_200, 3_200]);
  const fifth = credit.open();
  expect(fifth.grant()).toBe(least);
  for (const share of shares) {
    share.stored(3_200);
    expect(share.grant()).toBe((4 * windowBytes) / 5);
  }
  shares[0]!.close();
  fifth.stored(100);
  expect(fifth.grant()).toBeGreaterThan(2_000);
});

test('a window of one byte is shared too', () => {
  const credit = new Credit(1);
  expect(Array.from({ length: 9 }, () => credit.open().grant())).toEqual(new Array(9).fill(1));
});

test('whatever is opened, sent, stored, begun anew and closed: what is on the way is bounded, and everybody can go on', () => {
  interface File {
    readonly share: Share;
    sent: number;
    stored: number;
    acknowledged: number;
    window: number;
  }
  const step = fc.record({
    what: fc.constantFrom('open', 'send', 'store', 'acknowledge', 'restart', 'close'),
    which: fc.nat(30),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const credit = new Credit(windowBytes);
      const files: File[] = [];
      let most = 0;
      for (const { what, which, part } of steps) {
        const file = files[which % Math.max(1, files.length)];
        if (what === 'open') {
          const share = credit.open();
          files.push({ share, sent: 0, stored: 0, acknowledged: 0, window: share.grant() });
        } else if (file === undefined) continue;
        // A sender uses what it knows: the window last told, beyond what was last acknowledged.
        else if (what === 'send') {
          const free = Math.max(0, file.window - (file.sent - file.acknowledged));
          file.sent += Math.floor(part * free);
        } else if (what === 'store') {
          file.stored += Math.floor(part * (file.sent - file.stored));
          file.share.stored(file.stored);
        } else if (what === 'acknowledge') {
          file.window = file.share.grant();
          file.acknowledged = file.stored;
        } else if (what === 'restart' && file.sent === file.acknowledged) {
          file.share.stored(file.sent);
          file.window = file.share.grant();
          file.share.restart();
          file.sent = file.stored = file.acknowledged = 0;
        } else if (what === 'close') {
          files.splice(files.indexOf(file), 1);
          file.share.close();
        }
        most = Math.max(most, files.length);
        for (const { share, sent, stored } of files) expect(sent - stored).toBeLessThanOrEqual(share.givenBytes);
        expect(credit.givenBytes).toBeLessThanOrEqual(4 * windowBytes + most * least);
      }
      for (const { share, sent } of files) {
        share.stored(sent);
        expect(share.grant()).toBeGreaterThanOrEqual(least);
      }
    }),
  );
});
