import { createHash, timingSafeEqual } from 'node:crypto';
import type { Peer } from './addresses.ts';
import { checkedToken } from './credentials.ts';
import { FailedAttempts, type FailedAttemptsOptions } from './failed-attempts.ts';
import type { RequestHead } from './head.ts';
import { headerValues, tokens } from './headers.ts';
import type { Refusal } from './refusal.ts';

/** What {@link bearerToken} takes. The numbers are about wrong tokens. */
export interface BearerTokenOptions extends FailedAttemptsOptions {
  /** Who has it is let in: 16 to 4096 letters, digits and `-._~+/`, perhaps `=` at the end (RFC 6750 §2.1). */
  readonly token: string;
  /** What the token is for, as `WWW-Authenticate` names it. Default `wsferry`. */
  readonly realm?: string | undefined;
  /**
   * Takes the token from the offered subprotocols, too: the one that begins so ends with the token in base64url. A
   * browser's WebSocket can send it no other way. Such a subprotocol is never chosen unless the policy's own
   * `selectProtocol` chooses it. Default: only the header Authorization counts.
   */
  readonly protocolPrefix?: string | undefined;
}

/** Judges a request, of WebSocket or of HTTP: `undefined` lets in. */
export type TokenGuard = (request: Pick<RequestHead, 'headers'>, peer?: Peer) => Refusal | undefined;

/**
 * A `refuse` for a server's policy that lets in whoever has a token (RFC 6750): `listen({ refuse: bearerToken({ token }) })`.
 * It is compared in constant time. Refusals are 401 with `WWW-Authenticate: Bearer`, and 429 with `Retry-After` for an
 * address that sent too many wrong tokens; that one has to wait even with the right one. No token at all is not a wrong one.
 *
 * @throws HandshakeError BAD_CREDENTIALS: the token is too short, too long, or cannot be sent
 * @throws RangeError a limit that is none
 */
export function bearerToken(options: BearerTokenOptions): TokenGuard {
  const { token, realm = 'wsferry', protocolPrefix } = options;
  const expected = digestOf(checkedToken(token, 16));
  const failed = new FailedAttempts(options);
  const challenge = `Bearer realm="${realm.replace(/["\\]/g, '\\$&')}"`;

  return ({ headers }, { remoteAddress } = {}) => {
    const given = tokensOf(headers, protocolPrefix);
    if (given.length === 0) {
      // RFC 6750 §3.1: no error code for who did not know that a token is wanted.
      return { status: 401, message: 'expected a bearer token, got none', headers: [['WWW-Authenticate', challenge]] };
    }
    const waitMs = failed.waitMs(remoteAddress);
    if (waitMs > 0) {
      const seconds = Math.ceil(waitMs / 1000);
      return {
        status: 429,
        message: `expected fewer wrong tokens from one address; try again in ${seconds} s`,
        headers: [
          ['Retry-After', String(seconds)],
          ['WWW-Authenticate', challenge],
        ],
      };
    }
    // One a request: several would be several guesses for the price of one.
    if (given.length === 1 && timingSafeEqual(digestOf(given[0]!), expected)) return undefined;
    failed.add(remoteAddress);
    const message = given.length === 1 ? 'got another one' : `got ${given.length}`;
    return {
      status: 401,
      message: `expected the bearer token of this server, ${message}`,
      headers: [['WWW-Authenticate', `${challenge}, error="invalid_token"`]],
    };
  };
}

/** Every token of a request. Other schemes (a proxy's Basic) are somebody else's. */
function tokensOf(headers: RequestHead['headers'], protocolPrefix: string | undefined): string[] {
  const found: string[] = [];
  for (const value of headerValues(headers, 'Authorization')) {
    const bearer = /^Bearer(?: +(.*))?$/i.exec(value);
    if (bearer) found.push(bearer[1] ?? '');
  }
  if (protocolPrefix === undefined) return found;
  for (const protocol of tokens(headerValues(headers, 'Sec-WebSocket-Protocol').join(','))) {
    if (protocol.startsWith(protocolPrefix)) found.push(fromBase64Url(protocol.slice(protocolPrefix.length)));
  }
  return found;
}

function fromBase64Url(text: string): string {
  return Buffer.from(text, 'base64url').toString('utf8');
}

/** Digests have one length, so that comparing them tells nothing about the token's. */
function digestOf(token: string): Uint8Array {
  return createHash('sha256').update(token).digest();
}
