/** The extension's name in `Sec-WebSocket-Extensions` (RFC 7692 §7). */
export const EXTENSION_NAME = 'permessage-deflate';

/** The largest window of DEFLATE, and what holds where nothing was said (RFC 7692 §7.1.2). */
export const MAX_WINDOW_BITS = 15;
const MIN_WINDOW_BITS = 8;

/** What both sides agreed on (RFC 7692 §7.1). Windows are 2^bits bytes, bits 8–15; 15 where nothing was said. */
export interface DeflateParameters {
  /** The server forgets each message once it is compressed. */
  readonly serverNoContextTakeover: boolean;
  /** The client forgets each message once it is compressed. */
  readonly clientNoContextTakeover: boolean;
  /** How far back the server's compression reaches. */
  readonly serverMaxWindowBits: number;
  /** How far back the client's compression reaches. */
  readonly clientMaxWindowBits: number;
}

/** What we want of an agreement, as a client or as a server. All optional; a RangeError where bits are not 8–15. */
export interface DeflateOptions {
  /** True: the server must not keep context between messages. Default false: it may. */
  readonly serverNoContextTakeover?: boolean;
  /** True: the client must not keep context between messages. Default false: it may. */
  readonly clientNoContextTakeover?: boolean;
  /** The server's window at most. Default 15. */
  readonly serverMaxWindowBits?: number;
  /**
   * The client's window at most. Default 15, and a client then offers to take a smaller one that the server names.
   * `false`: a client does not offer that, and a server never names one.
   */
  readonly clientMaxWindowBits?: number | false;
}

/** One extension of an offer or answer, as `@wsferry/handshake` parses it: values unquoted, `true` for none. */
export interface ExtensionElement {
  readonly name: string;
  readonly params: ReadonlyArray<readonly [name: string, value: string | true]>;
}

/** Options with their defaults. Throws RangeError for bits that are not 8–15. */
export function checkedOptions(options: DeflateOptions): DeflateParameters & { readonly limitsClient: boolean } {
  const { serverMaxWindowBits = MAX_WINDOW_BITS, clientMaxWindowBits = MAX_WINDOW_BITS } = options;
  return {
    serverNoContextTakeover: options.serverNoContextTakeover === true,
    clientNoContextTakeover: options.clientNoContextTakeover === true,
    serverMaxWindowBits: wholeNumber('serverMaxWindowBits', serverMaxWindowBits, MIN_WINDOW_BITS, MAX_WINDOW_BITS),
    clientMaxWindowBits:
      clientMaxWindowBits === false
        ? MAX_WINDOW_BITS
        : wholeNumber('clientMaxWindowBits', clientMaxWindowBits, MIN_WINDOW_BITS, MAX_WINDOW_BITS),
    limitsClient: clientMaxWindowBits !== false,
  };
}

/** Window bits as a caller gave them, or RangeError. */
export function checkedWindowBits(name: string, bits: number): number {
  return wholeNumber(name, bits, MIN_WINDOW_BITS, MAX_WINDOW_BITS);
}

/** `value` if it is a whole number from `least` to `most`, or RangeError. */
export function wholeNumber(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(`expected ${name} to be a whole number from ${least} to ${most}, got ${value}`);
}
