import { printable, SUBPROTOCOL } from '@wsferry/transfer';
import { type Finding, ok } from './check.ts';
import { inLocation, LINES, passHeader } from './nginx.ts';
import type { Patient } from './patient.ts';

/** Whether the server agrees to speak wsferry. */
export async function checkSubprotocol(patient: Patient): Promise<Finding> {
  const connection = await patient.connect();
  try {
    if (connection.protocol === SUBPROTOCOL) return ok(`agreed on ${SUBPROTOCOL}`);
    // A receiver that was not asked for it closes at once, and its Close comes before any Pong.
    await patient.answer(connection.ping()).catch(() => {});
    const { reason } = connection.readyState === 1 ? { reason: '' } : await connection.closed;
    const because = 'No file can be sent.';
    const other = /wsferry\.v(\d+)/.exec(reason)?.[0];
    if (other !== undefined && other !== SUBPROTOCOL) {
      return {
        severity: 'wrong',
        code: 'OTHER_VERSION',
        summary: `the receiver speaks ${other}, and this program ${SUBPROTOCOL}`,
        because,
        mend: { advice: 'Update the older of the two.' },
      };
    }
    if (other !== undefined) {
      return {
        severity: 'wrong',
        code: 'SUBPROTOCOL_LOST',
        summary: `the receiver speaks ${SUBPROTOCOL}, and was not asked for it ("${printable(reason)}")`,
        because,
        mend: inLocation('Something on the way takes Sec-WebSocket-Protocol out', LINES.subprotocol),
      };
    }
    return {
      severity: 'wrong',
      code: 'NOT_WSFERRY',
      summary: `WebSocket is spoken there, and ${SUBPROTOCOL} was not agreed on`,
      because,
      mend: inLocation(
        'Check the port and the path: it may be another program. If it is a receiver, its answer loses Sec-WebSocket-Protocol on the way (proxy_hide_header)',
        passHeader('Sec-WebSocket-Protocol'),
      ),
    };
  } finally {
    void connection.close();
  }
}
