import { X509Certificate } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';

/**
 * Whether a certificate is for `host` (RFC 2818 §3.1): Node's own check, but for IPv6 addresses OpenSSL's. Some Nodes, such
 * as 22.23, take an IPv6 address for a name and find it in no certificate.
 */
export function checkIdentity(host: string, certificate: PeerCertificate): Error | undefined {
  if (!isIPv6(host)) return checkServerIdentity(host, certificate);
  if (new X509Certificate(certificate.raw).checkIP(host) !== undefined) return undefined;
  const message = `expected a certificate for the address ${host}, got one for ${certificate.subjectaltname ?? 'none'}`;
  return Object.assign(new Error(message), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
}
