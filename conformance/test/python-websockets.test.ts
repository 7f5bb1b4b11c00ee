import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Connection, connect } from '@wsferry/connection';
import { missing } from '@wsferry/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEchoServer } from '../src/echo-server.ts';
import { first, messages, same } from './messages.ts';

const absent = missing('python-websockets');

function python(script: string, ...args: string[]) {
  const path = fileURLToPath(new URL(`../peers/${script}`, import.meta.url));
  return spawn('/usr/bin/python3', [path, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
}

/** How both sides compress: see peers/deflate.py. The library asks for windows of 12 bits by itself. */
const variants = [
  { kind: 'none', deflate: false, agreed: undefined },
  { kind: 'deflate', deflate: { thresholdBytes: 0 }, agreed: { serverMaxWindowBits: 12, clientMaxWindowBits: 12 } },
  {
    kind: 'small',
    deflate: { thresholdBytes: 0, clientNoContextTakeover: true },
    agreed: { serverMaxWindowBits: 9, clientMaxWindowBits: 9, serverNoContextTakeover: true },
  },
];

describe.skipIf(absent).each(variants)(
  "our client and the server of Python's websockets, deflate: $kind",
  (variant) => {
    const { kind, deflate, agreed } = variant;
    let child: ReturnType<typeof python>;
    let url: string;

    beforeAll(async () => {
      child = python('echo_server.py', kind);
      const [port] = await once(createInterface(child.stdout), 'line');
      url = `ws://127.0.0.1:${port}/`;
    });
    afterAll(async () => {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    });

    const open = (): Promise<Connection> => connect(url, { keepalive: false, protocols: ['first', 'second'], deflate });

    test('bring every kind and length of message there and back', async () => {
      const connection = await open();
      expect(connection.protocol).toBe('second');
      if (agreed) expect(connection.deflate).toMatchObject(agreed);
      else expect(connection.deflate).toBeUndefined();
      for (const [, data] of messages) connection.send(data);
      const heard: (string | Uint8Array)[] = [];
      for await (const data of connection) {
        heard.push(data);
        if (heard.length === messages.length) break;
      }
      for (const [index, [title, data]] of messages.entries()) expect(same(heard[index], data), title).toBe(true);
      await connection.close();
    });

    test('put a fragmented message back together and answer a ping', async () => {
      const connection = await open();
      connection.send('fragments');
      expect(await connection.ping()).toBeGreaterThanOrEqual(0);
      expect(await first(connection)).toBe('in three pieces');
      await connection.close();
    });

    test('close from either side with the code and the reason', async () => {
      const theirs = await open();
      theirs.send('close 4001');
      expect(await theirs.closed).toEqual({ code: 4001, reason: 'as you asked', wasClean: true });
      const ours = await open();
      expect(await ours.close(4000, 'enough')).toMatchObject({ code: 4000, wasClean: true });
    });
  },
);

test.skipIf(absent).each(variants)(
  "our server and the client of Python's websockets: messages, fragments, ping, subprotocol, close, deflate: $kind",
  async ({ kind, deflate, agreed }) => {
    const listener = await startEchoServer({ protocols: ['second'], deflate });
    try {
      const child = python('echo_client.py', listener.url, kind);
      const ended = once(child, 'exit');
      let output = '';
      for await (const chunk of child.stdout) output += chunk;
      expect((await ended)[0]).toBe(0);
      expect(JSON.parse(output)).toEqual({
        subprotocol: 'second',
        extensions: agreed ? ['permessage-deflate'] : [],
        same: [true, true, true, true, true],
        joined: 'in three pieces',
        ponged: true,
        closed: 4002,
      });
    } finally {
      await listener.close({ timeoutMs: 100 });
    }
  },
);
