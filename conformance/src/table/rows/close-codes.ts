import { type ConversationRow, closes, fails, frame, text } from '../row.ts';

const codes = 'RFC 6455 §7.4';
const good = frame.text('good');

const VALID = [
  1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3001, 3500, 3999, 4000, 4001, 4500,
  4999,
];
const INVALID = [
  0, 1, 500, 999, 1004, 1005, 1006, 1015, 1016, 1017, 1100, 1999, 2000, 2500, 2999, 5000, 5001, 32_767, 32_768, 65_535,
];

/** What the program behind an endpoint may and may not close with (§7.4, "MUST NOT be set as a status code"). */
const ours = [
  ...VALID.map((code) =>
    closes(
      `7.4-we-send-${code}`,
      codes,
      `A program may close with ${code}: the Close says so.`,
      [{ heard: 1 }, frame.close(code)],
      [],
      code,
      {
        act: (connection) => connection.close(code, 'why'),
        check: ({ close }) => (close?.reason === 'why' ? undefined : `the reason "${close?.reason}"`),
        deliveries: ['in one write'],
      },
    ),
  ),
  ...[...INVALID.filter((code) => code !== 1005), 70_000, -1, 1000.5, Number.NaN].map((code) =>
    closes(
      `7.4-we-refuse-${code}`,
      codes,
      `A program may not close with ${code}: nothing is sent, and the connection stays open.`,
      [good, frame.close(1000)],
      [text('good')],
      1000,
      {
        act: (connection) => {
          try {
            connection.close(code);
          } catch {
            return; // refused, as it should be
          }
          connection.send(`close(${code}) was taken`);
        },
        deliveries: ['in one write'],
      },
    ),
  ),
];

/** 1005 names a Close without a code (§7.1.5): that is what a program gets that closes with it. */
const none = closes(
  '7.4-we-send-1005',
  codes,
  'A program that closes with 1005 sends a Close without a code: 1005 itself is never on the wire.',
  [{ heard: 1 }, frame.close()],
  [],
  0,
  { act: (connection) => connection.close(1005), deliveries: ['in one write'] },
);

/** Every border of §7.4 and of IANA's registry, both ways. */
export const closeCodes: ConversationRow[] = [
  ...VALID.map((code) =>
    closes(
      `7.4-take-${code}`,
      codes,
      `A Close with ${code} is answered with ${code}.`,
      [frame.close(code, 'why'), good],
      [],
      code,
    ),
  ),
  ...INVALID.map((code) =>
    fails(
      `7.4-refuse-${code}`,
      codes,
      `A Close with ${code}, which nobody may send, fails the connection with 1002.`,
      1002,
      [frame.close(code)],
    ),
  ),
  ...[0, 1005, 1006, 1015, 5000].map((code) =>
    fails(`7.4-refuse-${code}-reason`, codes, `The same for ${code} with a reason.`, 1002, [frame.close(code, 'why')]),
  ),
  ...ours,
  none,
];
