import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { missing, temporaryDirectory } from '@wsferry/testing';
import { describe, expect, test } from 'vitest';
import { Party } from '../../src/chaos/parties.ts';

const TOKEN = 'a-token-for-two-hosts';
const NEAR = '10.98.76.1';
const FAR = '10.98.76.2';

/** Two hosts with a cable between them: namespaces of our own, of which the rest of the machine sees nothing. */
function twoHosts() {
  const names = [`wsferry-${process.pid}-near`, `wsferry-${process.pid}-far`] as const;
  const ip = (...words: string[]) => execFileSync('ip', words, { stdio: 'pipe' });
  const [near, far] = names;
  for (const name of names) ip('netns', 'add', name);
  ip('-n', near, 'link', 'add', 'cable', 'type', 'veth', 'peer', 'name', 'cable', 'netns', far);
  for (const [name, address] of [
    [near, NEAR],
    [far, FAR],
  ] as const) {
    ip('-n', name, 'address', 'add', `${address}/30`, 'dev', 'cable');
    ip('-n', name, 'link', 'set', 'lo', 'up');
    ip('-n', name, 'link', 'set', 'cable', 'up');
  }
  // A line on which a file takes a while: 160 Mbit/s.
  execFileSync('ip', [
    'netns',
    'exec',
    far,
    'tc',
    'qdisc',
    'add',
    'dev',
    'cable',
    'root',
    'tbf',
    'rate',
    '160mbit',
    'burst',
    '64kb',
    'latency',
    '100ms',
  ]);
  return {
    in: (name: 'near' | 'far') => ['ip', 'netns', 'exec', name === 'near' ? near : far],
    cable: (state: 'up' | 'down') => ip('-n', near, 'link', 'set', 'cable', state),
    [Symbol.dispose]: () => {
      for (const name of names) ip('netns', 'delete', name);
    },
  };
}

const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');

describe.skipIf(missing('network-namespaces'))(
  'between two hosts whose cable is pulled in the middle of a file',
  () => {
    test('TCP says nothing on either side: the sender notices by itself, and goes on once the cable is back', async () => {
      await using here = await temporaryDirectory();
      using hosts = twoHosts();
      const inbox = join(here.path, 'inbox');
      await mkdir(inbox);
      const content = Buffer.alloc(40_000_000);
      for (let at = 0; at < content.length; at += 4096) content.writeUInt32LE(at, at);
      await writeFile(join(here.path, 'film.bin'), content);
      const env = { WSFERRY_TOKEN: TOKEN };
      const receiver = new Party(['serve', '--host', NEAR, '--dir', inbox], here.path, {
        within: hosts.in('near'),
        env,
      });
      const sender = new Party(
        ['send', 'film.bin', '--to', `ws://${NEAR}:6455`, '--line-timeout', '1s', '--retry-for', '60s'],
        here.path,
        { within: hosts.in('far'), env },
      );
      try {
        receiver.start();
        await receiver.next('receiver');
        sender.start();
        let pulled = 0;
        sender.onEvent = ({ event, stored }) => {
          if (pulled === 0 && event === 'progress' && Number(stored) > 8_000_000) {
            pulled = Number(stored);
            hosts.cable('down');
          }
          // Twice: once the line is known to be lost, and once more when nobody could be reached.
          if (event === 'lost' && sender.events.filter((one) => one.event === 'lost').length === 2) hosts.cable('up');
        };
        expect(await sender.ended(), JSON.stringify(sender.events.slice(-5)) + sender.stderr).toBe(0);
        const resumed = sender.events.find(({ event }) => event === 'resumed');
        expect(Number(resumed?.['offset'])).toBeGreaterThanOrEqual(pulled);
        expect(md5(await readFile(join(inbox, 'film.bin')))).toBe(md5(content));
        expect(await readdir(inbox)).toEqual(['film.bin']);
      } finally {
        await sender.signal('SIGKILL');
        await receiver.signal('SIGKILL');
      }
    });
  },
);
