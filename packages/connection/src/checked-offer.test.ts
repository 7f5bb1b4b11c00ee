import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { serve, start } from '../test/network.ts';
import { type ConnectOptions, connect } from './index.ts';

/** A server that tells how many connections came. */
async function counting() {
  let count = 0;
  const server = createServer(() => count++);
  return { port: await start(server), count: () => count };
}

describe('a request that cannot be sent is refused before a connection is opened', () => {
  test.each<[string, string, Record<string, unknown>, user?: string]>([
    ['BAD_ARGUMENT', 'a list of pairs', { headers: { Authorization: 'Basic x' } }],
    ['BAD_ARGUMENT', 'a list of pairs', { headers: new Headers({ Cookie: 'a=b' }) }],
    ['BAD_ARGUMENT', 'a list of pairs', { headers: 'Cookie: secret' }],
    ['BAD_ARGUMENT', 'a list of pairs', { headers: ['Cookie', 'secret'] }],
    ['BAD_ARGUMENT', 'a list of pairs', { headers: [['Cookie']] }],
    ['BAD_ARGUMENT', 'a list of pairs', { headers: [['Cookie', 5]] }],
    ['BAD_ARGUMENT', 'a list of pairs', { headers: null }],
    ['BAD_ARGUMENT', 'a list of strings', { protocols: 'chat' }],
    ['BAD_ARGUMENT', 'a list of strings', { protocols: [5] }],
    ['BAD_HEADER', 'the handshake sets itself', { headers: [['Host', 'other']] }],
    ['BAD_HEADER', 'in header Cookie, got U+000D', { headers: [['Cookie', 'secret\r\nX: y']] }],
    ['BAD_PROTOCOL', 'tokens', { protocols: ['a b'] }],
    ['BAD_PROTOCOL', 'once', { protocols: ['a', 'a'] }],
    ['BAD_CREDENTIALS', 'without a colon', {}, 'a%3Ab:secret@'],
    ['BAD_CREDENTIALS', 'control characters', {}, 'a:secret%0D@'],
  ])('%s, %s: %o', async (code, message, options, user = '') => {
    const { port, count } = await counting();
    const refused = connect(`ws://${user}127.0.0.1:${port}`, options as ConnectOptions);
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
    await expect(refused).rejects.not.toThrow('secret');
    expect(count()).toBe(0);
  });

  test('also where a proxy would be asked', async () => {
    const { port, count } = await counting();
    const refused = connect('ws://name.invalid/', { proxy: `http://127.0.0.1:${port}`, protocols: ['a b'] });
    await expect(refused).rejects.toMatchObject({ code: 'BAD_PROTOCOL' });
    expect(count()).toBe(0);
  });

  test('and one that can be is sent', async () => {
    const { url } = await serve({ protocols: ['b'] }, () => {});
    const client = await connect(url, { protocols: ['a', 'b'], headers: [['Cookie', 'a=b']] });
    expect(client.protocol).toBe('b');
  });
});
