import { encodeFrame, type Frame, type FrameError, Opcode, type Role } from '@wsferry/frames';
import { byteByByte, randomSplits } from '@wsferry/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ConnectionError, type ConnectionEvent, ConnectionProtocol } from './index.ts';

const key = Uint8Array.of(1, 2, 3, 4);
const text = (value: string) => new TextEncoder().encode(value);
const other = (role: Role): Role => (role === 'server' ? 'client' : 'server');

function peerFrame(to: Role, opcode: Opcode, payload: Uint8Array = new Uint8Array(0), more: Partial<Frame> = {}) {
  return encodeFrame({ fin: true, opcode, payload, ...more }, to === 'server' ? key : undefined);
}

function events(machine: ConnectionProtocol, ...chunks: Uint8Array[]): ConnectionEvent[] {
  const found: ConnectionEvent[] = [];
  for (const chunk of chunks) {
    machine.receive(chunk.slice());
    for (let event = machine.nextEvent(); event; event = machine.nextEvent()) found.push(event);
  }
  return found;
}

/** What a machine's peer would read from its output. */
function readOutput(machine: ConnectionProtocol): ConnectionEvent[] {
  return events(new ConnectionProtocol({ role: other(machine.role) }), Buffer.concat(machine.takeOutput()));
}

for (const role of ['server', 'client'] as const) {
  describe(role, () => {
    test('delivers text as a string and binary as bytes, as the twin sent them', () => {
      const sender = new ConnectionProtocol({ role: other(role) });
      sender.send('Grüße');
      sender.send(Uint8Array.of(1, 2, 3));
      expect(events(new ConnectionProtocol({ role }), ...sender.takeOutput())).toEqual([
        { type: 'message', data: 'Grüße' },
        { type: 'message', data: Uint8Array.of(1, 2, 3) },
      ]);
    });

    test('answers a ping between fragments at once, with its payload (§5.5.2)', () => {
      const machine = new ConnectionProtocol({ role });
      const got = events(
        machine,
        peerFrame(role, Opcode.Text, text('He'), { fin: false }),
        peerFrame(role, Opcode.Ping, text('hi')),
        peerFrame(role, Opcode.Continuation, text('llo')),
      );
      expect(got).toEqual([{ type: 'message', data: 'Hello' }]);
      expect(readOutput(machine)).toEqual([{ type: 'pong', payload: text('hi') }]);
    });

    test('answers a close with the same code, and ignores what follows it (§5.5.1)', () => {
      const machine = new ConnectionProtocol({ role });
      const close = peerFrame(role, Opcode.Close, Uint8Array.of(0x0f, 0xa0, ...text('bye')));
      expect(events(machine, close, peerFrame(role, Opcode.Text, text('late')))).toEqual([
        { type: 'close', status: { code: 4000, reason: 'bye' } },
      ]);
      expect(machine.state).toBe('closed');
      expect(machine.shouldEnd).toBe(role === 'server');
      expect(readOutput(machine)).toEqual([{ type: 'close', status: { code: 4000, reason: '' } }]);
    });

    test('answers an empty close with an empty one: 1005 is never sent (§7.4.1)', () => {
      const machine = new ConnectionProtocol({ role });
      expect(events(machine, peerFrame(role, Opcode.Close))).toMatchObject([{ status: { code: 1005 } }]);
      expect(readOutput(machine)).toMatchObject([{ status: { code: 1005 } }]);
    });

    test('completes a closing handshake of its own (§7.1.2) and sends no data after its Close frame', () => {
      const machine = new ConnectionProtocol({ role });
      machine.close({ code: 1000, reason: 'done' });
      expect(machine.state).toBe('closing');
      expect(() => machine.send('x')).toThrow(expect.objectContaining({ code: 'NOT_OPEN' }) as ConnectionError);
      machine.close({ code: 1001, reason: '' });
      const got = events(machine, peerFrame(role, Opcode.Close, Uint8Array.of(3, 232)));
      expect(got).toEqual([{ type: 'close', status: { code: 1000, reason: '' } }]);
      expect(readOutput(machine)).toEqual([{ type: 'close', status: { code: 1000, reason: 'done' } }]);
    });

    test('answers pings behind its own Close until the peer’s has come (§5.5.2), and none after it', () => {
      const machine = new ConnectionProtocol({ role });
      machine.close({ code: 1000, reason: '' });
      machine.takeOutput();
      events(
        machine,
        peerFrame(role, Opcode.Ping, text('before')),
        peerFrame(role, Opcode.Close, Uint8Array.of(3, 232)),
        peerFrame(role, Opcode.Ping, text('after')),
      );
      expect(readOutput(machine)).toEqual([{ type: 'pong', payload: text('before') }]);
    });

    test.each([
      ['a reserved opcode', Uint8Array.of(0x83), 'RESERVED_OPCODE', 1002],
      ['a reserved bit', Uint8Array.of(0xa1), 'RESERVED_BITS', 1002],
      ['a fragmented ping', Uint8Array.of(0x09), 'FRAGMENTED_CONTROL', 1002],
    ])('fails the connection on %s, with its close code, and stays deaf', (_, bytes, code, closeCode) => {
      const machine = new ConnectionProtocol({ role });
      const good = peerFrame(role, Opcode.Text, text('good'));
      const chunk = Uint8Array.of(
        ...good,
        ...bytes,
        role === 'server' ? 0x80 : 0x00,
        ...(role === 'server' ? key : []),
      );
      expect(events(machine, chunk, good)).toMatchObject([
        { type: 'message', data: 'good' },
        { type: 'failure', error: { code, closeCode } },
      ]);
      expect(machine.state).toBe('failed');
      expect(machine.shouldEnd).toBe(true);
      expect(readOutput(machine)).toMatchObject([{ type: 'close', status: { code: closeCode } }]);
    });

    test('fails on masking of the wrong kind (§5.1)', () => {
      const machine = new ConnectionProtocol({ role });
      const code = role === 'server' ? 'UNMASKED' : 'MASKED';
      expect(events(machine, peerFrame(other(role), Opcode.Text, text('x')))).toMatchObject([
        { type: 'failure', error: { code, closeCode: 1002 } },
      ]);
    });

    test('fails with 1009 on a message above the limit, from its declared length', () => {
      const machine = new ConnectionProtocol({ role, maxMessageBytes: 10 });
      const head = peerFrame(role, Opcode.Binary, new Uint8Array(11)).subarray(0, role === 'server' ? 6 : 2);
      expect(events(machine, head)).toMatchObject([{ type: 'failure', error: { code: 'TOO_BIG', closeCode: 1009 } }]);
    });

    test('fails with 1007 on invalid UTF-8 before the message ends (§8.1)', () => {
      const machine = new ConnectionProtocol({ role });
      const start = peerFrame(role, Opcode.Text, Uint8Array.of(0x48, 0xff, 0x48, 0x48), { fin: false });
      expect(events(machine, start.subarray(0, start.length - 2))).toMatchObject([
        { type: 'failure', error: { code: 'INVALID_UTF8', closeCode: 1007 } },
      ]);
    });

    test('keeps one pong while held, and sends the latest when released', () => {
      const machine = new ConnectionProtocol({ role });
      machine.holdPongs(true);
      for (let i = 0; i < 1000; i++) events(machine, peerFrame(role, Opcode.Ping, text(String(i))));
      expect(machine.outputBytes).toBe(0);
      machine.holdPongs(false);
      expect(readOutput(machine)).toEqual([{ type: 'pong', payload: text('999') }]);
    });

    test.each([999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 1.5, Number.NaN])(
      'refuses to send close code %s',
      (code) => {
        const machine = new ConnectionProtocol({ role });
        expect(() => machine.close({ code, reason: '' })).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }));
        expect(machine.state).toBe('open');
      },
    );

    test('refuses a reason over 123 bytes and a ping over 125', () => {
      const machine = new ConnectionProtocol({ role });
      const refusal = expect.objectContaining({ code: 'BAD_ARGUMENT' });
      expect(() => machine.close({ code: 1000, reason: 'ü'.repeat(62) })).toThrow(refusal);
      expect(() => machine.ping(new Uint8Array(126))).toThrow(refusal);
    });

    test('any bytes whatever give events, never an exception, and the same however they are cut', () => {
      const fold = (found: ConnectionEvent[]) =>
        found.map((event) =>
          event.type === 'failure' ? { ...event, error: (event.error as FrameError).code } : event,
        );
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer(), (bytes, seed) => {
          let state = seed >>> 0;
          const random = () => {
            state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
            return state / 2 ** 32;
          };
          const whole = new ConnectionProtocol({ role });
          const expected = fold(events(whole, bytes));
          for (const parts of [byteByByte(bytes), randomSplits(bytes, random)]) {
            const machine = new ConnectionProtocol({ role });
            expect(fold(events(machine, ...parts))).toEqual(expected);
            expect(machine.state).toBe(whole.state);
          }
        }),
        { numRuns: 500 },
      );
    });
  });
}
