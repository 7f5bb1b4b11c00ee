import { createRequest, encodeRequestHead, type HeaderList } from '@wsferry/handshake';
import { bad } from './checked-options.ts';
import { ConnectionError } from './errors.ts';

/** What `connect` is to ask for, as its caller gave it. */
export interface Offer {
  readonly url: URL;
  readonly protocols: readonly string[] | undefined;
  readonly headers: HeaderList | undefined;
  readonly extensions: string | undefined;
}

/** The sample of RFC 6455 §1.3: what is written here is not sent. */
const SAMPLE_KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

/**
 * Judges a request before anything is opened, by writing it: a mistake of ours costs the server no connection, and is
 * found out also where there is no server. No message shows a header's value: it may be a password.
 *
 * @throws ConnectionError BAD_ARGUMENT: no lists of what they should hold
 * @throws HandshakeError BAD_PROTOCOL, BAD_HEADER, BAD_CREDENTIALS, BAD_REQUEST_LINE: what cannot be sent
 */
export function checkOffer({ url, protocols, headers, extensions }: Offer): void {
  if (protocols !== undefined && !isListOf(protocols, (one) => typeof one === 'string')) {
    throw bad('protocols', 'a list of strings', protocols);
  }
  if (headers !== undefined && !isListOf(headers, isPair)) {
    const expected = "expected headers to be a list of pairs such as [['Authorization', 'Bearer …']]";
    const got = Array.isArray(headers) ? 'a list of something else' : typeof headers;
    throw new ConnectionError('BAD_ARGUMENT', `${expected}, got ${got}`);
  }
  encodeRequestHead(createRequest({ url, key: SAMPLE_KEY, protocols, headers, extensions }));
}

function isListOf(value: unknown, isOne: (one: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isOne);
}

function isPair(value: unknown): boolean {
  return isListOf(value, (one) => typeof one === 'string') && (value as unknown[]).length === 2;
}
