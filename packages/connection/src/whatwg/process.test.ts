import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { selfSignedCertificate } from '@wsferry/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { closeAll, opened, serve, serveEcho, serveRaw, story } from '../../test/whatwg-peers.ts';
import { WebSocket, webSocketClass } from './index.ts';

afterEach(closeAll);

/** Runs a program of its own that has WebSocket and `url`; gives its exit code, what it printed and what it complained. */
function program(url: string, body: string): Promise<[code: number | null, output: string, errors: string]> {
  const source = `import { WebSocket } from '@wsferry/connection/whatwg'; const url = ${JSON.stringify(url)}; ${body}`;
  const flags = ['--expose-gc', '--conditions=@wsferry/source', '--import', 'tsx', '--input-type=module', '-e', source];
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const child = spawn(process.execPath, flags, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let [output, errors] = ['', ''];
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (errors += chunk));
  return new Promise((resolve) => {
    child.on('close', (code) => resolve([code, output.trim(), errors]));
  });
}

describe('a process', () => {
  test('lives while its WebSocket is open, with nothing else to do, and ends once it is closed', async () => {
    let close!: () => void;
    const arrived = new Promise<void>((resolve) => {
      close = resolve;
    });
    const url = await serve(async (peer) => {
      for await (const text of peer) if (text === 'ready') break;
      close();
      peer.send('go on');
    });
    const ended = program(
      url,
      `const ws = new WebSocket(url);
       ws.onopen = () => ws.send('ready');
       ws.onmessage = ({ data }) => { console.log(data); ws.close(); };
       ws.onclose = ({ code }) => console.log(code);`,
    );
    await arrived;
    expect(await ended).toEqual([0, 'go on\n1005', '']);
  });

  test('ends after connections that failed or were given up, and no rejection is left unhandled', async () => {
    const silent = await serveRaw(() => {}, null);
    const ended = program(
      silent,
      `process.on('unhandledRejection', (reason) => console.log('unhandled', reason));
       new WebSocket('ws://127.0.0.1:1/');
       new WebSocket('ws://127.0.0.1:2/', 'echo');
       const ws = new WebSocket(url);
       ws.onclose = ({ code }) => console.log(code);
       setImmediate(() => ws.close());`,
    );
    expect(await ended).toEqual([0, '1006', '']);
  });

  test('keeps nothing of connections that failed or closed', async () => {
    const ended = program(
      await serveEcho(),
      `const refs = [];
       const turns = async (n) => { while (n--) await new Promise(setImmediate); };
       const over = (ws, then) => new Promise((resolve) => { ws.onopen = then; ws.onclose = resolve; });
       for (let i = 0; i < 50; i++) {
         for (const address of ['ws://127.0.0.1:1/', 'ws://127.0.0.1:2/', url]) {
           const ws = new WebSocket(address);
           refs.push(new WeakRef(ws));
           await over(ws, () => { ws.send(new Blob(['x'])); ws.close(); });
         }
       }
       await turns(10); gc(); await turns(10); gc();
       console.log(refs.filter((ref) => ref.deref()).length);`,
    );
    const [code, alive] = await ended;
    expect(code).toBe(0);
    expect(Number(alive)).toBeLessThan(15); // of 150: the last ones may still be on a stack or in a cache
  });

  test('whose listener throws ends as with any EventTarget: an uncaughtException', async () => {
    const ended = program(
      'ws://127.0.0.1:1/',
      `process.on('uncaughtException', ({ message }) => console.log(message));
       const ws = new WebSocket(url);
       ws.onerror = () => { throw new Error('mine'); };
       ws.onclose = () => console.log('close all the same');`,
    );
    expect(await ended).toEqual([0, 'mine\nclose all the same', '']);
  });
});

describe('TLS', () => {
  test('a certificate is trusted through a bound class, and fails the connection without', async () => {
    const { key, cert } = await selfSignedCertificate();
    const url = (await serveEcho({ tls: { key, cert } })).replace('127.0.0.1', 'localhost');
    expect(await story(new WebSocket(url))).toEqual(['3 error', '3 close 1006 "" unclean']);
    const ws = await opened(url, webSocketClass({ tls: { ca: cert } }));
    ws.send('Goodbye');
    expect(await story(ws)).toEqual(['1 message Goodbye', '3 close 1000 "Goodbye" clean']);
    expect(ws.url).toBe(`${url}/`);
  });
});
