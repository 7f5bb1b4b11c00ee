import { expect, test } from 'vitest';
import type { FileArrived, NotePosted } from '../packets.ts';
import { Heard } from './heard.ts';

const arrived = (name: string, at = 1): FileArrived => ({
  type: 'FILE_ARRIVED',
  name,
  size: 1,
  md5: '0'.repeat(32),
  at,
});
const note = (text: string): NotePosted => ({ type: 'NOTE_POSTED', text, at: 1 });

function ear() {
  const told: string[] = [];
  const heard = new Heard({ onArrived: ({ name }) => told.push(name), onNote: ({ text }) => told.push(text) });
  return { told, heard, onArrived: heard.listeners.onArrived!, onNote: heard.listeners.onNote! };
}

test('what is repeated is held until it is known where the repeating ends, and then the last of it is told', () => {
  const { told, heard, onArrived, onNote } = ear();
  onArrived(arrived('a'));
  onNote(note('b'));
  onArrived(arrived('c'));
  expect(told).toEqual([]);
  heard.begin(2);
  expect(told).toEqual(['b', 'c']);
  onArrived(arrived('d'));
  expect(told).toEqual(['b', 'c', 'd']);
});

test('of what is repeated with recent 0 nothing is told', () => {
  const { told, heard, onArrived } = ear();
  onArrived(arrived('a'));
  heard.begin(0);
  expect(told).toEqual([]);
});

test('nothing is told twice, neither what was told nor what was passed over; another time is other news', () => {
  const { told, heard, onArrived } = ear();
  onArrived(arrived('old'));
  heard.begin(0);
  for (const again of [1, 2]) {
    onArrived(arrived('old'));
    onArrived(arrived('new'));
    onArrived(arrived('new', 1 + again));
  }
  expect(told).toEqual(['new', 'new', 'new']);
});

test('it remembers more than a peer repeats, and not for ever', () => {
  const { told, heard, onArrived } = ear();
  heard.begin(0);
  onArrived(arrived('first'));
  for (let number = 0; number < 999; number++) onArrived(arrived(`${number}`));
  onArrived(arrived('first'));
  expect(told).toHaveLength(1000);
  onArrived(arrived('one more'));
  onArrived(arrived('first'));
  expect(told).toHaveLength(1002);
});
