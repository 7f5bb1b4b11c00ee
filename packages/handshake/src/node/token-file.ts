import { open } from 'node:fs/promises';
import { checkedToken } from '../credentials.ts';
import { HandshakeError } from '../errors.ts';

/** A secret that lies in a file. */
export interface TokenFile {
  readonly token: string;
  /** Whether everybody on this machine may read it (never on Windows, whose rights are not looked at). */
  readonly readableByOthers: boolean;
}

/** Far more than a token: whoever names `/dev/zero` or a film hears so at once. */
const MAX_FILE_BYTES = 8192;

/**
 * The token in a file, for `bearerToken` and `bearerAuthorization`: one line, the line end behind it does not count.
 * `minLength` is 16 for a server, which must not be guessed, and 1 by default.
 *
 * @throws HandshakeError (as a rejection) BAD_CREDENTIALS: more than a line, too short, too long, cannot be sent.
 * @throws Node's own error when the file cannot be read
 */
export async function readTokenFile(path: string, { minLength = 1 } = {}): Promise<TokenFile> {
  const file = await open(path, 'r');
  try {
    const { mode } = await file.stat();
    const bytes = new Uint8Array(MAX_FILE_BYTES);
    let length = 0;
    // A pipe (`--token-file <(…)`) gives it in pieces.
    for (let bytesRead = 1; bytesRead > 0 && length < MAX_FILE_BYTES; length += bytesRead) {
      ({ bytesRead } = await file.read(bytes, length, MAX_FILE_BYTES - length, null));
    }
    const text = new TextDecoder().decode(bytes.subarray(0, length)).replace(/\r?\n$/, '');
    if (/\n/.test(text)) throw new HandshakeError('BAD_CREDENTIALS', 'expected one line with a token, got more');
    const readableByOthers = process.platform !== 'win32' && (mode & 0o004) !== 0;
    return { token: checkedToken(text, minLength), readableByOthers };
  } finally {
    await file.close();
  }
}
