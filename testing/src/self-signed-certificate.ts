import { isIP } from 'node:net';
import { generate } from 'selfsigned';

export interface CertificateOptions {
  /** Names and IP addresses. Default `localhost`, 127.0.0.1 and ::1. */
  readonly names?: readonly string[];
  /** Default: a day from now on. */
  readonly from?: Date;
  readonly to?: Date;
  /** Who signs it. Default: itself. */
  readonly issuer?: { readonly cert: string; readonly key: string };
}

/** A certificate in PEM, for TLS tests only: by default one of its own for this machine, valid for a day. */
export async function selfSignedCertificate(options: CertificateOptions = {}): Promise<{ cert: string; key: string }> {
  const { names = ['localhost', '127.0.0.1', '::1'], from, issuer } = options;
  const { cert, private: key } = await generate([{ name: 'commonName', value: names[0]! }], {
    keySize: 2048,
    algorithm: 'sha256',
    ...(from && { notBeforeDate: from }),
    notAfterDate: options.to ?? new Date(Date.now() + 86_400_000),
    ...(issuer && { ca: issuer }),
    extensions: [
      { name: 'basicConstraints', cA: true },
      {
        name: 'subjectAltName',
        altNames: names.map((name) => (isIP(name) ? { type: 7, ip: name } : { type: 2, value: name })),
      },
    ],
  });
  return { cert: `${cert.trim()}\n`, key };
}
