import type { X509Certificate } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import { systemCode } from '../errors.ts';
import { type Finding, type Mend, ok, skipped } from './check.ts';
import { inServer } from './nginx.ts';
import type { Patient } from './patient.ts';

/** Whether the server's TLS and its certificate are good for this address, by the same rules as `send`. */
export async function checkTls(patient: Patient): Promise<Finding> {
  if (!patient.secure) return skipped(`${patient.address.protocol} has no TLS`);
  try {
    const socket = await patient.dial('wss:', patient.tls);
    const { authorized, authorizationError } = socket as TLSSocket;
    const version = (socket as TLSSocket).getProtocol();
    socket.destroy();
    if (authorized) return ok(`${version}, and the certificate is trusted`);
    return {
      severity: 'warning',
      code: 'TLS_UNTRUSTED',
      summary: `the certificate is not trusted (${String(authorizationError)}), and --insecure overlooks it`,
      because: 'Anybody in between could read and change what is sent.',
    };
  } catch (error) {
    return await explainTls(error, patient);
  }
}

/** The certificate that is shown there, trusted or not; nothing is said to whoever shows it. */
export async function lookAtCertificate(patient: Patient): Promise<{ own?: X509Certificate; isAlone: boolean }> {
  try {
    const socket = await patient.dial('wss:', { ...patient.tls, rejectUnauthorized: false });
    if (!(socket instanceof TLSSocket)) return { isAlone: false };
    const own = socket.getPeerX509Certificate();
    const { issuerCertificate } = socket.getPeerCertificate(true);
    socket.destroy();
    return { ...(own && { own }), isAlone: issuerCertificate === undefined };
  } catch {
    return { isAlone: false };
  }
}

const BECAUSE = 'Nobody sends there: whoever answers cannot prove who it is.';

async function explainTls(error: unknown, patient: Patient): Promise<Finding> {
  const { hostname } = patient.address;
  const wrong = (code: string, summary: string, mend: Mend, because = BECAUSE): Finding => ({
    severity: 'wrong',
    code,
    summary,
    because,
    mend,
  });
  const files = (name: string) => [
    `ssl_certificate /etc/letsencrypt/live/${name}/fullchain.pem;`,
    `ssl_certificate_key /etc/letsencrypt/live/${name}/privkey.pem;`,
  ];
  const system = systemCode(error);
  const { code, message, hint } = patient.explain(error);
  if (!code.startsWith('TLS_')) return explainNoTls(message, patient);
  if (system === 'CERT_HAS_EXPIRED') {
    const { own } = await lookAtCertificate(patient);
    const when = own ? `on ${day(own.validTo)}` : 'already';
    const advice = 'Renew it ("certbot renew"), and let nginx read it: nginx -s reload.';
    return wrong('TLS_EXPIRED', `the certificate expired ${when}`, { advice });
  }
  if (system === 'CERT_NOT_YET_VALID') {
    const { own } = await lookAtCertificate(patient);
    const when = own ? `before ${day(own.validFrom)}` : 'yet';
    const advice = `Set the clocks: here it is ${new Date().toISOString().slice(0, 16).replace('T', ' ')} (UTC).`;
    return wrong('TLS_NOT_YET_VALID', `the certificate is not valid ${when}`, { advice });
  }
  if (code === 'TLS_WRONG_NAME') {
    const advice = `Write the address with a name that the certificate has, or get one for ${hostname} and name it`;
    return wrong(code, message, inServer(hostname, advice, `server_name ${hostname};`, ...files(hostname)));
  }
  if (system === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' && (await lookAtCertificate(patient)).isAlone) {
    const advice = 'Name the file with the whole chain (or, if its authority is your own, give that to --ca FILE)';
    const summary = 'the certificate comes without the one that signed it';
    return wrong('TLS_NO_CHAIN', summary, inServer(hostname, advice, files(hostname)[0]!));
  }
  const advice = 'If its authority is your own, name it with --ca FILE.';
  return wrong(code, message, { advice: code === 'TLS_UNTRUSTED' ? advice : (hint ?? advice) });
}

/** Perhaps it speaks HTTP in plain, or knows no server of this name. */
function explainNoTls(message: string, patient: Patient): Finding {
  const { hostname, port } = patient.address;
  const plain = patient.name.replace(/^wss:/, 'ws:');
  const because = 'Nobody can connect with wss:.';
  return {
    severity: 'wrong',
    code: 'NOT_TLS',
    summary: message,
    because,
    mend: inServer(
      hostname,
      `Write ${plain} if no TLS is meant to be there; else nginx has to listen with ssl, for this name`,
      `listen ${port || 443} ssl;`,
      `server_name ${hostname};`,
    ),
  };
}

/** `2026-09-01`, from what OpenSSL writes: `Sep  1 12:00:00 2026 GMT`. */
export function day(text: string): string {
  return new Date(text).toISOString().slice(0, 10);
}

/** Whether TLS is spoken at the port that ws: was tried at. */
export async function speaksTls(patient: Patient): Promise<boolean> {
  if (patient.address.protocol !== 'ws:') return false;
  try {
    (await patient.dial('wss:', { rejectUnauthorized: false })).destroy();
    return true;
  } catch {
    return false;
  }
}
