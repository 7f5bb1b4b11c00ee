import { randomBytes } from 'node:crypto';
import { encodeFrame, Opcode, type Role } from '@wsferry/frames';
import { MessageDeflater, MessageInflater } from '@wsferry/frames/deflate';
import { expect, test } from 'vitest';
import { ConnectionProtocol } from './index.ts';

const parameters = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
};
const compression = (role: Role) => ({
  deflater: new MessageDeflater({ role, parameters }),
  inflater: new MessageInflater({ role, parameters }),
});

/** What lies on the wire, read by hand: the opcode of each frame, its masking key in hex, its payload unmasked. */
function framesIn(bytes: Buffer): { opcode: number; key: string | undefined; payload: Buffer }[] {
  const frames: ReturnType<typeof framesIn> = [];
  for (let at = 0; at < bytes.length; ) {
    const [first, second] = [bytes[at]!, bytes[at + 1]!];
    const short = second & 0x7f;
    const length =
      short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
    at += short < 126 ? 2 : short === 126 ? 4 : 10;
    const key = second < 0x80 ? undefined : bytes.subarray(at, at + 4);
    if (key) at += 4;
    const payload = Buffer.from(bytes.subarray(at, at + length).map((byte, i) => byte ^ (key?.[i & 3] ?? 0)));
    frames.push({ opcode: first & 0x0f, key: key?.toString('hex'), payload });
    at += length;
  }
  return frames;
}

function finish(machine: ConnectionProtocol): Buffer {
  while (machine.hasUnfinishedOutput) machine.continueSending();
  return Buffer.concat(machine.takeOutput());
}

test('a client masks every frame, of whatever kind, with a key of its own; a server masks none', () => {
  for (const role of ['client', 'server'] as const) {
    const machine = new ConnectionProtocol({ role, compression: compression(role) });
    const plain = new ConnectionProtocol({ role });
    const wanted: number[] = [];
    for (const to of [plain, machine]) {
      to.send('short');
      to.send('ä'.repeat(200));
      to.send(new Uint8Array(70_000), { compress: false });
      to.ping();
      to.pong();
      const ping = { fin: true, opcode: Opcode.Ping, payload: Uint8Array.of(1, 2, 3) };
      to.receive(encodeFrame(ping, role === 'server' ? Uint8Array.of(1, 2, 3, 4) : undefined));
      expect(to.nextEvent()).toBeUndefined();
      wanted.push(Opcode.Text, Opcode.Text, Opcode.Binary, Opcode.Ping, Opcode.Pong, Opcode.Pong);
      if (to === plain) to.close({ code: 1000, reason: 'bye' });
    }
    wanted.splice(6, 0, Opcode.Close);
    // Five parts of 64 KiB, each a fragment of its own; then a violation's Close.
    machine.send(randomBytes(300_000).toString('base64').slice(0, 300_000));
    const bytes = [finish(plain), finish(machine)];
    machine.fail({ closeCode: 1002, message: 'for the test' });
    wanted.push(Opcode.Text, ...new Array<Opcode>(4).fill(Opcode.Continuation), Opcode.Close);

    const frames = framesIn(Buffer.concat([...bytes, finish(machine)]));
    expect(frames.map(({ opcode }) => opcode)).toEqual(wanted);
    const keys = frames.flatMap(({ key }) => key ?? []);
    if (role === 'server') expect(keys).toEqual([]);
    // Two of 17 fair keys are equal once in thirty million runs.
    else expect(new Set(keys).size).toBe(frames.length);
    expect(frames[0]!.payload.toString()).toBe('short');
    expect(frames[1]!.payload.toString()).toBe('ä'.repeat(200));
  }
});

test('what send took no longer changes, also while it waits to be compressed (§10.3)', async () => {
  const sender = new ConnectionProtocol({ role: 'client', compression: compression('client') });
  const receiver = new ConnectionProtocol({ role: 'server', compression: compression('server') });
  const long = randomBytes(400_000);
  const small = Buffer.from('small');
  const before = [Buffer.from(long), Buffer.from(small)];

  sender.send(long);
  sender.send(small); // waits behind the long one
  sender.continueSending();
  receiver.receive(Buffer.concat(sender.takeOutput()));
  long.fill(0);
  small.fill(0);
  receiver.receive(finish(sender));

  const messages: Buffer[] = [];
  while (messages.length < 2) {
    const event = receiver.nextEvent();
    if (event?.type === 'message') messages.push(Buffer.from(event.data as Uint8Array));
    else {
      expect(event).toBeUndefined();
      await receiver.pending;
    }
  }
  expect(messages.map((message, i) => message.equals(before[i]!))).toEqual([true, true]);
});
