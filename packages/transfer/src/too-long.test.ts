import { expect, test } from 'vitest';
import { deferred, RawPeer } from '../test/raw-peer.ts';
import {
  type Accept,
  ArrivalBoard,
  bytesSource,
  MAX_CONTROL_LENGTH,
  memoryReceiver,
  openSession,
  parsePacket,
  pipePair,
  TransferError,
} from './index.ts';

const one = new Uint8Array(1);

test.each([
  ['a', 70_000],
  ['a', 256],
  ['é', 128],
])('a name of %j × %i is refused here with BAD_NAME, and nothing is sent', async (character, times) => {
  const [near, far] = pipePair();
  const sender = openSession(near, { role: 'opener' });
  await expect(sender.sendFile(bytesSource(character.repeat(times), one))).rejects.toMatchObject({
    code: 'BAD_NAME',
    side: 'local',
    message: expect.stringContaining(`${new TextEncoder().encode(character).length * times}`),
  });
  expect(near.bufferedAmount).toBe(0);
  const { accept, files } = memoryReceiver();
  openSession(far, { role: 'acceptor', accept });
  // What counts is the composed form, as everywhere: 510 bytes become 255… and one more place is free as before.
  await sender.sendFile(bytesSource('e\u0301'.repeat(127), one));
  expect([...files.keys()]).toEqual(['é'.repeat(127)]);
});

test.each([
  ['more folders than any receiver takes', { folder: new Array<string>(65).fill('a') }],
  ['a folder that is too long', { folder: ['x'.repeat(256)] }],
  ['names that are too long as JSON', { folder: new Array<string>(64).fill('\u0001'.repeat(255)) }],
])('%s: refused here with BAD_NAME, for files and folders', async (_name, where) => {
  const [near] = pipePair();
  const sender = openSession(near, { role: 'opener' });
  const refused = { code: 'BAD_NAME', side: 'local' };
  await expect(sender.sendFile({ ...bytesSource('a', one), ...where })).rejects.toMatchObject(refused);
  await expect(sender.sendFolder({ name: 'a', ...where })).rejects.toMatchObject(refused);
  expect(near.bufferedAmount).toBe(0);
});

test('a list whose cursor does not fit into a packet ends, instead of waiting for an answer', async () => {
  const [near, far] = pipePair();
  const peer = new RawPeer(far);
  const asker = openSession(near, { role: 'opener' });
  const listing = (async () => {
    for await (const _ of asker.list(['docs', 'and a long way down from there'.repeat(3)]));
  })();
  await peer.hearA('LIST_FILES');
  const next = 'x'.repeat(MAX_CONTROL_LENGTH - 100);
  peer.say({ type: 'FILE_LIST', request: 1, code: 'OK', entries: [{ name: '', kind: 'file' }], next });
  await expect(listing).rejects.toMatchObject({ code: 'INTERNAL', side: 'local' });
});

test('an offer that is too long is answered with its id, so that its sender need not wait for ever', async () => {
  const [near, far] = pipePair();
  openSession(far, { role: 'acceptor' });
  const peer = new RawPeer(near);
  const name = 'x'.repeat(MAX_CONTROL_LENGTH);
  peer.say({ type: 'NEW_FILE', id: 7, name });
  expect(await peer.hear()).toMatchObject({ type: 'ERROR', code: 'BAD_PACKET', id: 7 });
  peer.say(`{ "id": 9, "type": "NEW_FILE", "name": "${name}" }`);
  expect(await peer.hear()).toMatchObject({ type: 'ERROR', code: 'BAD_PACKET', id: 9 });
});

test.each([
  ['after a long name', `{"type":"NEW_FILE","name":"${'x'.repeat(MAX_CONTROL_LENGTH)}","id":7}`],
  ['inside a name', `{"type":"NEW_FILE","name":"\\"id\\":7,${'x'.repeat(MAX_CONTROL_LENGTH)}"}`],
  ['out of range', `{"type":"NEW_FILE","id":0,"name":"${'x'.repeat(MAX_CONTROL_LENGTH)}"}`],
  ['of eleven digits', `{"type":"NEW_FILE","id":12345678901,"name":"${'x'.repeat(MAX_CONTROL_LENGTH)}"}`],
])('an id %s is not guessed from a packet that is too long', (_where, message) => {
  expect(() => parsePacket(message)).toThrow(expect.objectContaining({ code: 'BAD_PACKET', id: undefined }));
});

test('a refusal with very many words arrives, with the first of them', async () => {
  const [near, far] = pipePair();
  const accept: Accept = () => Promise.reject(new TransferError('FORBIDDEN', '😀'.repeat(MAX_CONTROL_LENGTH)));
  openSession(far, { role: 'acceptor', accept });
  const sender = openSession(near, { role: 'opener' });
  await expect(sender.sendFile(bytesSource('a', one))).rejects.toMatchObject({
    code: 'FORBIDDEN',
    side: 'peer',
    message: `${'😀'.repeat(499)}…`,
  });
});

test('a file that was stored under a very long name is still acknowledged, and is no news', async () => {
  const [near, far] = pipePair();
  const memory = memoryReceiver();
  const name = 'x'.repeat(MAX_CONTROL_LENGTH);
  const accept: Accept = async (offer, control) => {
    const { sink } = await memory.accept(offer, control);
    return { sink: { ...sink, commit: async () => ({ ...(await sink.commit()), name, path: name }) } };
  };
  const board = new ArrivalBoard();
  openSession(far, { role: 'acceptor', accept, board });
  const sender = openSession(near, { role: 'opener' });
  const heard = deferred<string>();
  sender.watch({ onArrived: ({ name }) => heard.resolve(name) });
  expect(await sender.sendFile(bytesSource('a', one))).toMatchObject({ name: 'a', size: 1 });
  board.announce({ name: 'next', size: 1, digest: '0cc175b9c0f1b6a831c399e269772661' });
  expect(await heard.promise).toBe('next');
});
