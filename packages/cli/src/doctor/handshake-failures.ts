import type { HandshakeError } from '@wsferry/connection';
import type { Finding, Mend } from './check.ts';
import { inLocation, passHeader } from './nginx.ts';
import type { Patient } from './patient.ts';
import { speaksTls } from './tls.ts';

const NOBODY = 'Nobody can connect.';

/** A 101 whose headers were taken out or changed on their way back, by the error that it makes. */
const HIDDEN: Readonly<Record<string, string>> = {
  BAD_UPGRADE: 'Upgrade',
  BAD_CONNECTION: 'Connection',
  BAD_ACCEPT: 'Sec-WebSocket-Accept',
  BAD_PROTOCOL: 'Sec-WebSocket-Protocol',
  UNREQUESTED_PROTOCOL: 'Sec-WebSocket-Protocol',
  BAD_EXTENSIONS: 'Sec-WebSocket-Extensions',
  UNREQUESTED_EXTENSION: 'Sec-WebSocket-Extensions',
};

/** What a handshake means that failed without a status of its own: a broken 101, silence, or something that is not HTTP. */
export async function explainHandshake(error: HandshakeError, patient: Patient): Promise<Finding> {
  const wrong = (code: string, summary: string, mend: Mend): Finding => {
    return { severity: 'wrong', code, summary, because: NOBODY, mend };
  };
  const name = HIDDEN[error.code];
  if (name !== undefined) {
    const mend = inLocation(
      'Something on the way takes it out or changes it (proxy_hide_header, add_header)',
      passHeader(name),
    );
    return wrong(error.code, `101, but its ${name} is not the receiver's`, mend);
  }
  if (error.code === 'TIMEOUT') {
    return wrong('TIMEOUT', 'the connection is taken, and the request gets no answer', {
      advice: 'Look whether what listens there still runs, and whether nginx reaches the address in its proxy_pass.',
    });
  }
  if (!patient.secure && (await speaksTls(patient))) {
    return wrong('TLS_THERE', 'TLS is spoken at this port', {
      advice: `Write ${patient.name.replace(/^ws:/, 'wss:')}.`,
    });
  }
  const { code, message } = patient.explain(error);
  return wrong(code, message, { advice: 'Check the port: something else than a web server listens there.' });
}
