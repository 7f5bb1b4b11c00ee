import { type Finding, ok, skipped } from './check.ts';
import type { Patient } from './patient.ts';
import { day, lookAtCertificate } from './tls.ts';

const DAY_MS = 86_400_000;
/** Who renews by a program has done it 30 days before the end; who does it by hand needs some days. */
const SOON_MS = 14 * DAY_MS;

/** How long the certificate still holds. */
export async function checkCertificate(patient: Patient): Promise<Finding> {
  if (!patient.secure) return skipped(`${patient.address.protocol} has no TLS`);
  const { own } = await lookAtCertificate(patient);
  if (!own) return skipped('the server shows no certificate');
  return judgeLifetime(own.validFrom, own.validTo, Date.now());
}

/** @param now milliseconds since 1970 */
export function judgeLifetime(validFrom: string, validTo: string, now: number): Finding {
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
  const leftMs = to - now;
  const days = Math.floor(leftMs / DAY_MS);
  const left = days >= 2 ? `${days} days` : `${Math.max(0, Math.floor(leftMs / 3_600_000))} hours`;
  const summary = `the certificate holds until ${day(validTo)}, ${left} more`;
  const facts = { validTo: new Date(to).toISOString(), leftMs };
  // One that is made for a few days is not old on its first.
  if (leftMs >= SOON_MS || leftMs >= (to - from) / 3) return ok(summary, facts);
  return {
    severity: 'warning',
    code: 'TLS_EXPIRES_SOON',
    summary,
    because: 'After that day nobody can connect.',
    mend: { advice: 'Renew it ("certbot renew"), and let nginx read it: nginx -s reload.' },
    facts,
  };
}
