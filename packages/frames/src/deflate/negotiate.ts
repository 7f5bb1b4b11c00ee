import { DeflateNegotiationError, type DeflateNegotiationErrorCode } from './negotiation-error.ts';
import {
  checkedOptions,
  type DeflateOptions,
  type DeflateParameters,
  EXTENSION_NAME,
  type ExtensionElement,
  MAX_WINDOW_BITS,
} from './parameters.ts';

const SERVER_TAKEOVER = 'server_no_context_takeover';
const CLIENT_TAKEOVER = 'client_no_context_takeover';
const SERVER_WINDOW = 'server_max_window_bits';
const CLIENT_WINDOW = 'client_max_window_bits';

/** An agreement as a server makes it. */
export interface DeflateAnswer {
  /** The extension's part of the response's `Sec-WebSocket-Extensions`. */
  readonly header: string;
  readonly parameters: DeflateParameters;
}

/** The four parameters as they were written: absent, present, and with which number. */
interface Written {
  serverTakeover: boolean;
  clientTakeover: boolean;
  serverWindow: number | undefined;
  /** `true`: named without a value, which only an offer may do. */
  clientWindow: number | true | undefined;
}

/**
 * What a client writes into `Sec-WebSocket-Extensions` (RFC 7692 §7.1). By default
 * `permessage-deflate; client_max_window_bits`: anything goes, and the server may name our window. Throws RangeError for
 * bits that are not 8–15.
 */
export function offerDeflate(options: DeflateOptions = {}): string {
  const wanted = checkedOptions(options);
  return [
    EXTENSION_NAME,
    ...(wanted.serverNoContextTakeover ? [SERVER_TAKEOVER] : []),
    ...(wanted.clientNoContextTakeover ? [CLIENT_TAKEOVER] : []),
    ...(wanted.serverMaxWindowBits < MAX_WINDOW_BITS ? [`${SERVER_WINDOW}=${wanted.serverMaxWindowBits}`] : []),
    ...(wanted.limitsClient
      ? [
          wanted.clientMaxWindowBits < MAX_WINDOW_BITS
            ? `${CLIENT_WINDOW}=${wanted.clientMaxWindowBits}`
            : CLIENT_WINDOW,
        ]
      : []),
  ].join('; ');
}

/**
 * A server's answer to the first offer that fits, or `undefined` when none does and the connection stays uncompressed.
 * Offers are in the client's order of preference (RFC 7692 §5); one that is malformed is declined and the next is tried
 * (§7). So is one that would let the client use a larger window than `clientMaxWindowBits` allows: only a client that
 * names `client_max_window_bits` can be limited (§7.1.2.2). Other extensions among the offers are passed over. Throws
 * RangeError for options that are not 8–15.
 */
export function answerDeflate(
  offers: readonly ExtensionElement[],
  options: DeflateOptions = {},
): DeflateAnswer | undefined {
  const wanted = checkedOptions(options);
  for (const element of offers) {
    if (element.name !== EXTENSION_NAME) continue;
    const offer = declinedOr(() => read(element, 'offer'));
    if (offer === undefined) continue;
    const nameable = offer.clientWindow !== undefined && wanted.limitsClient;
    if (wanted.clientMaxWindowBits < MAX_WINDOW_BITS && !nameable) continue;
    const offeredClientWindow = typeof offer.clientWindow === 'number' ? offer.clientWindow : MAX_WINDOW_BITS;
    const parameters: DeflateParameters = {
      serverNoContextTakeover: wanted.serverNoContextTakeover || offer.serverTakeover,
      // An offered one is a promise that holds anyway (§7.1.1.2).
      clientNoContextTakeover: wanted.clientNoContextTakeover || offer.clientTakeover,
      serverMaxWindowBits: Math.min(wanted.serverMaxWindowBits, offer.serverWindow ?? MAX_WINDOW_BITS),
      // So is a number in the offer (§7.1.2.2): the client keeps to it whether it is answered or not.
      clientMaxWindowBits: Math.min(wanted.clientMaxWindowBits, offeredClientWindow),
    };
    const { serverMaxWindowBits, clientMaxWindowBits } = parameters;
    // §7.1.2.1: a server accepts an offered limit by answering it, 15 too; unasked it may name one of its own.
    const namesServer = offer.serverWindow !== undefined || serverMaxWindowBits < MAX_WINDOW_BITS;
    const header = [
      EXTENSION_NAME,
      ...(parameters.serverNoContextTakeover ? [SERVER_TAKEOVER] : []),
      ...(parameters.clientNoContextTakeover ? [CLIENT_TAKEOVER] : []),
      ...(namesServer ? [`${SERVER_WINDOW}=${serverMaxWindowBits}`] : []),
      ...(nameable && clientMaxWindowBits < MAX_WINDOW_BITS ? [`${CLIENT_WINDOW}=${clientMaxWindowBits}`] : []),
    ].join('; ');
    return { header, parameters };
  }
  return undefined;
}

/**
 * Checks a server's answer against what `offerDeflate` wrote for the same options, and gives what was agreed. Throws
 * DeflateNegotiationError where the answer is malformed, names what was not offered, or is laxer than what was asked:
 * fail the connection then (RFC 7692 §7). RangeError for options that are not 8–15.
 */
export function acceptDeflate(answer: ExtensionElement, options: DeflateOptions = {}): DeflateParameters {
  const offered = checkedOptions(options);
  const { serverTakeover, clientTakeover, serverWindow, clientWindow } = read(answer, 'answer');
  if (offered.serverNoContextTakeover && !serverTakeover) {
    fail('UNMET_TAKEOVER', `expected ${SERVER_TAKEOVER} in the answer as offered, got none`);
  }
  if ((serverWindow ?? MAX_WINDOW_BITS) > offered.serverMaxWindowBits) {
    const got = serverWindow === undefined ? 'none' : serverWindow;
    fail('UNMET_SERVER_WINDOW', `expected ${SERVER_WINDOW} of at most ${offered.serverMaxWindowBits}, got ${got}`);
  }
  if (clientWindow !== undefined && !offered.limitsClient) {
    fail('UNOFFERED_PARAMETER', `expected no ${CLIENT_WINDOW} where none was offered, got ${clientWindow}`);
  }
  const answeredClientWindow = typeof clientWindow === 'number' ? clientWindow : undefined;
  if (answeredClientWindow !== undefined && answeredClientWindow > offered.clientMaxWindowBits) {
    const most = offered.clientMaxWindowBits;
    fail('UNMET_CLIENT_WINDOW', `expected ${CLIENT_WINDOW} of at most ${most}, got ${answeredClientWindow}`);
  }
  return {
    serverNoContextTakeover: serverTakeover,
    // What a client offers of itself it keeps to, answered or not (§7.1.1.2, §7.1.2.2).
    clientNoContextTakeover: clientTakeover || offered.clientNoContextTakeover,
    serverMaxWindowBits: serverWindow ?? MAX_WINDOW_BITS,
    clientMaxWindowBits: answeredClientWindow ?? offered.clientMaxWindowBits,
  };
}

/** Reads one element strictly: known parameters, once each, with the values they may have (§7, §7.1). */
function read({ name, params }: ExtensionElement, kind: 'offer' | 'answer'): Written {
  if (name !== EXTENSION_NAME) fail('OTHER_EXTENSION', `expected ${EXTENSION_NAME}, got ${shown(name)}`);
  const written: Written = {
    serverTakeover: false,
    clientTakeover: false,
    serverWindow: undefined,
    clientWindow: undefined,
  };
  const seen = new Set<string>();
  for (const [parameter, value] of params) {
    if (seen.has(parameter)) fail('REPEATED_PARAMETER', `expected ${shown(parameter)} once, got it twice`);
    seen.add(parameter);
    switch (parameter) {
      case SERVER_TAKEOVER:
        written.serverTakeover = noValue(parameter, value);
        break;
      case CLIENT_TAKEOVER:
        written.clientTakeover = noValue(parameter, value);
        break;
      case SERVER_WINDOW:
        written.serverWindow = windowBits(parameter, value);
        break;
      case CLIENT_WINDOW:
        written.clientWindow = value === true && kind === 'offer' ? true : windowBits(parameter, value);
        break;
      default:
        fail('UNKNOWN_PARAMETER', `expected a parameter of ${EXTENSION_NAME}, got ${shown(parameter)}`);
    }
  }
  return written;
}

/** §7.1.1: these have no value. */
function noValue(parameter: string, value: string | true): true {
  if (value !== true) fail('INVALID_VALUE', `expected ${parameter} without a value, got ${shown(value)}`);
  return true;
}

/** §7.1.2: a decimal from 8 to 15 without leading zeros. */
function windowBits(parameter: string, value: string | true): number {
  if (value === true || !/^(?:[89]|1[0-5])$/.test(value)) {
    fail(
      'INVALID_VALUE',
      `expected ${parameter} to be from 8 to 15, got ${value === true ? 'no value' : shown(value)}`,
    );
  }
  return Number(value);
}

function declinedOr<T>(attempt: () => T): T | undefined {
  try {
    return attempt();
  } catch (error) {
    if (error instanceof DeflateNegotiationError) return undefined;
    throw error;
  }
}

function fail(code: DeflateNegotiationErrorCode, message: string): never {
  throw new DeflateNegotiationError(code, message);
}

/** A peer's text, safe and short enough for a message. */
function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
