import stringWidth from 'string-width';
import { expect, test } from 'vitest';
import { progressLine, rowsOf, sumLine } from './progress-line.ts';

const plain = (text: string) => text;
const file = (name: string, bytesPerSecond: number | undefined = 1_234_567) => ({
  name,
  size: 998_765_432,
  stored: 123_456_789,
  bytesPerSecond,
});
const names = ['IMG_20260101_123456.jpg', '写真と動画のとても長い名前のファイル.tar.gz', 'a'];

test('at no width a line is longer than the terminal is wide', () => {
  for (const name of names) {
    for (let columns = 0; columns <= 200; columns++) {
      expect(stringWidth(progressLine(file(name), columns, plain))).toBeLessThanOrEqual(columns);
      expect(
        stringWidth(sumLine(['17 of 300 files, 2 failed', '1.2 GB of 9 GB', '1 MB/s'], columns)),
      ).toBeLessThanOrEqual(columns);
    }
  }
});

test('what goes first with the room: the bar, the rate, the time left, the size; the name keeps 16 columns', () => {
  const line = (columns: number) => progressLine(file('IMG_20260101_123456.jpg'), columns, plain).replace(/ +/g, ' ');
  expect(line(120)).toBe('██░░░░░░░░░░░░░░░░░░ 12% 123 MB / 999 MB 1.23 MB/s 11m 50s left IMG_20260101_123456.jpg');
  expect(line(80)).toBe(' 12% 123 MB / 999 MB 1.23 MB/s 11m 50s left IMG_20260101_123456.jpg');
  expect(line(60)).toBe(' 12% 123 MB / 999 MB 11m 50s left IMG_20260…23456.jpg');
  expect(line(50)).toBe(' 12% 123 MB / 999 MB IMG_20260101_123456.jpg');
  expect(line(30)).toBe(' 12% IMG_20260101_123456.jpg');
  expect(line(20)).toBe(' 12% IMG_202…56.jpg');
});

test('a file that is compared with what is there says so, and how far', () => {
  const line = progressLine({ ...file('a'), bytesPerSecond: undefined, stored: 0, compared: 123_456_789 }, 70, plain);
  expect(line.replace(/ +/g, ' ')).toMatch(/ 12% 123 MB \/ 999 MB comparing a$/);
});

test('lines that were as wide as the terminal take more rows when it gets narrow', () => {
  expect(rowsOf(['x'.repeat(60), '', 'x'.repeat(30)], 30)).toBe(4);
});

test('of a stream one sees how much came, and no part of a whole', () => {
  const line = progressLine({ ...file('a'), size: undefined }, 80, plain);
  expect(line.replace(/ +/g, ' ')).toBe(' 123 MB 1.23 MB/s a');
});
