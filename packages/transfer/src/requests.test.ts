import { describe, expect, test } from 'vitest';
import { deferred, RawPeer } from '../test/raw-peer.ts';
import { type FileShelf, memoryShelf, openSession, type Packet, pipePair, type SessionOptions } from './index.ts';

const shelf = memoryShelf({ files: new Map([['a', new Uint8Array(3)]]) });

function keeper(options: Partial<SessionOptions> = {}) {
  const [near, far] = pipePair();
  const session = openSession(far, { role: 'acceptor', shelf, ...options });
  return { peer: new RawPeer(near), session };
}

describe('requests of a peer', () => {
  test.each([
    ['GET_FILE', { type: 'GET_FILE', request: 3, name: 'a' }],
    ['LIST_FILES', { type: 'LIST_FILES', request: 3 }],
    ['NOTE', { type: 'NOTE', request: 3, text: 'a' }],
  ] as [string, Packet][])('have numbers that rise: %s with the one before is BAD_PACKET', async (_name, packet) => {
    const { peer } = keeper();
    peer.say({ type: 'LIST_FILES', request: 3 });
    expect(await peer.hear()).toMatchObject({ type: 'FILE_LIST', request: 3, code: 'OK' });
    peer.say(packet);
    expect(await peer.hear()).toMatchObject({ type: 'ERROR', code: 'BAD_PACKET', request: 3 });
    peer.say({ type: 'LIST_FILES', request: 9 });
    expect(await peer.hear()).toMatchObject({ type: 'FILE_LIST', request: 9, code: 'OK' });
  });

  test('are refused with TOO_MANY_REQUESTS above 128 open ones, and are taken again when those are answered', async () => {
    const gate = deferred();
    const slow: FileShelf = { ...shelf, file: (name, folder) => gate.promise.then(() => shelf.file(name, folder)) };
    const { peer } = keeper({ shelf: slow });
    for (let request = 1; request <= 128; request += 1) peer.say({ type: 'GET_FILE', request, name: 'b' });
    peer.say({ type: 'GET_FILE', request: 129, name: 'b' }, { type: 'LIST_FILES', request: 130 });
    expect(await peer.hear()).toMatchObject({ type: 'ACK_GET_FILE', request: 129, code: 'TOO_MANY_REQUESTS' });
    expect(await peer.hear()).toMatchObject({ type: 'FILE_LIST', request: 130, code: 'TOO_MANY_REQUESTS' });
    gate.resolve();
    for (let request = 1; request <= 128; request += 1) {
      expect(await peer.hear()).toMatchObject({ type: 'ACK_GET_FILE', request, code: 'NOT_FOUND' });
    }
    peer.say({ type: 'LIST_FILES', request: 131 });
    expect(await peer.hear()).toMatchObject({ type: 'FILE_LIST', request: 131, code: 'OK' });
  });

  test('to one that retires are refused with SHUTTING_DOWN', async () => {
    const { peer, session } = keeper();
    await session.retire();
    peer.say({ type: 'GET_FILE', request: 1, name: 'a' }, { type: 'LIST_FILES', request: 2 });
    expect(await peer.hear()).toMatchObject({ type: 'ACK_GET_FILE', request: 1, code: 'SHUTTING_DOWN' });
    expect(await peer.hear()).toMatchObject({ type: 'FILE_LIST', request: 2, code: 'SHUTTING_DOWN' });
  });

  test('that are malformed are told by their number', async () => {
    const { peer } = keeper();
    peer.say('{"type":"GET_FILE","request":4}');
    expect(await peer.hear()).toMatchObject({ type: 'ERROR', code: 'BAD_PACKET', request: 4 });
  });
});

describe('our requests', () => {
  function asking() {
    const [near, far] = pipePair();
    return { asker: openSession(near, { role: 'opener' }), peer: new RawPeer(far) };
  }
  const all = async (asker: ReturnType<typeof asking>['asker']) => {
    const names: string[] = [];
    for await (const { name } of asker.list()) names.push(name);
    return names;
  };

  test('that the peer refuses by ERROR fail, and no others', async () => {
    const { asker, peer } = asking();
    const [first, second] = [all(asker), all(asker)];
    await peer.hearA('LIST_FILES');
    peer.say({ type: 'ERROR', code: 'BAD_PACKET', message: 'no', request: 1 });
    await expect(first).rejects.toMatchObject({ code: 'BAD_PACKET', side: 'peer', request: 1 });
    peer.say({ type: 'FILE_LIST', request: 2, code: 'OK', entries: [{ name: 'a', kind: 'file' }] });
    expect(await second).toEqual(['a']);
  });

  test.each([
    ['with what answers another kind', '{"type":"ACK_NOTE","request":1,"code":"OK"}'],
    ['with something malformed', '{"type":"FILE_LIST","request":1,"code":"OK","entries":[{}]}'],
  ])('that are answered %s fail with BAD_PACKET', async (_name, answer) => {
    const { asker, peer } = asking();
    const listing = all(asker);
    await peer.hearA('LIST_FILES');
    peer.say(answer);
    await expect(listing).rejects.toMatchObject({ code: 'BAD_PACKET', side: 'local' });
    expect(await peer.hear()).toMatchObject({ type: 'ERROR', code: 'BAD_PACKET' });
  });

  test('that were never made have no answer; a second one is late', async () => {
    const { asker, peer } = asking();
    peer.say({ type: 'FILE_LIST', request: 1, code: 'OK' });
    expect(await peer.hear()).toMatchObject({ type: 'ERROR', code: 'BAD_PACKET' });
    const listing = all(asker);
    await peer.hearA('LIST_FILES');
    peer.say({ type: 'FILE_LIST', request: 1, code: 'OK' }, { type: 'FILE_LIST', request: 1, code: 'OK' });
    expect(await listing).toEqual([]);
    peer.say({ type: 'PROBE', probe: 1 });
    expect(await peer.hear()).toEqual({ type: 'ACK_PROBE', probe: 1 });
  });

  test('a code that nobody knows is INTERNAL', async () => {
    const { asker, peer } = asking();
    const listing = all(asker);
    await peer.hearA('LIST_FILES');
    peer.say({ type: 'FILE_LIST', request: 1, code: 'LATER' });
    await expect(listing).rejects.toMatchObject({ code: 'INTERNAL', side: 'peer' });
  });

  test('that are given up keep their place until they are answered', async () => {
    const { asker, peer } = asking();
    const controllers = Array.from({ length: 128 }, () => new AbortController());
    const given = controllers.map(async ({ signal }) => {
      for await (const _ of asker.list([], { signal })) expect.unreachable();
    });
    const refused = given.map((one) => expect(one).rejects.toMatchObject({ code: 'CANCELLED' }));
    for (let request = 1; request <= 128; request += 1) expect(await peer.hear()).toMatchObject({ request });
    for (const controller of controllers) controller.abort();
    await Promise.all(refused);
    const next = all(asker);
    peer.say({ type: 'PROBE', probe: 1 });
    expect(await peer.hear()).toMatchObject({ type: 'ACK_PROBE' });
    peer.say({ type: 'FILE_LIST', request: 7, code: 'OK' });
    expect(await peer.hear()).toMatchObject({ type: 'LIST_FILES', request: 129 });
    peer.say({ type: 'FILE_LIST', request: 129, code: 'OK' });
    expect(await next).toEqual([]);
  });
});
