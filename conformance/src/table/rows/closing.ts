import { closes, fails, failsFast, frame, type Group, notLast, pong, text, upTo } from '../row.ts';
import { closeCodes } from './close-codes.ts';
import { weClose } from './we-close.ts';

const good = frame.text('good');
const notUtf8 = Uint8Array.of(0xce, 0xba, 0xe1, 0xbd, 0xb9, 0xed, 0xa0, 0x80, 0x65);

export const closing: Group = {
  title: 'Closing',
  rows: [
    closes(
      '7.1-after-message',
      'RFC 6455 §5.5.1',
      'A Close gets a Close, after the answers to what came before it.',
      [frame.text('Hello World!'), frame.close(1000)],
      [text('Hello World!')],
      1000,
    ),
    closes(
      '7.1-two',
      'RFC 6455 §5.5.1',
      'A second Close gets nothing.',
      [frame.close(1000), frame.close(1000)],
      [],
      1000,
    ),
    closes(
      '7.1-ping-after',
      'RFC 6455 §5.5.1',
      'A ping after a Close gets nothing.',
      [frame.close(1000), frame.ping()],
      [],
      1000,
    ),
    closes(
      '7.1-text-after',
      'RFC 6455 §5.5.1',
      'A text after a Close gets nothing.',
      [frame.close(1000), frame.text('Hello World!')],
      [],
      1000,
    ),
    closes(
      '7.1-inside-message',
      'RFC 6455 §5.4',
      'A Close inside a message in fragments ends the conversation; the rest of the message is ignored.',
      [frame.text('fragment1', notLast), frame.close(1000), frame.more('fragment2')],
      [],
      1000,
    ),
    closes(
      '7.1-large-before',
      'RFC 6455 §5.5.1',
      'A message of 256 KiB before the Close still comes back whole; the ping behind it gets nothing.',
      [frame.text('BAsd7&jh23'.repeat(26_214)), frame.text('Hello World!'), frame.close(1000), frame.ping()],
      [text('BAsd7&jh23'.repeat(26_214)), text('Hello World!')],
      1000,
    ),
    closes(
      '7.1-violation-after',
      'RFC 6455 §5.5.1',
      'A violation after a Close is not even looked at.',
      [frame.close(1000), { opcode: 15, reserved: 7 }, frame.text(notUtf8)],
      [],
      1000,
    ),
    closes(
      '7.1-garbage-after',
      'RFC 6455 §5.5.1',
      'Bytes after a Close are ignored, whatever they are.',
      [frame.close(1000), Buffer.alloc(3000, 0xff)],
      [],
      1000,
    ),
    closes(
      '7.1-half-frame-after',
      'RFC 6455 §5.5.1',
      'A frame that never becomes whole after a Close does not hold it up.',
      [frame.close(1000), upTo(frame.text('x'.repeat(99)), 5)],
      [],
      1000,
    ),
    closes(
      '7.1-pings-before',
      'RFC 6455 §5.5.2',
      'Pings before a Close are answered.',
      [frame.ping('1'), frame.ping('2'), frame.close(1000)],
      [pong('1'), pong('2')],
      1000,
    ),
    closes(
      '7.3-empty',
      'RFC 6455 §5.5.1',
      'A Close without a code gets a Close without a code.',
      [good, frame.close()],
      [text('good')],
      0,
    ),
    closes(
      '7.3-code-only',
      'RFC 6455 §5.5.1',
      'A Close with a code and no reason is answered with the code.',
      [frame.close(1000)],
      [],
      1000,
    ),
    closes('7.3-reason', 'RFC 6455 §5.5.1', 'So is one with a reason.', [frame.close(1000, 'Hello World!')], [], 1000),
    closes(
      '7.3-reason-123',
      'RFC 6455 §5.5.1',
      'A reason may be 123 bytes long.',
      [frame.close(1000, '*'.repeat(123))],
      [],
      1000,
    ),
    closes(
      '7.3-reason-utf8',
      'RFC 6455 §5.5.1',
      'A reason is UTF-8.',
      [frame.close(1000, 'Grüße, κόσμε 𤭢')],
      [],
      1000,
    ),
    fails('7.3-one-byte', 'RFC 6455 §5.5.1', 'A Close with half a code fails the connection.', 1002, [
      { opcode: 8, payload: 'a' },
    ]),
    fails('7.3-reason-124', 'RFC 6455 §5.5', 'A reason of 124 bytes makes the frame too long.', 1002, [
      frame.close(1000, '*'.repeat(124)),
    ]),
    fails('7.5-reason-not-utf8', 'RFC 6455 §8.1', 'A reason that is not UTF-8 fails the connection with 1007.', 1007, [
      frame.close(1000, notUtf8),
    ]),
    fails('7.5-reason-cut', 'RFC 6455 §8.1', 'A reason that ends inside a character does too.', 1007, [
      frame.close(1000, Uint8Array.of(0x61, 0xe2, 0x82)),
    ]),
    fails('7.5-reason-overlong', 'RFC 6455 §8.1', 'So does one with an overlong form.', 1007, [
      frame.close(1001, Uint8Array.of(0xc0, 0xaf)),
    ]),
    ...closeCodes,
    ...weClose,
    closes(
      '7.1.5-reason-cut',
      'RFC 6455 §5.5.1',
      'A program’s reason above 123 bytes is refused: nothing is sent.',
      [good, frame.close(1000)],
      [text('good')],
      1000,
      {
        act: (connection) => {
          try {
            connection.close(1000, 'x'.repeat(124));
          } catch {
            return;
          }
          connection.send('taken');
        },
      },
    ),
    closes(
      '7.1.1-peer-ends',
      'RFC 6455 §7.1.1',
      'TCP that ends without a Close is ended on this side too, and no Close is sent into it.',
      [good, { heard: 1 }, { end: true }],
      [text('good')],
      undefined,
      { fails: true, check: weEnded },
    ),
    closes(
      '7.1.1-peer-ends-inside-frame',
      'RFC 6455 §7.1.1',
      'The same inside a frame: the half message is dropped.',
      [good, { heard: 1 }, upTo(frame.text('half a message'), 4), { end: true }],
      [text('good')],
      undefined,
      { fails: true, check: weEnded },
    ),
    closes(
      '7.1.1-peer-ends-inside-message',
      'RFC 6455 §7.1.1',
      'The same inside a message.',
      [good, { heard: 1 }, frame.text('half', notLast), { end: true }],
      [text('good')],
      undefined,
      { fails: true, check: weEnded },
    ),
    closes(
      '7.1.1-stalled',
      'RFC 6455 §7.1.1',
      'A Close that is never answered: TCP is ended after a while.',
      [{ heard: 1 }],
      [],
      1000,
      {
        act: (connection) => connection.close(),
        options: { closeTimeoutMs: 100 },
        fails: true,
        deliveries: ['in one write'],
      },
    ),
    closes(
      '7.1.1-server-never-ends',
      'RFC 6455 §7.1.1',
      'A client whose server never ends TCP ends it after a while.',
      [frame.close(1000)],
      [],
      1000,
      { roles: ['client'], options: { closeTimeoutMs: 100 }, fails: true, deliveries: ['in one write'] },
    ),
    closes(
      '7.1.1-close-and-end',
      'RFC 6455 §7.1.1',
      'A Close with TCP’s end right behind it is still answered.',
      [good, frame.close(1000), { end: true }],
      [text('good')],
      1000,
      { fails: true },
    ),
    failsFast(
      '7.1.7-close-frame-first',
      'RFC 6455 §7.1.7',
      'An endpoint that fails the connection says why in a Close, then ends TCP without waiting.',
      1002,
      [{ opcode: 3 }],
    ),
    fails(
      '7.1.7-no-more-input',
      'RFC 6455 §7.1.7',
      'After that nothing is taken any more: no message, no ping, no Close.',
      1002,
      [{ opcode: 3 }, frame.text('late'), frame.ping('late'), frame.close(1000)],
    ),
    fails(
      '7.1.7-much-more-input',
      'RFC 6455 §7.1.7',
      'A megabyte behind the violation does not swallow the Close.',
      1002,
      [{ opcode: 3 }, Buffer.alloc(1_000_000, 0x55)],
      { deliveries: ['in one write'] },
    ),
  ],
};

function weEnded({ ended }: { ended: boolean }): string | undefined {
  return ended ? undefined : 'TCP still open';
}
