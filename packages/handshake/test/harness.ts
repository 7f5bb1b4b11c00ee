import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { afterEach } from 'vitest';
import { createKey, createRequest, encodeRequestHead, type HandshakeError } from '../src/index.ts';
import { type AcceptUpgradeOptions, acceptUpgrade } from '../src/node/index.ts';

export type Outcome = Awaited<ReturnType<typeof acceptUpgrade>> | HandshakeError;

/** What to do when the test is over. */
export const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** Starts `server`; everything it accepts is destroyed after the test. */
export async function start<S extends net.Server>(server: S): Promise<{ server: S; port: number }> {
  server.on('connection', (socket) => cleanups.push(() => socket.destroy()));
  cleanups.push(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { server, port: (server.address() as net.AddressInfo).port };
}

/** A server that accepts upgrades; `next()` gives the outcome of each connection in turn. */
export async function accepting(
  policy: Parameters<typeof acceptUpgrade>[1] = {},
  options: AcceptUpgradeOptions = {},
  tlsOptions?: tls.TlsOptions,
) {
  const waiting: ((outcome: Outcome) => void)[] = [];
  const outcomes: Outcome[] = [];
  const onSocket = (socket: net.Socket) => {
    const done = (outcome: Outcome) => {
      const waiter = waiting.shift();
      if (waiter) waiter(outcome);
      else outcomes.push(outcome);
    };
    acceptUpgrade(socket, policy, options).then(done, done);
  };
  const server = tlsOptions ? tls.createServer(tlsOptions, onSocket) : net.createServer(onSocket);
  const next = () =>
    new Promise<Outcome>((resolve) => {
      if (outcomes.length > 0) resolve(outcomes.shift());
      else waiting.push(resolve);
    });
  return { ...(await start(server)), next };
}

/** A server that treats each connection as `script` says, for what no correct server does. */
export const scripted = (script: (socket: net.Socket) => void) =>
  start(
    net.createServer((socket) => {
      socket.on('error', () => {});
      script(socket);
    }),
  );

export function dial(port: number): net.Socket {
  const socket = net.connect(port, '127.0.0.1');
  cleanups.push(() => socket.destroy());
  return socket;
}

export const urlOf = (port: number) => new URL(`ws://127.0.0.1:${port}/`);
export const goodRequest = (port: number) => encodeRequestHead(createRequest({ url: urlOf(port), key: createKey() }));

/** Everything the peer says until it ends; rejects on a reset. */
export async function readAll(socket: net.Socket): Promise<string> {
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk;
  });
  await once(socket, 'end');
  return text;
}

export function upgraded(outcome: Outcome): Exclude<Outcome, HandshakeError | undefined> {
  if (outcome === undefined || outcome instanceof Error) throw outcome ?? new Error('expected an upgrade');
  return outcome;
}
