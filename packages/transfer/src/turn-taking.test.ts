import { expect, test } from 'vitest';
import type { MessagePipe } from './index.ts';
import { TurnTaking } from './turn-taking.ts';

/** A pipe that gives one message at a time to the network, when it is told to. */
function slowPipe(bufferedAmount = true) {
  const sent: string[] = [];
  let waiting = 0;
  let drained: (() => void) | undefined;
  const pipe: MessagePipe = {
    send: (message) => {
      sent.push(message as string);
      waiting += 1;
      return waiting < 3;
    },
    drained: () =>
      new Promise((resolve) => {
        drained = resolve;
      }),
    close: () => {},
    async *[Symbol.asyncIterator]() {},
  };
  if (bufferedAmount) Object.defineProperty(pipe, 'bufferedAmount', { get: () => waiting });
  const drain = async () => {
    waiting = 0;
    drained?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { pipe, sent, drain };
}

test('one message is with the pipe at a time; the transfers that wait have one turn each', async () => {
  const { pipe, sent, drain } = slowPipe();
  const turns = new TurnTaking(pipe, () => {});
  const again = (name: string) => {
    void turns.send(() => name).then(() => sent.length < 9 && again(name));
  };
  for (const name of ['a', 'b', 'c']) again(name);
  for (let count = 1; count <= 9; count += 1) {
    expect(sent).toHaveLength(count);
    await drain();
  }
  expect(sent.join('').slice(0, 9)).toBe('abcabcabc');
});

test('a pipe that cannot say how much it holds is given more until it says that it is full', () => {
  const { pipe, sent } = slowPipe(false);
  const turns = new TurnTaking(pipe, () => {});
  for (let count = 0; count < 9; count += 1) void turns.send(() => 'a');
  return new Promise<void>((resolve) => setImmediate(resolve)).then(() => expect(sent).toHaveLength(3));
});

test('who has sent nothing yet goes before those that have, but never twice in a row', async () => {
  const { pipe, sent, drain } = slowPipe();
  const turns = new TurnTaking(pipe, () => {});
  for (const name of ['a', 'b', 'c']) void turns.send(() => name);
  for (const name of ['1', '2', '3', '4', '5']) void turns.send(() => name, true);
  for (let count = 0; count < 8; count += 1) await drain();
  expect(sent.join('')).toBe('a1b2c345');
});

test('a turn that is given up costs the next one nothing', () => {
  const { pipe, sent } = slowPipe();
  const turns = new TurnTaking(pipe, () => {});
  void turns.send(() => undefined);
  void turns.send(() => 'b');
  return new Promise<void>((resolve) => setImmediate(resolve)).then(() => expect(sent).toEqual(['b']));
});
