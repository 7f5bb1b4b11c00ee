import { connect, listen } from '@wsferry/connection';
import { expect, test } from 'vitest';
import { bytesSource, memoryReceiver, openSession } from '../src/index.ts';
import { pipeCompliance } from './pipe-compliance.ts';
import { deferred } from './raw-peer.ts';

pipeCompliance("@wsferry/connection's Connection", async () => {
  let accepted!: (connection: Awaited<ReturnType<typeof connect>>) => void;
  const far = new Promise<Awaited<ReturnType<typeof connect>>>((resolve) => {
    accepted = resolve;
  });
  const listener = await listen({ port: 0, protocols: ['wsferry.v1'] }, (connection) => accepted(connection));
  const near = await connect(listener.url, { protocols: ['wsferry.v1'] });
  return { near, far: await far, done: () => listener.close({ timeoutMs: 500 }) };
});

test.each([
  ['closes', 'the connection was closed with 1001: the other side is going away'],
  ['is gone', 'the connection broke off without a goodbye (1006)'],
] as const)('when the receiver %s in the middle of a file, the sender says so', async (how, message) => {
  const began = deferred();
  const { accept } = memoryReceiver();
  const listener = await listen({ port: 0, protocols: ['wsferry.v1'] }, (connection) => {
    openSession(connection, {
      role: 'acceptor',
      accept,
      onTransfer: ({ type }) => type === 'progress' && began.resolve(),
    });
    void began.promise.then(() => {
      if (how === 'is gone') connection.abort();
      else void connection.close(1001, 'the receiver is stopping');
    });
  });
  const near = await connect(listener.url, { protocols: ['wsferry.v1'] });
  const session = openSession(near, { role: 'opener' });
  const endless = { ...bytesSource('a', new Uint8Array(0)), size: undefined };
  const chunk = new Uint8Array(262_144);
  const source = {
    ...endless,
    open: async () => ({ read: async () => chunk, digest: async () => '', close: async () => {} }),
  };
  const error = await session.sendFile(source).catch((failure: unknown) => failure);
  expect(error).toMatchObject({ code: 'CONNECTION_LOST', side: 'local' });
  expect((error as Error).message.startsWith(message)).toBe(true);
  await session.closed;
  await listener.close({ timeoutMs: 500 });
});
