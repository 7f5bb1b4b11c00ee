import { resolve } from 'node:path';
import { checkedToken, readTokenFile } from '@wsferry/connection';
import { CliError, explainFile, messageOf } from './errors.ts';
import { ExitCode } from './exit-codes.ts';
import type { Reporter } from './reporters/reporter.ts';

/** The shortest token a receiver takes for itself: sixteen characters of `openssl rand -base64 24` are 96 bits. */
export const MIN_TOKEN_LENGTH = 16;

/** Who may come in, or who we are. */
export interface Token {
  readonly token: string;
  /** Where it is from, as the user knows it: `WSFERRY_TOKEN`, or the option and its file. */
  readonly from: string;
}

/** Where to look for one. Never in the command line, which `ps` shows to everybody on this machine. */
export interface TokenOptions {
  readonly tokenFile?: string | undefined;
  readonly cwd: string;
  /** 1 by default: a receiver's own is its affair. */
  readonly minLength?: number;
}

/**
 * The token that --token-file names, else WSFERRY_TOKEN; `undefined` when there is neither. An empty variable is no token
 * but a mistake: a receiver would open its door to everybody.
 *
 * @throws CliError BAD_TOKEN (as a rejection)
 */
export async function readToken(
  { tokenFile, cwd, minLength = 1 }: TokenOptions,
  reporter: Reporter,
): Promise<Token | undefined> {
  if (tokenFile !== undefined) {
    const from = `--token-file ${resolve(cwd, tokenFile)}`;
    const { token, readableByOthers } = await readTokenFile(resolve(cwd, tokenFile), { minLength }).catch((error) => {
      throw badToken(from, error);
    });
    if (readableByOthers) {
      const message = `${from}: everybody on this machine can read the token; chmod 600 keeps it to yourself`;
      reporter.report({ event: 'warning', message });
    }
    return { token, from };
  }
  const token = process.env['WSFERRY_TOKEN'];
  if (token === undefined) return undefined;
  try {
    return { token: checkedToken(token, minLength), from: 'WSFERRY_TOKEN' };
  } catch (error) {
    throw badToken('WSFERRY_TOKEN', error);
  }
}

function badToken(from: string, cause: unknown): CliError {
  const isNone = (cause as { code?: unknown }).code === 'BAD_CREDENTIALS';
  const message = `${from}: ${isNone ? messageOf(cause) : explainFile(cause).message}`;
  const hint = isNone ? { hint: 'openssl rand -base64 24 makes a good one' } : {};
  return new CliError('BAD_TOKEN', message, ExitCode.Usage, { ...hint, cause });
}
