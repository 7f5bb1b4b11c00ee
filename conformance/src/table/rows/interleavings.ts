import {
  binary,
  type ConversationRow,
  closes,
  frame,
  type Group,
  type Heard,
  notLast,
  pong,
  type Sent,
  text,
} from '../row.ts';

const ROWS = 100;

/** Always the same numbers for a seed: a row that fails, fails again. */
function generator(seed: number): (below: number) => number {
  let state = (seed * 2_654_435_761) >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % below;
  };
}

/**
 * A random order of messages, fragments, pings and pongs, ended by a Close or a violation and followed by more that
 * must be ignored; and what has to come back, by a model of §5.4 and §5.5: a message comes back when its last fragment
 * came, a ping at once, a pong never, and nothing after the end.
 */
function interleaving(number: number): ConversationRow {
  const pick = generator(number);
  const send: Sent[] = [];
  const answers: Heard[] = [];
  let open: { type: 'text' | 'binary'; so: string } | undefined;
  const payload = () => 'aé€𤭢'.repeat(pick(5)) + number;
  const step = () => {
    const what = pick(10);
    if (what < 2) {
      const bytes = String(pick(1000));
      send.push(frame.ping(bytes));
      answers.push(pong(bytes));
    } else if (what === 2) {
      send.push(frame.pong(String(pick(1000))));
    } else if (open) {
      const part = pick(4) === 0 ? '' : payload();
      const last = pick(3) === 0;
      send.push(frame.more(part, { fin: last }));
      open.so += part;
      if (last) {
        answers.push(open.type === 'text' ? text(open.so) : binary(open.so));
        open = undefined;
      }
    } else {
      const type = pick(2) === 0 ? 'text' : 'binary';
      const whole = payload();
      if (pick(2) === 0) {
        send.push(frame[type](whole));
        answers.push(type === 'text' ? text(whole) : binary(whole));
      } else {
        send.push(frame[type](whole, notLast));
        open = { type, so: whole };
      }
    }
    if (pick(6) === 0) send.push({ heard: answers.length });
  };
  for (let steps = 5 + pick(30); steps > 0; steps--) step();
  const endings: readonly (readonly [frame: Sent, close: number, fails: boolean])[] = [
    [frame.close(1000, 'done'), 1000, false],
    [frame.close(), 0, false],
    [frame.close(4000 + pick(1000)), 0, false],
    [{ opcode: 3 + pick(5) }, 1002, true],
    [frame.text('x', { reserved: 1 + pick(3) }), 1002, true],
    [open ? frame.text('nested') : frame.more('orphan'), 1002, true],
    [frame.close(1005), 1002, true],
    [open ? { ...frame.ping('p'), fin: false } : frame.text(Uint8Array.of(0xff)), open ? 1002 : 1007, true],
  ];
  const [last, close, fails] = endings[pick(endings.length)]!;
  send.push(last);
  const said =
    'opcode' in last && last.opcode === 8 && !fails && last.payload?.length
      ? Buffer.from(last.payload).readUInt16BE()
      : close;
  const ignored = answers.length;
  for (let steps = pick(6); steps > 0; steps--) step();
  return closes(
    `5.4-order-${number}`,
    'RFC 6455 §5.4',
    `Order ${number} of messages, fragments, pings and pongs, ended by ${fails ? 'a violation' : 'a Close'}, is what a model says.`,
    send.filter((one, i) => i <= send.indexOf(last) || !('heard' in one)),
    answers.slice(0, ignored),
    said,
    { fails },
  );
}

export const interleavings: Group = {
  title: 'Interleavings',
  rows: Array.from({ length: ROWS }, (_, i) => interleaving(i + 1)),
};
