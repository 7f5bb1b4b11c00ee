/**
 * How a connection's state changes: all of it, in one table. `protocol.ts` asks it, the tests walk it, and the diagram
 * in the README is drawn from it.
 *
 * - `open`: both sides may send (RFC 6455 §4.1, "in the OPEN state").
 * - `closing`: we sent a Close frame and wait for the peer's (§7.1.2).
 * - `closed`: Close frames went both ways, or TCP ended; nothing more is read or sent.
 * - `failed`: the peer broke the protocol and we _Failed the WebSocket Connection_ (§7.1.7); its input is ignored.
 */
export type ConnectionState = 'open' | 'closing' | 'closed' | 'failed';

/** What can happen to a connection. A peer's Close frame is answered at once, so receiving one ends the handshake. */
export type Trigger = 'close-sent' | 'close-received' | 'violation' | 'tcp-ended';

export const TRANSITIONS = {
  open: { 'close-sent': 'closing', 'close-received': 'closed', violation: 'failed', 'tcp-ended': 'closed' },
  closing: { 'close-received': 'closed', violation: 'failed', 'tcp-ended': 'closed' },
  closed: { 'tcp-ended': 'closed' },
  failed: { 'tcp-ended': 'failed' },
} as const satisfies Record<ConnectionState, Partial<Record<Trigger, ConnectionState>>>;

/** The state after `trigger`, or `undefined` where the table has no such step: then nothing happens. */
export function nextState(state: ConnectionState, trigger: Trigger): ConnectionState | undefined {
  return (TRANSITIONS[state] as Partial<Record<Trigger, ConnectionState>>)[trigger];
}
