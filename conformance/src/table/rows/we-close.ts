import { type ConversationRow, closes, frame, pong, text } from '../row.ts';

/** The endpoint under test begins the closing handshake. */
export const weClose: ConversationRow[] = [
  closes(
    '7.1.2-we-close-empty-answer',
    'RFC 6455 §7.1.2',
    'An endpoint that closed takes a Close without a code as the answer.',
    [{ heard: 1 }, frame.close()],
    [],
    1000,
    { act: (connection) => connection.close() },
  ),
  closes(
    '7.1.2-we-close-other-code',
    'RFC 6455 §7.1.2',
    'It takes any other code too.',
    [{ heard: 1 }, frame.close(4321, 'other')],
    [],
    1000,
    { act: (connection) => connection.close() },
  ),
  closes(
    '7.1.2-we-close-messages-go-on',
    'RFC 6455 §5.5.2',
    'What still comes before the answer is taken; a message gets no answer, a ping its pong.',
    [{ heard: 1 }, frame.text('late'), frame.ping('late'), frame.close(1000), frame.ping('too late')],
    [pong('late')],
    1000,
    { act: (connection) => connection.close() },
  ),
  closes(
    '7.1.2-we-close-crossing',
    'RFC 6455 §7.1.2',
    'Two Closes that cross are one closing handshake.',
    [frame.close(1000)],
    [],
    1001,
    {
      act: (connection) => connection.close(1001),
      deliveries: ['with the head', 'in one write'],
      check: ({ close }) => (close?.code === 1001 ? undefined : 'not its own Close first'),
    },
  ),
  closes(
    '7.1.2-we-close-then-violation',
    'RFC 6455 §7.1.7',
    'A violation after its Close ends TCP, and no second Close is sent.',
    [{ heard: 1 }, { opcode: 15 }],
    [],
    1000,
    { act: (connection) => connection.close(), fails: true },
  ),
  closes(
    '7.1.2-we-close-then-send',
    'RFC 6455 §5.5.1',
    'After its Close an endpoint sends nothing more, whatever its program tries.',
    [{ heard: 1 }, frame.close(1000)],
    [],
    1000,
    {
      act: (connection) => {
        connection.close();
        ignoreErrors(() => connection.send('too late'));
        ignoreErrors(() => connection.ping());
        ignoreErrors(() => connection.close(3000));
      },
    },
  ),
  closes(
    '7.1.2-we-close-after-sending',
    'RFC 6455 §7.1.2',
    'What a program sent before it closed goes out before the Close, however much it is.',
    [{ heard: 3 }, frame.close(1000)],
    [text('first'), text('*'.repeat(1_000_000))],
    1000,
    {
      act: (connection) => {
        connection.send('first');
        connection.send('*'.repeat(1_000_000));
        connection.close();
      },
    },
  ),
];

function ignoreErrors(run: () => unknown): void {
  try {
    Promise.resolve(run()).catch(() => {});
  } catch {
    // a program that ignores what it is told
  }
}
