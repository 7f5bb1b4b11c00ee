import { HandshakeError, header } from '@wsferry/connection';
import { printable } from '@wsferry/transfer';
import { type Finding, ok } from './check.ts';
import { explainHandshake } from './handshake-failures.ts';
import type { Patient } from './patient.ts';
import { explainStatus } from './statuses.ts';

/** The opening handshake (RFC 6455 §4), as `send` does it. */
export async function checkUpgrade(patient: Patient): Promise<Finding> {
  try {
    const connection = await patient.connect();
    const server = serverOf(connection.response?.headers ?? []);
    void connection.close();
    return ok(`101 Switching Protocols${server === '' ? '' : `, from ${server}`}`, { server });
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error;
    const { response } = error;
    if (error.code === 'UNEXPECTED_STATUS' && response) return await explainStatus(response, patient);
    return await explainHandshake(error, patient);
  }
}

/** What the answer calls the one who gave it, nginx for one; a receiver of ours says nothing. */
export function serverOf(headers: Parameters<typeof header>[0]): string {
  const names = [header(headers, 'Server'), header(headers, 'Via')].filter((name) => name !== undefined);
  return printable(names.join(', ')).slice(0, 80);
}
