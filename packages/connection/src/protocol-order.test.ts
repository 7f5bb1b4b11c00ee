import { encodeFrame, Opcode, type Role } from '@wsferry/frames';
import { randomSplits } from '@wsferry/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ConnectionEvent, ConnectionProtocol } from './index.ts';

/** One thing a peer sends. `start` begins a message (text or binary), `continue` carries it on. */
type Step =
  | { kind: 'start'; text: boolean; fin: boolean; payload: string }
  | { kind: 'continue'; fin: boolean; payload: string }
  | { kind: 'ping'; payload: string }
  | { kind: 'pong'; payload: string }
  | { kind: 'close'; code: number };

const payload = fc.string({ maxLength: 20 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('start'), text: fc.boolean(), fin: fc.boolean(), payload }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('continue'), fin: fc.boolean(), payload }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('ping', 'pong'), payload }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('close'), code: fc.constantFrom(1000, 1001, 4321) }) },
) as fc.Arbitrary<Step>;

/**
 * What RFC 6455 wants to come of it, in a few lines: §5.4 for the order of fragments, §5.5 for control frames among them,
 * §5.5.1 and §7.1.7 for the end. Events as the program sees them, answers as the peer does.
 */
function model(steps: readonly Step[]): { events: string[]; answers: string[] } {
  const events: string[] = [];
  const answers: string[] = [];
  let message: { text: boolean; payload: string } | undefined;
  for (const one of steps) {
    if (one.kind === 'ping') answers.push(`pong ${one.payload}`);
    else if (one.kind === 'pong') events.push(`pong ${one.payload}`);
    else if (one.kind === 'close') {
      events.push(`close ${one.code}`);
      answers.push(`close ${one.code}`);
      break;
    } else if ((one.kind === 'start') !== (message === undefined)) {
      const code = one.kind === 'start' ? 'EXPECTED_CONTINUATION' : 'UNEXPECTED_CONTINUATION';
      events.push(`failure ${code}`);
      answers.push('close 1002');
      break;
    } else {
      message =
        one.kind === 'start'
          ? { text: one.text, payload: one.payload }
          : { text: message!.text, payload: message!.payload + one.payload };
      if (!one.fin) continue;
      events.push(`${message.text ? 'text' : 'binary'} ${message.payload}`);
      message = undefined;
    }
  }
  return { events, answers };
}

function frameOf(one: Step, to: Role): Uint8Array {
  const key = to === 'server' ? Uint8Array.of(9, 8, 7, 6) : undefined;
  const bytes = (text: string) => new TextEncoder().encode(text);
  switch (one.kind) {
    case 'start':
      return encodeFrame(
        { fin: one.fin, opcode: one.text ? Opcode.Text : Opcode.Binary, payload: bytes(one.payload) },
        key,
      );
    case 'continue':
      return encodeFrame({ fin: one.fin, opcode: Opcode.Continuation, payload: bytes(one.payload) }, key);
    case 'close':
      return encodeFrame(
        { fin: true, opcode: Opcode.Close, payload: Uint8Array.of(one.code >> 8, one.code & 255) },
        key,
      );
    default:
      return encodeFrame(
        { fin: true, opcode: one.kind === 'ping' ? Opcode.Ping : Opcode.Pong, payload: bytes(one.payload) },
        key,
      );
  }
}

function shown(event: ConnectionEvent): string {
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  switch (event.type) {
    case 'message':
      return typeof event.data === 'string' ? `text ${event.data}` : `binary ${text(event.data)}`;
    case 'pong':
      return `pong ${text(event.payload)}`;
    case 'close':
      return `close ${event.status.code}`;
    default:
      return `failure ${'code' in event.error ? event.error.code : event.error.message}`;
  }
}

function drain(machine: ConnectionProtocol, chunks: readonly Uint8Array[]): string[] {
  const found: string[] = [];
  for (const chunk of chunks) {
    machine.receive(chunk.slice());
    for (let event = machine.nextEvent(); event; event = machine.nextEvent()) found.push(shown(event));
  }
  return found;
}

describe.each(['server', 'client'] as const)('%s', (role) => {
  test('whatever the order of fragments, pings, pongs and closes, it does what the model says, however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 30 }),
        fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
        (steps, randoms) => {
          const wire = Buffer.concat(steps.map((one) => frameOf(one, role)));
          const machine = new ConnectionProtocol({ role });
          const events = drain(
            machine,
            randomSplits(wire, () => randoms.next().value as number),
          );
          // The peer's view of what we sent: another machine of the other role.
          const answers = drain(
            new ConnectionProtocol({ role: role === 'server' ? 'client' : 'server' }),
            machine.takeOutput(),
          );
          expect({ events, answers }).toEqual(model(steps));
        },
      ),
      { numRuns: 500 },
    );
  });
});
