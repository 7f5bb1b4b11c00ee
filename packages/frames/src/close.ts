import { FrameError } from './errors.ts';
import { decodeUtf8 } from './utf8.ts';

/** The registered status codes (§7.4.1 and IANA's registry). 1005, 1006 and 1015 are never on the wire. */
export const CloseCode = {
  Normal: 1000,
  GoingAway: 1001,
  ProtocolError: 1002,
  UnsupportedData: 1003,
  NoStatusReceived: 1005,
  AbnormalClosure: 1006,
  InvalidPayload: 1007,
  PolicyViolation: 1008,
  MessageTooBig: 1009,
  MandatoryExtension: 1010,
  InternalError: 1011,
  ServiceRestart: 1012,
  TryAgainLater: 1013,
  BadGateway: 1014,
  TlsHandshake: 1015,
} as const;
export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode];

/** Why a connection closes: a status code and a text of at most 123 bytes, often empty (§7.1.5, §7.1.6). */
export interface CloseStatus {
  readonly code: number;
  readonly reason: string;
}

/** 125 bytes of a control frame, less two for the code. */
const MAX_REASON_BYTES = 123;

/**
 * Whether a close frame may carry this code (§7.4): 1000–1003 and 1007–1014 as registered, 3000–3999 for libraries,
 * 4000–4999 for applications. 1004 is reserved; 1005, 1006 and 1015 only name what never came over the wire.
 */
export function isSendableCloseCode(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

/** Whether a peer may send this code: the same set (§7.4), 1016–2999 being reserved for revisions of the protocol. */
export function isReceivableCloseCode(code: number): boolean {
  return isSendableCloseCode(code);
}

/**
 * Reads the payload of a close frame (§5.5.1). Empty means code 1005 (§7.1.5). Throws FrameError INVALID_CLOSE for a
 * single byte or a code that may not be sent, INVALID_UTF8 for a reason that is not UTF-8.
 */
export function parseClosePayload(payload: Uint8Array): CloseStatus {
  if (payload.length === 0) return { code: CloseCode.NoStatusReceived, reason: '' };
  if (payload.length === 1) {
    throw new FrameError('INVALID_CLOSE', 'expected a close payload of 0 or at least 2 bytes, got 1');
  }
  const code = payload[0]! * 256 + payload[1]!;
  if (!isReceivableCloseCode(code)) {
    throw new FrameError('INVALID_CLOSE', `expected a close code in 1000-1003, 1007-1014 or 3000-4999, got ${code}`);
  }
  const reason = decodeUtf8(payload.subarray(2));
  if (reason === undefined) throw new FrameError('INVALID_UTF8', 'expected a close reason in UTF-8, got other bytes');
  return { code, reason };
}

/**
 * The payload of a close frame. A reason above 123 bytes is cut there, between two code points. `{ code: 1005 }` with no
 * reason is the empty payload, so that what was parsed can be echoed (§5.5.1). Throws RangeError for any other code that may not be sent.
 */
export function encodeClosePayload({ code, reason }: CloseStatus): Uint8Array<ArrayBuffer> {
  if (code === CloseCode.NoStatusReceived && reason === '') return new Uint8Array(0);
  if (!isSendableCloseCode(code)) {
    throw new RangeError(`expected a close code in 1000-1003, 1007-1014 or 3000-4999, got ${code} (RFC 6455 §7.4)`);
  }
  const payload = new Uint8Array(2 + MAX_REASON_BYTES);
  payload[0] = code >>> 8;
  payload[1] = code & 0xff;
  // encodeInto never writes half a code point: it stops before the first that does not fit.
  const { written } = new TextEncoder().encodeInto(reason, payload.subarray(2));
  return payload.slice(0, 2 + written);
}
