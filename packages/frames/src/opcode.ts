/** Which end of the connection we are: a client masks what it sends, a server never does (RFC 6455 §5.1). */
export type Role = 'client' | 'server';

/** The six opcodes of RFC 6455 §5.2. The other ten are reserved, and receiving one fails the connection. */
export const Opcode = { Continuation: 0x0, Text: 0x1, Binary: 0x2, Close: 0x8, Ping: 0x9, Pong: 0xa } as const;
export type Opcode = (typeof Opcode)[keyof typeof Opcode];

/** Control frames have the high bit of the opcode set (§5.5): at most 125 bytes, never fragmented. */
export function isControlOpcode(opcode: number): boolean {
  return (opcode & 0x8) !== 0;
}

/** Whether §5.2 gives this opcode a meaning. */
export function isKnownOpcode(opcode: number): opcode is Opcode {
  return opcode <= Opcode.Binary || (opcode >= Opcode.Close && opcode <= Opcode.Pong);
}

/** The longest payload of a control frame, in bytes (§5.5). */
export const MAX_CONTROL_PAYLOAD_BYTES = 125;
