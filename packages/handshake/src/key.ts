import { hash, randomBytes } from 'node:crypto';

/** A fresh `Sec-WebSocket-Key`: 16 random bytes in base64 (RFC 6455 §4.1, item 7 of the requirements). */
export function createKey(): string {
  return randomBytes(16).toString('base64');
}

/**
 * The `Sec-WebSocket-Accept` that answers `key` (§4.2.2 item 5.4): proof that the other side understood the request as
 * WebSocket and did not merely echo it. SHA-1 is no secret here, and nothing rests on its strength.
 */
export function acceptKey(key: string): string {
  return hash('sha1', `${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`, 'base64');
}
