import {
  ArrivalBoard,
  bytesSource,
  encodePacket,
  memoryReceiver,
  memoryShelf,
  openSession,
  type Packet,
  parsePacket,
  pipePair,
} from '@wsferry/transfer';
import { join, utf8 } from '../bytes.ts';
import { transferCode } from '../documented.ts';
import type { Random } from '../random.ts';
import { invariant, type Target } from '../target.ts';
import { anyPacket } from './any-packet.ts';

const MD5_OF_ABC = '900150983cd24fb0d6963f7d28e17f72';

/** Messages one behind the other: two bytes of length, the top bit for text. Any bytes are such a script. */
function messagesOf(bytes: Uint8Array): (string | Uint8Array)[] {
  const messages: (string | Uint8Array)[] = [];
  for (let at = 0; at + 1 < bytes.length; ) {
    const length = bytes[at]! * 256 + bytes[at + 1]!;
    const body = bytes.slice(at + 2, at + 2 + (length & 0x7fff));
    at += 2 + body.length;
    messages.push(length >= 0x8000 ? Buffer.from(body).toString() : body);
  }
  return messages;
}

function scripted(packets: readonly Packet[]): Uint8Array<ArrayBuffer> {
  const parts = packets.map((packet) => {
    const message = encodePacket(packet);
    const bytes = typeof message === 'string' ? utf8(message) : message;
    const length = bytes.length + (typeof message === 'string' ? 0x8000 : 0);
    return join(Uint8Array.of(length >>> 8, length & 0xff), bytes);
  });
  return join(...parts);
}

/** A file for the session, an answer to the file that it sends, and whatever else. */
function conversation(random: Random, peerId: number, ownId: number): Packet[] {
  const packets: Packet[] = [
    { type: 'NEW_FILE', id: peerId, name: random.pick(['a', 'b', '../c']), size: 3 },
    { type: 'ACK_NEW_FILE', id: ownId, code: 'OK', ...(random.once(2) ? { window: random.below(9) } : {}) },
    { type: 'FILE_DATA', id: peerId, offset: 0, bytes: utf8('abc') },
    { type: 'ACK_FILE_DATA', id: ownId, stored: 3, window: 100 },
    { type: 'FILE_END', id: peerId, md5: MD5_OF_ABC },
    { type: 'ACK_FILE_END', id: ownId, code: 'OK' },
    { type: 'ACK_NEW_FOLDER', id: ownId + 2, code: 'OK' },
    { type: 'ACK_GET_FILE', request: 1, code: random.pick(['OK', 'NOT_FOUND']) },
    { type: 'NEW_FILE', id: peerId + 2, name: 'theirs', request: 1 },
    { type: 'FILE_LIST', request: 2, code: 'OK', entries: [{ name: 'a', kind: 'file' }], next: 'a' },
    { type: 'ACK_NOTE', request: 3, code: 'OK' },
    { type: 'GET_FILE', request: 1, name: random.pick(['a', 'kept']) },
    { type: 'LIST_FILES', request: 2, recursive: true },
    { type: 'NEW_FOLDER', id: peerId + 4, name: 'docs' },
    { type: 'NOTE', request: 3, text: 'hello' },
    { type: 'WATCH', recent: 9 },
  ];
  for (let left = random.length(8); left > 0; left--) packets.splice(random.below(17), 0, anyPacket(random));
  return packets;
}

/**
 * Whole sessions: messages have no cuts, so the cuts say instead when the peer pauses for the session to work. What is
 * out of place then depends on that, rightly; the verdict here is only that the session ended, with documented codes.
 * Options: bit 0, which role the session has; bit 1, whether it is cut off or closed.
 */
export const sessions: Target = {
  name: 'sessions',
  title: 'openSession over the in-memory pair: both send, ask, list, tell and watch at once',
  share: 2,
  valid(random, option) {
    const opener = (option & 1) === 0;
    return scripted(conversation(random, opener ? 2 : 1, opener ? 1 : 2));
  },
  async play(pieces, option) {
    const [near, far] = pipePair();
    const { accept, acceptFolder, files } = memoryReceiver();
    const codes: string[] = [];
    const session = openSession(far, {
      role: (option & 1) === 0 ? 'opener' : 'acceptor',
      accept,
      acceptFolder,
      shelf: memoryShelf({ files: new Map([['kept', utf8('kept here')]]) }),
      board: new ArrivalBoard(),
      windowBytes: 1000,
      maxFileBytes: 10_000,
      maxTransfers: 4,
      onTransfer: (event) => {
        if (event.type === 'failed' || event.type === 'refused') codes.push(event.code);
      },
    });
    session.watch({}, { recent: 1 });
    const asked = [
      session.sendFile(bytesSource('ours', utf8('xyz'))),
      session.sendFolder({ name: 'ours too' }),
      session.getFile('theirs', { accept }),
      listed(session.list()),
      session.postNote('ours'),
    ];
    const outcomes = Promise.all(asked.map((one: Promise<unknown>) => one.catch((error) => transferCode(error))));
    const heard = hear(near);
    const pauses = new Set(pieces.map(({ length }) => length));
    for (const message of messagesOf(join(...pieces))) {
      if (near.closeCode !== undefined) break;
      near.send(message);
      if (pieces.length > 1 && pauses.has(message.length % 8)) await new Promise(setImmediate);
    }
    if ((option & 2) === 0) near.close();
    else near.abort();
    await session.closed;
    await outcomes;
    await heard;
    invariant(files.size <= 10_000, 'expected few files');
    for (const code of codes) invariant(/^[A-Z_]+$/.test(code), `expected a code, got ${code}`);
    return 'ended';
  },
};

async function listed(list: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of list);
}

/** Everything the session says must be a packet. */
async function hear(pipe: AsyncIterable<string | Uint8Array>): Promise<void> {
  for await (const message of pipe) parsePacket(message);
}
