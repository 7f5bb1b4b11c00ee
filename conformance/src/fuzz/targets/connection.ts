import { type ConnectionEvent, ConnectionProtocol } from '@wsferry/connection';
import { FrameDecoder } from '@wsferry/frames';
import { fingerprint, join, utf8 } from '../bytes.ts';
import { frameCode } from '../documented.ts';
import { invariant, type Target } from '../target.ts';
import { roleOf, validFrames } from './frames.ts';

function eventLine(event: ConnectionEvent): string {
  switch (event.type) {
    case 'message':
      return typeof event.data === 'string'
        ? `text ${fingerprint(utf8(event.data))}`
        : `binary ${fingerprint(event.data)}`;
    case 'pong':
      return `pong ${fingerprint(event.payload)}`;
    case 'close':
      return `close ${event.status.code} ${JSON.stringify(event.status.reason)}`;
    case 'failure':
      return frameCode(event.error);
  }
}

/** What we answered, read as the peer would: every frame must be right, whatever drove us to it. */
function answered(output: readonly Uint8Array[], role: 'client' | 'server'): string[] {
  const peer = new FrameDecoder({ role: role === 'server' ? 'client' : 'server' });
  for (const bytes of output) peer.push(bytes.slice());
  const lines: string[] = [];
  for (let frame = peer.next(); frame !== undefined; frame = peer.next()) {
    lines.push(`> ${frame.opcode} ${fingerprint(frame.payload)}`);
  }
  invariant(peer.pendingBytes === 0, 'expected whole frames in the output');
  return lines;
}

/** Options: bit 0 role, 1 small limit, 4 closing from our side before anything came, 5 TCP ends behind the bytes. */
export const connection: Target = {
  name: 'connection',
  title: 'ConnectionProtocol, both roles: events, answers and state',
  share: 20,
  valid: (random, option) => validFrames(roleOf(option) === 'server', random),
  play(pieces, option) {
    const role = roleOf(option);
    const protocol = new ConnectionProtocol({ role, maxMessageBytes: (option & 2) === 0 ? 100_000 : 300 });
    const lines: string[] = [];
    const output: Uint8Array[] = [];
    if ((option & 16) !== 0) protocol.close({ code: 1001, reason: 'bye' });
    output.push(...protocol.takeOutput());
    for (const piece of pieces) {
      protocol.receive(piece);
      for (let event = protocol.nextEvent(); event !== undefined; event = protocol.nextEvent()) {
        invariant(!lines.some((line) => line.startsWith('close ')), 'expected nothing after the close');
        lines.push(eventLine(event));
      }
      output.push(...protocol.takeOutput());
    }
    if ((option & 32) !== 0) protocol.receiveEnd();
    invariant(protocol.nextEvent() === undefined, 'expected no event without bytes');
    const answers = answered([join(...output)], role);
    invariant(answers.filter((line) => line.startsWith('> 8')).length <= 1, 'expected one Close frame at most');
    return [...lines, ...answers, protocol.state, JSON.stringify(protocol.closeStatus), protocol.shouldEnd].join('\n');
  },
};
