import { openSession } from '@wsferry/transfer';
import { type Finding, ok } from './check.ts';
import { inLocation, LINES, passHeader } from './nginx.ts';
import type { Patient } from './patient.ts';

/** Whether permessage-deflate (RFC 7692) comes about when it is offered, as `send --compress` does. */
export async function checkCompression(patient: Patient): Promise<Finding> {
  const connection = await patient.connect({ deflate: true });
  const session = openSession(connection, { role: 'opener' });
  try {
    if (connection.deflate) return ok('permessage-deflate is agreed on when it is offered');
    const { deflate } = await patient.answer(session.about()).catch(() => ({ deflate: undefined }));
    const lost = {
      severity: 'warning',
      code: 'EXTENSIONS_LOST',
      because: '"send --compress" does not compress.',
    } as const;
    switch (deflate) {
      case 'not offered':
        return {
          ...lost,
          summary: 'the receiver would take permessage-deflate, and the offer does not arrive',
          mend: inLocation('Something on the way takes Sec-WebSocket-Extensions out', LINES.extensions),
        };
      case 'agreed':
        return {
          ...lost,
          severity: 'wrong',
          summary: 'the receiver takes permessage-deflate, and its answer does not arrive',
          because: 'With "send --compress" the two speak differently from then on, and the connection fails.',
          mend: inLocation(
            'Something on the way takes Sec-WebSocket-Extensions out of the answer (proxy_hide_header)',
            passHeader('Sec-WebSocket-Extensions'),
          ),
        };
      case 'off':
        return ok('the receiver does not compress (--no-compress)');
      default:
        return ok('permessage-deflate is not agreed on: the receiver does not want it, or does not hear of it');
    }
  } finally {
    void session.close();
  }
}
