import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { runFuzzingClient } from '../src/autobahn-client.ts';

type Case = (socket: WebSocket) => Promise<string>;

/** What a fuzzing server may do to a client, and what it heard: its verdict. */
const cases: readonly Case[] = [
  async (socket) => {
    socket.send('text');
    const [data, isBinary] = await once(socket, 'message');
    socket.close(1000);
    return `${isBinary ? 'binary' : 'text'} ${data}`;
  },
  async (socket) => {
    socket.send(Buffer.alloc(100_000, 7));
    const [data, isBinary] = await once(socket, 'message');
    socket.close(1000);
    return `${isBinary ? 'binary' : 'text'} ${(data as Buffer).length}`;
  },
  async (socket) => {
    const raw = rawSocket(socket);
    socket.on('error', () => {});
    const closed = once(socket, 'close');
    raw.write(Uint8Array.of(0xf1, 0x00)); // all reserved bits set
    return `closed ${(await closed)[0]}`;
  },
  async (socket) => {
    socket.terminate();
    return 'vanished';
  },
  async (socket) => {
    await once(socket, 'close'); // a server that waits for ever: the driver gives the case up
    return 'given up';
  },
  async (socket) => {
    socket.send('after the bad ones');
    const [data] = await once(socket, 'message');
    socket.close(1000);
    return String(data);
  },
];

const rawSocket = (socket: WebSocket) => (socket as unknown as { _socket: { write(data: Uint8Array): void } })._socket;

let server: WebSocketServer;
let url: string;
let requests: string[];
let verdicts: string[];

beforeEach(async () => {
  requests = [];
  verdicts = [];
  server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    // Case 7 does not even get through the handshake.
    verifyClient: ({ req }: { req: IncomingMessage }) => !req.url?.includes('case=7'),
  });
  server.on('connection', (socket, request) => {
    requests.push(request.url ?? '');
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
    if (pathname === '/getCaseCount') {
      socket.send(String(cases.length + 1));
      socket.close(1000);
    } else if (pathname === '/updateReports') {
      socket.close(1000);
    } else {
      void cases[Number(searchParams.get('case')) - 1]!(socket).then((verdict) => verdicts.push(verdict));
    }
  });
  await once(server, 'listening');
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => server.close());

test('the driver echoes through every case, the failing ones too, and then asks for the report', async () => {
  const problems: number[] = [];
  const count = await runFuzzingClient({
    url,
    agent: 'we & you',
    caseTimeoutMs: 500,
    onCase: (number, _, problem) => problem && problems.push(number),
  });
  expect(count).toBe(7);
  expect(verdicts).toEqual(['text text', 'binary 100000', 'closed 1002', 'vanished', 'given up', 'after the bad ones']);
  expect(problems).toEqual([5, 7]);
  expect(requests).toEqual([
    '/getCaseCount',
    ...[1, 2, 3, 4, 5, 6].map((number) => `/runCase?case=${number}&agent=we+%26+you`),
    '/updateReports?agent=we+%26+you',
  ]);
});
