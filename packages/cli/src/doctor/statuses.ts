import type { ResponseHead } from '@wsferry/connection';
import { header, redirectTarget, refusalCode } from '@wsferry/connection';
import { printable } from '@wsferry/transfer';
import type { Finding, Mend } from './check.ts';
import { explainDoor } from './door.ts';
import { inLocation, LINES, LOCATION_LINES, UPGRADE_LINES } from './nginx.ts';
import type { Patient } from './patient.ts';
import { speaksTls } from './tls.ts';

const NOBODY = 'Nobody can connect.';

/** What the receiver found wrong with the request that reached it, and what brings it back. */
const LOST: Readonly<Record<string, { readonly arrived: string; readonly mend: Mend }>> = {
  BAD_HTTP_VERSION: {
    arrived: 'in HTTP/1.0, in which nothing can be upgraded',
    mend: inLocation(
      'nginx before 1.29.7 speaks HTTP/1.0 to what is behind it unless it is told otherwise',
      LINES.version,
    ),
  },
  NOT_AN_UPGRADE: {
    arrived: 'without its Upgrade',
    mend: inLocation(
      'nginx does not hand Upgrade and Connection on unless it is told to',
      LINES.upgrade,
      LINES.connection,
    ),
  },
  BAD_CONNECTION: {
    arrived: 'without "Connection: Upgrade"',
    mend: inLocation('nginx sends "Connection: close" unless it is told otherwise', LINES.connection),
  },
  BAD_HOST: {
    arrived: 'without a Host that is one',
    mend: inLocation('Something on the way empties or doubles Host', LINES.host),
  },
  BAD_KEY: {
    arrived: 'without its Sec-WebSocket-Key',
    mend: inLocation('Something on the way takes it out or doubles it', LINES.key),
  },
  BAD_VERSION: {
    arrived: 'without "Sec-WebSocket-Version: 13"',
    mend: inLocation('Something on the way takes it out or changes it', LINES.webSocketVersion),
  },
  BAD_PROTOCOL: {
    arrived: 'with a Sec-WebSocket-Protocol that is none',
    mend: inLocation('Something on the way changes it', LINES.subprotocol),
  },
  BAD_EXTENSIONS: {
    arrived: 'with a Sec-WebSocket-Extensions that is none',
    mend: inLocation('Something on the way changes it', LINES.extensions),
  },
  ORIGIN_REFUSED: {
    arrived: 'with an Origin that was not sent',
    mend: inLocation('Something on the way adds it, as if a page had asked', LINES.origin),
  },
  BAD_METHOD: {
    arrived: 'with another method than GET',
    mend: inLocation('proxy_method changes it', 'proxy_method GET;'),
  },
  NOT_FOUND: {
    arrived: 'with a path that is not served there',
    mend: inLocation(
      'Check the path in the address. A / at the end of proxy_pass takes away what the location matched',
      `${LINES.pass.slice(0, -1)}/;`,
    ),
  },
};

/** What an answer other than 101 means: of the receiver, or of somebody in front of it. */
export async function explainStatus(head: ResponseHead, patient: Patient): Promise<Finding> {
  const status = printable(`${head.status} ${head.reason}`.trim());
  const wrong = (code: string, summary: string, mend: Mend, because = NOBODY): Finding => {
    return { severity: 'wrong', code, summary, because, mend, facts: { status: head.status } };
  };
  const code = refusalCode(head);
  const lost = code === undefined ? undefined : LOST[code];
  if (lost) return wrong(code!, `${status}: the request reached the receiver ${lost.arrived}`, lost.mend);

  const target = redirectTarget(head, patient.address);
  if (target) {
    const summary = `${status}: it points to ${printable(target.href)}`;
    const advice = `Look there ("wsferry doctor ${printable(target.href)}"), and send there if you trust it.`;
    return wrong('REDIRECTED', summary, { advice }, 'Nobody is led there: redirects are not followed.');
  }
  const door = explainDoor(head, status, patient);
  if (door) return door;
  if (head.status === 400 && !patient.secure && (await speaksTls(patient))) {
    const advice = `Write ${patient.name.replace(/^ws:/, 'wss:')}.`;
    return wrong('TLS_THERE', `${status}: TLS is spoken at this port`, { advice }, 'Nobody can connect with ws:.');
  }
  switch (head.status) {
    case 502:
      return wrong(
        'NOBODY_BEHIND',
        `${status}: what answers here finds nobody behind it`,
        inLocation('Start the receiver ("wsferry serve"), or put its address there', LINES.pass),
      );
    case 504:
      return wrong('SILENT_BEHIND', `${status}: what is behind does not answer in time`, {
        advice: 'Look whether the receiver still runs, and whether the address in proxy_pass is its own.',
      });
    case 404:
      return wrong('NOT_FOUND', `${status}: nothing is served at ${printable(patient.address.pathname || '/')}`, {
        advice: 'Check the path in the address, or give it a location whose proxy_pass leads to the receiver',
        lines: [`location ${locationOf(patient)} {`, ...LOCATION_LINES.map((line) => `    ${line}`), '}'],
        block: 'the server block',
      });
    default: {
      const page = /html/i.test(header(head.headers, 'Content-Type') ?? '') ? ', with a page' : '';
      const summary = `${status}${page}: the request was not taken for an upgrade`;
      const advice = 'If a proxy stands in between, it takes the upgrade away. nginx needs all of these lines';
      return wrong('UPGRADE_LOST', summary, inLocation(advice, ...UPGRADE_LINES));
    }
  }
}

function locationOf({ address }: Patient): string {
  // What nginx would read as something else than a path stays out of a line that is to be copied.
  return /^\/[\w./~-]*$/.test(address.pathname) ? address.pathname : '/';
}
