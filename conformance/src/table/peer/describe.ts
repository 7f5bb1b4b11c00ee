import { createHash } from 'node:crypto';
import type { Heard } from './peer.ts';

/** What came, or what should, in a few words; payloads that differ read differently. */
export function describeHeard(heard: Heard): string {
  if (heard.type === 'close') {
    if (heard.code === 0) return 'Close without a code';
    return `Close ${heard.code}${heard.reason === undefined ? '' : ` ${JSON.stringify(heard.reason)}`}`;
  }
  return `${heard.type} ${describePayload(Buffer.from(heard.payload), heard.type === 'text')}`;
}

export function describePayload(payload: Buffer, isText: boolean): string {
  if (payload.length > 80) {
    const hash = createHash('sha1').update(payload).digest('hex').slice(0, 8);
    return `of ${payload.length} bytes (${hexOf(payload, 16)}, SHA-1 ${hash}…)`;
  }
  return isText ? JSON.stringify(payload.toString()) : `<${payload.toString('hex')}>`;
}

/** Bytes in hex, cut in the middle when there are many. */
export function hexOf(bytes: Uint8Array, most = 64): string {
  const hex = (part: Uint8Array) => Buffer.from(part).toString('hex').replace(/../g, '$& ').trim();
  if (bytes.length <= most) return hex(bytes) || '(nothing)';
  const half = most / 2;
  return `${hex(bytes.subarray(0, half))} … (${bytes.length - most} more) … ${hex(bytes.subarray(-half))}`;
}
