import type { ResponseHead } from '@wsferry/connection';
import { header, refusalCode } from '@wsferry/connection';
import { printable } from '@wsferry/transfer';
import type { Finding, Mend } from './check.ts';
import { inLocation, LINES } from './nginx.ts';
import type { Patient } from './patient.ts';

/** Answers of somebody who is well, and does not let us in: not now, or not us. `undefined` for any other. */
export function explainDoor(head: ResponseHead, status: string, patient: Patient): Finding | undefined {
  const wrong = (code: string, summary: string, mend: Mend): Finding => {
    const because = 'You cannot connect; others perhaps can.';
    return { severity: 'wrong', code, summary: `${status}: ${summary}`, because, mend, facts: { status: head.status } };
  };
  const challenge = header(head.headers, 'WWW-Authenticate') ?? '';
  const bearer = /(?:^|,) *Bearer(?: |,|$)/i.test(challenge);
  const ofReceiver = refusalCode(head) !== undefined;
  switch (head.status) {
    case 401:
      if (!bearer) return wrong('UNAUTHORIZED', 'a name and a password are wanted, or others than these', PASSWORD);
      if (patient.tokenHeader === undefined) return wrong('TOKEN_WANTED', 'the receiver wants a token', TOKEN);
      // RFC 6750 §3.1: whoever saw a token and did not like it says so.
      if (/error="invalid_token"/.test(challenge))
        return wrong('WRONG_TOKEN', 'the receiver wants another token', TOKEN);
      return wrong(
        'TOKEN_LOST',
        'the token was sent and did not arrive',
        inLocation(
          `Something on the way takes ${patient.tokenHeader} out`,
          patient.tokenHeader === 'Authorization' ? LINES.authorization : LINES.subprotocol,
        ),
      );
    case 403: {
      const who = ofReceiver
        ? 'the receiver does not let you in'
        : 'something in front of the receiver does not let you in';
      const advice = ofReceiver
        ? 'Ask who runs it.'
        : 'Look for deny, auth_request and satisfy in the server and the location, and for a firewall of the web.';
      return wrong('FORBIDDEN', who, { advice });
    }
    case 429:
    case 503: {
      const seconds = /^\d+$/.exec(header(head.headers, 'Retry-After') ?? '')?.[0];
      const advice = ofReceiver
        ? `Try again ${seconds === undefined ? 'later' : `in ${seconds} s`}: too many wrong tokens came from here, it is full, or it is being stopped.`
        : 'Look for limit_req and limit_conn in the server and the location, and whether the receiver runs.';
      return wrong('BUSY', `nobody is let in now, says ${ofReceiver ? 'the receiver' : nameOf(head)}`, { advice });
    }
    default:
      return undefined;
  }
}

const PASSWORD: Mend = {
  advice:
    'Set WSFERRY_URL=wss://NAME:PASSWORD@HOST/PATH; on the command line others could read it. (In nginx it is auth_basic that asks.)',
};

const TOKEN: Mend = {
  advice: 'Set WSFERRY_TOKEN to the token that the receiver was started with, or name its file with --token-file.',
};

function nameOf(head: ResponseHead): string {
  return printable(header(head.headers, 'Server') ?? 'something in front of the receiver');
}
