import { encodeFrame, type Frame, FrameDecoder, Opcode, type Role } from '@wsferry/frames';
import { type DeflateParameters, MessageDeflater, MessageInflater } from '@wsferry/frames/deflate';
import { describe, expect, test, vi } from 'vitest';
import { pair } from '../test/network.ts';
import { compressionFor } from './compression.ts';
import { type ConnectionEvent, ConnectionProtocol, type ProtocolOptions } from './index.ts';

const parameters: DeflateParameters = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
};
const other = (role: Role): Role => (role === 'server' ? 'client' : 'server');
const machineOf = (role: Role, options: Partial<ProtocolOptions> = {}) =>
  new ConnectionProtocol({ role, compression: compressionFor(role, parameters, undefined), ...options });

/** The frames in a machine's output, as its peer decodes them. */
function framesOf(machine: ConnectionProtocol): Frame[] {
  const decoder = new FrameDecoder({ role: other(machine.role), allowRsv1: true });
  for (const bytes of machine.takeOutput()) decoder.push(bytes);
  const frames: Frame[] = [];
  for (let frame = decoder.next(); frame; frame = decoder.next()) frames.push(frame);
  return frames;
}

async function eventsOf(machine: ConnectionProtocol, ...chunks: Uint8Array[]): Promise<ConnectionEvent[]> {
  const events: ConnectionEvent[] = [];
  for (const chunk of chunks) machine.receive(chunk);
  for (;;) {
    for (let event = machine.nextEvent(); event; event = machine.nextEvent()) events.push(event);
    if (!machine.pending) return events;
    await machine.pending;
  }
}

/** Text that compresses to about half, with no two parts alike. */
function longText(length: number): string {
  let text = '';
  for (let n = 0; text.length < length; n++) text += `${Math.imul(n, 2654435761) >>> 0} `;
  return text.slice(0, length);
}

describe.each(['server', 'client'] as const)('the protocol of a %s, with permessage-deflate', (role) => {
  const key = role === 'server' ? Uint8Array.of(1, 2, 3, 4) : undefined;

  test('compresses a message, marks its first frame, and the twin reads it', async () => {
    const machine = machineOf(role);
    const text = longText(5000);
    machine.send(text);
    const output = machine.takeOutput();
    expect(Buffer.concat(output).length).toBeLessThan(4000);
    expect(await eventsOf(machineOf(other(role)), ...output)).toEqual([{ type: 'message', data: text }]);
  });

  test('sends short messages, incompressible ones, and those with compress: false as they are', () => {
    const machine = machineOf(role);
    machine.send('short');
    machine.send(crypto.getRandomValues(new Uint8Array(4096)));
    machine.send(longText(5000), { compress: false });
    expect(framesOf(machine).map(({ rsv1, payload }) => [rsv1, payload.length])).toEqual([
      [false, 5],
      [false, 4096],
      [false, 5000],
    ]);
  });

  test('compresses a long message part by part, with a ping between, and in order with what follows', async () => {
    const machine = machineOf(role);
    const text = longText(150_000);
    machine.send(text);
    machine.send('behind it');
    machine.send('and last');
    expect(machine.hasUnfinishedOutput).toBe(true);
    expect(machine.outputBytes).toBe(150_017);
    machine.continueSending();
    machine.ping(Uint8Array.of(1));
    machine.close({ code: 1000, reason: 'done' });
    while (machine.hasUnfinishedOutput) machine.continueSending();
    const output = machine.takeOutput().map((bytes) => bytes.slice());
    expect(await eventsOf(machineOf(other(role)), ...output.map((bytes) => bytes.slice()))).toEqual([
      { type: 'message', data: text },
      { type: 'message', data: 'behind it' },
      { type: 'message', data: 'and last' },
      { type: 'close', status: { code: 1000, reason: 'done' } },
    ]);
    const decoder = new FrameDecoder({ role: other(role), allowRsv1: true });
    for (const bytes of output) decoder.push(bytes);
    const seen: [number, boolean | undefined][] = [];
    for (let frame = decoder.next(); frame; frame = decoder.next()) seen.push([frame.opcode, frame.rsv1]);
    expect(seen).toEqual([
      [Opcode.Text, true],
      [Opcode.Ping, false],
      [Opcode.Continuation, false],
      [Opcode.Continuation, false],
      [Opcode.Text, false],
      [Opcode.Text, false],
      [Opcode.Close, false],
    ]);
  });

  test('what was sent goes out whole when the peer closes meanwhile, and then the Close (§5.5.1)', async () => {
    const machine = machineOf(role);
    const text = longText(300_000);
    machine.send(text);
    const close = encodeFrame({ fin: true, opcode: Opcode.Close, payload: Uint8Array.of(3, 233) }, key);
    expect(await eventsOf(machine, close)).toEqual([{ type: 'close', status: { code: 1001, reason: '' } }]);
    expect(machine.shouldEnd).toBe(false);
    while (machine.hasUnfinishedOutput) machine.continueSending();
    expect(machine.shouldEnd).toBe(role === 'server');
    expect(await eventsOf(machineOf(other(role)), ...machine.takeOutput())).toEqual([
      { type: 'message', data: text },
      { type: 'close', status: { code: 1001, reason: '' } },
    ]);
  });

  test('a large message is decompressed aside, and what comes behind it waits', async () => {
    const sender = machineOf(other(role));
    const bytes = new Uint8Array(8 * 1024 * 1024).fill(7);
    sender.send(bytes);
    while (sender.hasUnfinishedOutput) sender.continueSending();
    sender.send('behind it');
    const machine = machineOf(role);
    for (const chunk of sender.takeOutput()) machine.receive(chunk);
    expect(machine.nextEvent()).toBeUndefined();
    expect(machine.pending).toBeInstanceOf(Promise);
    const events = await eventsOf(machine);
    expect(events.map((event) => (event.type === 'message' ? event.data.length : event.type))).toEqual([
      bytes.length,
      9,
    ]);
  });

  const compressed = (payload: Uint8Array, opcode: Opcode = Opcode.Text) =>
    encodeFrame({ fin: true, rsv1: true, opcode, payload }, key);

  test('takes a message of exactly maxMessageBytes whose compressed form is longer', async () => {
    const bytes = new Uint8Array(64 * 1024);
    for (let at = 0; at < bytes.length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
    const { deflater } = compressionFor(other(role), parameters, undefined)!;
    const payload = deflater.deflate(bytes, true);
    expect(payload.length).toBeGreaterThan(bytes.length);
    const machine = machineOf(role, { maxMessageBytes: bytes.length });
    expect(await eventsOf(machine, compressed(payload, Opcode.Binary))).toEqual([{ type: 'message', data: bytes }]);
    // The limit of what is not compressed stays exact.
    const plain = encodeFrame({ fin: true, opcode: Opcode.Binary, payload: new Uint8Array(bytes.length + 1) }, key);
    const failure = [{ type: 'failure', error: { code: 'TOO_BIG', closeCode: 1009 } }];
    expect(await eventsOf(machineOf(role, { maxMessageBytes: bytes.length }), plain)).toMatchObject(failure);
  });

  test('an error of our own while reading ends the connection with 1011, and is an event', async () => {
    const { deflater } = compressionFor(role, parameters, undefined)!;
    const inflate = () => {
      throw new RangeError('no memory');
    };
    const machine = new ConnectionProtocol({ role, compression: { deflater, inflater: { inflate } } });
    const events = await eventsOf(machine, compressed(Uint8Array.of(0)));
    expect(events).toMatchObject([{ type: 'failure', error: { message: 'no memory' } }]);
    expect(machine.closeStatus?.code).toBe(1011);
  });

  test('fails on what is no deflate data with 1007', async () => {
    const events = await eventsOf(machineOf(role), compressed(Uint8Array.of(0xff, 0xff, 0xff)));
    expect(events).toMatchObject([{ type: 'failure', error: { code: 'INVALID_DEFLATE', closeCode: 1007 } }]);
  });

  test('fails on a text that is no UTF-8 once decompressed with 1007', async () => {
    const stored = Uint8Array.of(0, 2, 0, 0xfd, 0xff, 0xc3, 0x28, 0);
    const events = await eventsOf(machineOf(role), compressed(stored));
    expect(events).toMatchObject([{ type: 'failure', error: { code: 'INVALID_UTF8', closeCode: 1007 } }]);
    expect(await eventsOf(machineOf(role), compressed(stored, Opcode.Binary))).toMatchObject([{ type: 'message' }]);
  });

  test('fails on a bomb with 1009', async () => {
    const sender = machineOf(other(role));
    sender.send(new Uint8Array(1024 * 1024));
    while (sender.hasUnfinishedOutput) sender.continueSending();
    const machine = machineOf(role, { maxMessageBytes: 1024 * 1024 - 1 });
    const events = await eventsOf(machine, ...sender.takeOutput());
    expect(events).toMatchObject([{ type: 'failure', error: { code: 'TOO_BIG', closeCode: 1009 } }]);
  });

  test('takes RSV1 neither on a continuation nor without the agreement', async () => {
    const begin = encodeFrame({ fin: false, opcode: Opcode.Text, payload: Uint8Array.of(0x61) }, key);
    const more = compressed(Uint8Array.of(0x62), Opcode.Continuation);
    const expected = [{ type: 'failure', error: { code: 'RESERVED_BITS', closeCode: 1002 } }];
    expect(await eventsOf(machineOf(role), begin, more)).toMatchObject(expected);
    expect(await eventsOf(new ConnectionProtocol({ role }), compressed(Uint8Array.of(0)))).toMatchObject(expected);
  });
});

describe('connect and listen', () => {
  test('agree on permessage-deflate when both want it, and else not', async () => {
    const [client, server] = await pair({ deflate: true }, { deflate: true });
    expect(client.deflate).toEqual(parameters);
    expect(server.deflate).toEqual(parameters);
    const [plain] = await pair({ deflate: true }, {});
    expect(plain.deflate).toBeUndefined();
    const [declined] = await pair({}, { deflate: true });
    expect(declined.deflate).toBeUndefined();
  });

  test('take over what either side asks for', async () => {
    const [client, server] = await pair(
      { deflate: { serverNoContextTakeover: true, clientMaxWindowBits: 10 } },
      { deflate: { clientNoContextTakeover: true, serverMaxWindowBits: 9 } },
    );
    const agreed = {
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
      serverMaxWindowBits: 9,
      clientMaxWindowBits: 10,
    };
    expect(client.deflate).toEqual(agreed);
    expect(server.deflate).toEqual(agreed);
  });

  test('long messages go both ways at once, while pings are answered, and come whole before the close', async () => {
    const [client, server] = await pair({ deflate: true }, { deflate: true });
    const text = longText(3_000_000);
    client.send(text);
    server.send(text);
    expect(client.bufferedAmount).toBeGreaterThan(1_000_000);
    expect(await client.ping()).toBeGreaterThan(0);
    const fromServer = client[Symbol.asyncIterator]().next();
    const fromClient = server[Symbol.asyncIterator]().next();
    expect((await fromServer).value).toBe(text);
    expect((await fromClient).value).toBe(text);
    client.send(text);
    client.send('last');
    void client.close();
    const rest: unknown[] = [];
    for await (const message of server) rest.push(message);
    expect(rest).toEqual([text, 'last']);
    expect(await server.closed).toMatchObject({ code: 1000, wasClean: true });
  });

  test('give back what compression holds once they are closed, not before', async () => {
    const given = [MessageDeflater, MessageInflater].map(({ prototype }) => vi.spyOn(prototype, 'release'));
    const [client, server] = await pair({ deflate: true }, { deflate: true });
    client.send(longText(5000));
    await server[Symbol.asyncIterator]().next();
    for (const each of given) expect(each).not.toHaveBeenCalled();
    void client.close();
    await Promise.all([client.closed, server.closed]);
    for (const each of given) {
      expect(each).toHaveBeenCalledTimes(2);
      each.mockRestore();
    }
  });
});
