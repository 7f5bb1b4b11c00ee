import { beforeEach, expect, test } from 'vitest';
import { type Arrival, addArrival, arrivals } from '../page/store.ts';

const arrival = (name: string, at: number, existing = false, digest = 'm'): Arrival => ({
  name,
  folder: [],
  size: 1,
  algorithm: 'md5',
  digest,
  at,
  fresh: true,
  existing,
});
const shown = () => arrivals.value.map(({ name, at }) => `${name} ${at}`);

beforeEach(() => {
  arrivals.value = [];
});

test('the latest file stands on top, and one that is told again after a reconnect stands there once', () => {
  for (const [name, at] of [
    ['b', 2],
    ['a', 1],
    ['b', 2],
  ] as const)
    addArrival(arrival(name, at));
  expect(shown()).toEqual(['b 2', 'a 1']);
});

test('a file that is sent again moves to the top; another one of its name stays', () => {
  addArrival(arrival('a', 1));
  addArrival(arrival('a', 2, false, 'other'));
  addArrival(arrival('b', 3));
  addArrival(arrival('a', 4, true));
  expect(shown()).toEqual(['a 4', 'b 3', 'a 2']);
});

test('files of one name in different folders are different files', () => {
  addArrival(arrival('a', 1));
  addArrival({ ...arrival('a', 2, true), folder: ['x'] });
  expect(shown()).toEqual(['a 2', 'a 1']);
});
