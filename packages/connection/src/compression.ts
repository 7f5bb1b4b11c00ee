import type { Role } from '@wsferry/frames';
import {
  acceptDeflate,
  answerDeflate,
  type DeflateParameters,
  MessageDeflater,
  MessageInflater,
  offerDeflate,
} from '@wsferry/frames/deflate';
import type { Accepted, ExtensionOffer } from '@wsferry/handshake';
import type { ConnectionOptions, DeflateSettings } from './options.ts';
import type { Compression } from './protocol-options.ts';

/** The settings behind the `deflate` option, or `undefined` when it is off. */
export function deflateSettings(deflate: ConnectionOptions['deflate']): DeflateSettings | undefined {
  if (deflate === undefined || deflate === false) return undefined;
  return deflate === true ? {} : deflate;
}

/** The extensions that a client offers, as a header value; `undefined` when `deflate` is off. */
export function offeredExtensions(deflate: ConnectionOptions['deflate']): string | undefined {
  const settings = deflateSettings(deflate);
  return settings && offerDeflate(settings);
}

/** A server's answer to the extensions that a client offers, as `ServerPolicy` wants it; `undefined` when `deflate` is off. */
export function negotiator(deflate: ConnectionOptions['deflate']) {
  const settings = deflateSettings(deflate);
  return settings && ((offers: readonly ExtensionOffer[]) => answerDeflate(offers, settings)?.header);
}

/**
 * What the answer that the server gave agrees on for permessage-deflate, if anything. A client judges it by what it
 * offered and throws `DeflateNegotiationError`; a server knows that its own answer is good.
 */
export function agreedDeflate(
  role: Role,
  { extensions }: Accepted,
  deflate: ConnectionOptions['deflate'],
): DeflateParameters | undefined {
  const answer = extensions.find(({ name }) => name === 'permessage-deflate');
  return answer && acceptDeflate(answer, role === 'client' ? deflateSettings(deflate) : {});
}

/** What compresses and decompresses as it was agreed; `undefined` when it was not. `release` it with the connection. */
export function compressionFor(
  role: Role,
  parameters: DeflateParameters | undefined,
  level: number | undefined,
): (Compression & { release(): void }) | undefined {
  if (parameters === undefined) return undefined;
  const deflater = new MessageDeflater({ role, parameters, ...(level === undefined ? {} : { level }) });
  const inflater = new MessageInflater({ role, parameters });
  return {
    deflater,
    inflater,
    release: () => {
      deflater.release();
      inflater.release();
    },
  };
}
