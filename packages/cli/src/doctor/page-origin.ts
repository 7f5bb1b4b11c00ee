import { HandshakeError, isFixedHost, refusalCode } from '@wsferry/connection';
import { type Finding, ok, skipped } from './check.ts';
import { inLocation, LINES } from './nginx.ts';
import type { Patient } from './patient.ts';
import { serverOf } from './upgrade.ts';

/** Whether a page that was loaded from this very server may connect, as the demo's does. Programs send no Origin. */
export async function checkPageOrigin(patient: Patient): Promise<Finding> {
  const { address, secure } = patient;
  if (address.protocol === 'ws+unix:') return skipped('no page reaches a Unix socket');
  const origin = `${secure ? 'https' : 'http'}://${address.host}`;
  try {
    const connection = await patient.connect({ headers: [['Origin', origin]] });
    void connection.close();
    return ok(`a page of ${origin} may connect`);
  } catch (error) {
    if (!(error instanceof HandshakeError) || !error.response) throw error;
    const { response } = error;
    const status = `${response.status} ${response.reason}`.trim();
    if (refusalCode(response) !== 'ORIGIN_REFUSED') {
      return {
        severity: 'warning',
        code: 'ORIGIN_REFUSED',
        summary: `a page of ${origin} gets ${status}, not from the receiver`,
        because: 'Programs can connect, pages cannot.',
        mend: { advice: 'Look for what judges $http_origin in the server and the location.' },
      };
    }
    const allow = `wsferry serve --allow-origin ${origin}`;
    // A name proves nothing, so such pages are let in by list alone: to whom that matters has read it.
    if (!isFixedHost(address.host)) {
      return ok(`a page of ${origin} may not connect, programs may ("${allow}" lets it)`, { origin: 'not listed' });
    }
    if (serverOf(response.headers) === '') {
      return {
        severity: 'warning',
        code: 'ORIGIN_REFUSED',
        summary: `a page of ${origin} may not connect, programs may`,
        because: 'The receiver has a list of pages, and this one is not on it.',
        mend: { advice: `If it shall: ${allow}` },
      };
    }
    return {
      severity: 'wrong',
      code: 'HOST_LOST',
      summary: `a page of ${origin} gets ${status}: the receiver is told another Host`,
      because: 'Pages of this very server cannot connect, because they seem to be of another. Programs can.',
      mend: inLocation('nginx puts the address of proxy_pass in its place, and $host loses the port', LINES.host),
    };
  }
}
