import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { closeAll, next, opened, serve, serveEcho, serveRaw, story, turn } from '../../test/whatwg-peers.ts';
import { CloseEvent, WebSocket } from './index.ts';

afterEach(closeAll);

const { OPEN, CLOSING, CLOSED } = WebSocket;
const EMPTY_CLOSE = Buffer.from([0x88, 0]);
const FAILED = ['3 error', '3 close 1006 "" unclean'];

describe('events', () => {
  test('open, message and close come in order, each with its class, its target and nothing to bubble or cancel', async () => {
    const url = await serveEcho();
    const ws = new WebSocket(`${url}/path`);
    const seen: Event[] = [];
    for (const type of ['open', 'message', 'error', 'close']) {
      ws.addEventListener(type, (event) => {
        expect([event.target, event.currentTarget, event.eventPhase]).toEqual([ws, ws, 2]);
        seen.push(event);
      });
    }
    ws.onopen = () => ws.send('Goodbye');
    await next(ws, 'close');
    expect(seen.map(String)).toEqual(['[object Event]', '[object MessageEvent]', '[object CloseEvent]']);
    expect(seen.map(({ type }) => type)).toEqual(['open', 'message', 'close']);
    expect(seen.some(({ bubbles, cancelable, composed }) => bubbles || cancelable || composed)).toBe(false);
    const [, message, close] = seen as [Event, MessageEvent, CloseEvent];
    expect([message.data, message.origin, message.lastEventId, message.source]).toEqual(['Goodbye', url, '', null]);
    expect(close).toBeInstanceOf(CloseEvent);
    expect([close.wasClean, close.code, close.reason]).toEqual([true, 1000, 'Goodbye']);
  });

  test('none comes before the script that made the socket has ended, nor before its promises have', async () => {
    const ws = new WebSocket(await serveEcho());
    for (let i = 0; i < 100; i++) await undefined;
    expect(ws.readyState).toBe(0);
    await next(ws, 'open');
  });

  test('each is a task: what a listener’s promises do is done before the next event', async () => {
    const url = await serve((peer) => {
      for (const text of ['one', 'two', 'three']) peer.send(text);
      peer.close(1000);
    });
    const ws = new WebSocket(url);
    const order: string[] = [];
    const log = async (event: Event) => {
      const name = event.type === 'message' ? (event as MessageEvent).data : event.type;
      order.push(`${name} begins`);
      for (let i = 0; i < 50; i++) await undefined;
      order.push(`${name} ends`);
    };
    for (const type of ['open', 'message', 'close']) ws.addEventListener(type, log);
    await next(ws, 'close');
    await turn();
    const names = ['open', 'one', 'two', 'three', 'close'];
    expect(order).toEqual(names.flatMap((name) => [`${name} begins`, `${name} ends`]));
  });

  test('a listener for close that is added after awaiting error is in time', async () => {
    const ws = new WebSocket('ws://127.0.0.1:1/');
    await next(ws, 'error');
    expect(ws.readyState).toBe(CLOSED);
    expect((await next(ws, 'close')).code).toBe(1006);
  });

  test('messages that came before the peer’s Close frame are delivered while OPEN; then CLOSING, then CLOSED', async () => {
    const states: number[] = [];
    const url = await serveRaw((socket) => {
      socket.write(Buffer.concat([Buffer.from([0x81, 1, 0x61, 0x81, 1, 0x62]), EMPTY_CLOSE]));
      socket.once('data', () => socket.end()); // our answer to the Close frame: by then CLOSING is due
    });
    const ws = new WebSocket(url);
    ws.onmessage = ({ data }) => states.push(data, ws.readyState);
    await next(ws, 'message');
    while (ws.readyState === OPEN) await turn();
    states.push(ws.readyState);
    const { code, wasClean } = await next(ws, 'close');
    expect(states).toEqual(['a', OPEN, 'b', OPEN, CLOSING]);
    expect([ws.readyState, code, wasClean]).toEqual([CLOSED, 1005, true]);
  });

  test('data after the peer’s Close frame is ignored', async () => {
    const url = await serveRaw((socket) => {
      socket.write(Buffer.concat([EMPTY_CLOSE, Buffer.from([0x81, 1, 0x61])]));
      socket.once('data', () => socket.end());
    });
    expect(await story(new WebSocket(url))).toEqual(['1 open', '3 close 1005 "" clean']);
  });
});

describe('a connection that fails', () => {
  test.each([
    ['nobody listens', async () => 'ws://127.0.0.1:2/'],
    ['the name does not exist', async () => 'ws://example.invalid/'],
    ['the server does not speak TLS', async () => (await serveEcho()).replace('ws:', 'wss:')],
    ['the server answers 404', async () => `${await serveEcho({ path: '/here' })}/elsewhere`],
    ['the server redirects', () => serveAnswer('HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\n\r\n')],
    ['the accept key is wrong', () => serveAnswer(`${UPGRADED}Sec-WebSocket-Accept: x\r\n\r\n`)],
    ['the server hangs up', () => serveRaw((socket) => socket.destroy(), null)],
    ['an extension was not offered', () => serveRaw(() => {}, ['Sec-WebSocket-Extensions: x-foo'])],
  ])('%s: error and close 1006, and never open', async (_, url) => {
    expect(await story(new WebSocket(await url()))).toEqual(FAILED);
  });

  test.each([
    ['a reserved opcode', [0x83, 3, 0x4c, 0x4f, 0x4c]],
    ['a masked frame', [0x81, 0x81, 1, 2, 3, 4, 5]],
    ['invalid UTF-8', [0x81, 1, 0xff]],
    ['a Close frame with a code that may not be sent', [0x88, 2, 0x03, 0xed]],
    ['a Close frame of one byte', [0x88, 1, 0]],
  ])('by %s reports error and 1006, after the messages before it', async (_, frame) => {
    const url = await serveRaw((socket) => {
      socket.write(Buffer.from([0x81, 1, 0x61, ...frame]));
      socket.on('end', () => socket.end()).resume();
    });
    expect(await story(new WebSocket(url))).toEqual(['1 open', '1 message a', ...FAILED]);
  });

  test('by TCP’s end without a Close frame reports the same (§7.2.1), whichever way it ends', async () => {
    for (const end of [(socket: Socket) => socket.end(), (socket: Socket) => socket.resetAndDestroy()]) {
      const url = await serveRaw((socket) => socket.once('data', () => end(socket)));
      const ws = await opened(url);
      ws.send('now');
      expect(await story(ws)).toEqual(FAILED);
    }
  });
});

describe('close', () => {
  test('while connecting fails the connection: no open, readyState goes to CLOSING at once', async () => {
    let seen: Socket | undefined;
    const url = await serveRaw((socket) => {
      seen = socket;
    }, null);
    const ws = new WebSocket(url);
    while (!seen) await turn();
    ws.close();
    expect(ws.readyState).toBe(CLOSING);
    ws.close(3000, 'again');
    expect(await story(ws)).toEqual(FAILED);
  });

  test('in the same task as the constructor fails it too, whatever arguments it has', async () => {
    const url = await serveEcho();
    for (const args of [[], [1000], [4999, 'reason']] as [number?, string?][]) {
      const ws = new WebSocket(url);
      ws.close(...args);
      expect([ws.readyState, await story(ws)]).toEqual([CLOSED, FAILED].map((v, i) => (i ? v : CLOSING)));
    }
  });

  test('in the listeners of error and close does nothing', async () => {
    const ws = new WebSocket('ws://127.0.0.1:1/');
    let closes = 0;
    ws.onerror = () => ws.close();
    ws.onclose = () => {
      closes++;
      ws.close();
      expect(ws.readyState).toBe(CLOSED);
    };
    await next(ws, 'close');
    await turn();
    expect(closes).toBe(1);
  });

  const closings: [args: [unknown?, unknown?], frame: Buffer][] = [
    [[], EMPTY_CLOSE],
    [[undefined], EMPTY_CLOSE],
    [[undefined, undefined], EMPTY_CLOSE],
    [[undefined, ''], EMPTY_CLOSE],
    [[1000], Buffer.from([0x88, 2, 0x03, 0xe8])],
    [[999.5], Buffer.from([0x88, 2, 0x03, 0xe8])],
    [['3000'], Buffer.from([0x88, 2, 0x0b, 0xb8])],
    [[4999.4, 'ok'], Buffer.from([0x88, 4, 0x13, 0x87, 0x6f, 0x6b])],
    [[undefined, 'ok'], Buffer.from([0x88, 4, 0x03, 0xe8, 0x6f, 0x6b])],
    [[1000, '\ud800'], Buffer.from([0x88, 5, 0x03, 0xe8, 0xef, 0xbf, 0xbd])],
    [[1000, null], Buffer.from([0x88, 6, 0x03, 0xe8, ...Buffer.from('null')])],
    [[1000, 'x'.repeat(123)], Buffer.concat([Buffer.from([0x88, 125, 0x03, 0xe8]), Buffer.alloc(123, 'x')])],
  ];
  test.each(closings)('%j sends the frame %o, and what comes back is reported', async (args, frame) => {
    const url = await serveRaw((socket) => {
      socket.once('data', (bytes) => {
        const sent = Buffer.from(bytes);
        for (let i = 6; i < sent.length; i++) sent[i]! ^= sent[2 + ((i - 6) % 4)]!;
        // Unmasked, it is the answer too.
        socket.end(Buffer.concat([Buffer.from([sent[0]!, sent[1]! & 0x7f]), sent.subarray(6)]));
      });
    });
    const ws = await opened(url);
    (ws.close as (...args: unknown[]) => void)(...args);
    expect(ws.readyState).toBe(CLOSING);
    const { code, reason, wasClean } = await next(ws, 'close');
    const expected = frame.length > 2 ? [frame.readUInt16BE(2), frame.toString('utf8', 4)] : [1005, ''];
    expect([code, reason, wasClean]).toEqual([...expected, true]);
  });

  test.each([0, 500, 999, 1001, 1005, 1006, 2999, 5000, 65_536 + 1000, -1, NaN, 'string', null, 999.4])(
    'with the code %s is an InvalidAccessError, in every state',
    async (code) => {
      const ws = new WebSocket(await serveEcho());
      const refused = () =>
        expect(() => ws.close(code as number)).toThrow(expect.objectContaining({ name: 'InvalidAccessError' }));
      refused();
      expect(ws.readyState).toBe(0);
      await next(ws, 'open');
      refused();
      expect(ws.readyState).toBe(OPEN);
      ws.close();
      refused();
      await next(ws, 'close');
      refused();
    },
  );

  test('with a reason over 123 bytes of UTF-8 is a SyntaxError; with what cannot be converted a TypeError', async () => {
    const ws = await opened(await serveEcho());
    for (const reason of ['x'.repeat(124), 'é'.repeat(62), '\ud800'.repeat(42)]) {
      expect(() => ws.close(1000, reason)).toThrow(expect.objectContaining({ name: 'SyntaxError' }));
    }
    for (const args of [[1n], [Symbol('x')], [1000, Symbol('x')]]) {
      expect(() => (ws.close as (...args: unknown[]) => void)(...args)).toThrow(TypeError);
    }
    expect(ws.readyState).toBe(OPEN);
    ws.close();
  });

  test('messages that come after it are not delivered; a late answer is still a clean close', async () => {
    const url = await serveRaw((socket) => {
      socket.once('data', () => {
        socket.write(Buffer.from([0x81, 1, 0x61]));
        socket.end(Buffer.from([0x88, 2, 0x0b, 0xb8]));
      });
    });
    const ws = await opened(url);
    ws.close();
    expect(await story(ws)).toEqual(['3 close 3000 "" clean']);
  });

  test('what was sent before it arrives', async () => {
    const received: unknown[] = [];
    const url = await serve(async (peer) => {
      for await (const data of peer) received.push(data);
    });
    const ws = await opened(url);
    ws.send('one');
    ws.send('x'.repeat(1_000_000));
    ws.close(1000);
    expect((await next(ws, 'close')).wasClean).toBe(true);
    expect(received.map((data) => (data as string).length)).toEqual([3, 1_000_000]);
  });
});

const UPGRADED = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n';

function serveAnswer(answer: string): Promise<string> {
  return serveRaw((socket) => socket.end(answer), null);
}
