import { FakeClock } from '@wsferry/testing';
import { expect, test } from 'vitest';
import { Keepalive, KeepaliveSchedule } from './keepalive.ts';

function start() {
  const clock = new FakeClock();
  const log: string[] = [];
  const actions = {
    sendPing: () => log.push('ping'),
    sendPong: () => log.push('pong'),
    dead: () => log.push('dead'),
  };
  const keepalive = new Keepalive(new KeepaliveSchedule({ intervalMs: 100, timeoutMs: 50 }, clock), actions);
  return { clock, log, keepalive };
}

test('a silent peer is pinged after the interval and given up after the timeout', () => {
  const { clock, log } = start();
  clock.advance(100);
  expect(log).toEqual(['ping']);
  clock.advance(49);
  expect(log).toEqual(['ping']);
  clock.advance(1);
  expect(log).toEqual(['ping', 'dead']);
  clock.advance(1000);
  expect(log).toEqual(['ping', 'dead']);
});

test('a peer that is heard is not asked', () => {
  const { clock, log, keepalive } = start();
  for (let i = 0; i < 10; i++) {
    keepalive.heard();
    clock.advance(100);
  }
  expect(log).toEqual([]);
});

test('any byte after the ping proves the peer alive', () => {
  const { clock, log, keepalive } = start();
  clock.advance(120);
  keepalive.heard();
  clock.advance(100);
  expect(log).toEqual(['ping']);
});

test('silence proves nothing while we do not read', () => {
  const { clock, log, keepalive } = start();
  keepalive.suspend(true);
  clock.advance(1000);
  expect(log).not.toContain('ping');
  expect(log).not.toContain('dead');
});

test('while we do not read, and so cannot answer pings, a pong goes out every interval', () => {
  const { clock, log, keepalive } = start();
  keepalive.suspend(true);
  clock.advance(300);
  expect(log).toEqual(['pong', 'pong', 'pong']);
});

test('what the peer sent while we did not read counts once we read again', () => {
  const { clock, log, keepalive } = start();
  keepalive.suspend(true);
  clock.advance(100);
  keepalive.suspend(false);
  clock.advance(100);
  expect(log).toEqual(['pong']);
  clock.advance(150);
  expect(log).toEqual(['pong', 'ping', 'dead']);
});

test('stopped, it does nothing more', () => {
  const { clock, log, keepalive } = start();
  keepalive.stop();
  clock.advance(1000);
  expect(log).toEqual([]);
});
