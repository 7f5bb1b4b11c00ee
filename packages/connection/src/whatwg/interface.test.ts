import { afterEach, describe, expect, test } from 'vitest';
import { closeAll, serveEcho, thrown } from '../../test/whatwg-peers.ts';
import { CloseEvent, WebSocket, webSocketClass } from './index.ts';

afterEach(closeAll);

const { prototype } = WebSocket;
const descriptor = (target: object, name: string | symbol) => Object.getOwnPropertyDescriptor(target, name);
/** A socket that goes nowhere: its port is blocked. */
const idle = () => new WebSocket('ws://127.0.0.1:1/');

describe('the interface object', () => {
  test('is a class named WebSocket with one required argument, derived from EventTarget', () => {
    expect([WebSocket.name, WebSocket.length]).toEqual(['WebSocket', 1]);
    expect(Object.getPrototypeOf(WebSocket)).toBe(EventTarget);
    expect(Object.getPrototypeOf(prototype)).toBe(EventTarget.prototype);
    expect(descriptor(WebSocket, 'prototype')).toMatchObject({ writable: false, enumerable: false });
    expect(descriptor(prototype, 'constructor')).toMatchObject({ value: WebSocket, writable: true, enumerable: false });
  });

  test('needs new', () => {
    expect(() => (WebSocket as unknown as (url: string) => void)('ws://127.0.0.1:1/')).toThrow(TypeError);
  });

  test.each(['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'] as const)(
    'has the constant %s, as has its prototype',
    (name) => {
      const value = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'].indexOf(name);
      const constant = { value, writable: false, enumerable: true, configurable: false };
      expect(descriptor(WebSocket, name)).toEqual(constant);
      expect(descriptor(prototype, name)).toEqual(constant);
      expect(idle()[name]).toBe(value);
    },
  );

  test('is named in Object.prototype.toString', () => {
    expect(String(idle())).toBe('[object WebSocket]');
    expect(descriptor(prototype, Symbol.toStringTag)).toEqual({
      value: 'WebSocket',
      writable: false,
      enumerable: false,
      configurable: true,
    });
  });
});

describe('members', () => {
  const readOnly = ['url', 'readyState', 'bufferedAmount', 'extensions', 'protocol'];
  const writable = ['onopen', 'onmessage', 'onerror', 'onclose', 'binaryType'];

  test.each([...readOnly, ...writable])(
    '%s is an enumerable accessor on the prototype, and checks its this',
    (name) => {
      const { get, set, ...rest } = descriptor(prototype, name) ?? {};
      expect(rest).toEqual({ enumerable: true, configurable: true });
      expect([get?.name, get?.length]).toEqual([`get ${name}`, 0]);
      expect(() => get?.call({})).toThrow(TypeError);
      expect(() => Reflect.get(prototype, name)).toThrow(TypeError);
      expect(set?.length).toBe(readOnly.includes(name) ? undefined : 1);
      if (set) expect(() => set.call({}, null)).toThrow(TypeError);
      expect(Object.hasOwn(idle(), name)).toBe(false);
    },
  );

  test.each([
    ['close', 0],
    ['send', 1],
  ] as const)('%s is an enumerable method with %i required arguments, and checks its this', (name, length) => {
    const { value: method, ...rest } = descriptor(prototype, name) ?? {};
    expect(rest).toEqual({ writable: true, enumerable: true, configurable: true });
    expect([method.name, method.length]).toEqual([name, length]);
    expect(() => method.call({}, '')).toThrow(TypeError);
  });

  test('a script may replace one on the prototype', () => {
    const before = descriptor(prototype, 'url') as PropertyDescriptor;
    try {
      Object.defineProperty(prototype, 'url', { get: () => 'foo' });
      expect(idle().url).toBe('foo');
    } finally {
      Object.defineProperty(prototype, 'url', before);
    }
  });

  test('assigning to a read-only one throws in strict code and changes nothing', () => {
    const ws = idle();
    expect(() => Object.assign(ws, { readyState: 3 })).toThrow(TypeError);
    expect(ws.readyState).toBe(0);
  });

  test('binaryType is "blob" at first and ignores what is not in its enumeration', () => {
    const ws = idle() as { binaryType: unknown };
    expect(ws.binaryType).toBe('blob');
    ws.binaryType = 'arraybuffer';
    for (const value of ['notBlobOrArrayBuffer', 'Blob', '', null, undefined, 1]) ws.binaryType = value;
    expect(ws.binaryType).toBe('arraybuffer');
    ws.binaryType = { toString: () => 'blob' };
    expect(ws.binaryType).toBe('blob');
    expect(() => Object.assign(ws, { binaryType: Symbol('blob') })).toThrow(TypeError);
  });
});

describe('event handler attributes', () => {
  const events = ['open', 'message', 'error', 'close'] as const;

  test.each(events)('on%s keeps functions and other objects, and takes everything else for null', (name) => {
    const ws = idle() as unknown as Record<string, unknown>;
    const attribute = `on${name}`;
    expect(ws[attribute]).toBeNull();
    for (const kept of [() => {}, { handleEvent() {} }, []]) {
      ws[attribute] = kept;
      expect(ws[attribute]).toBe(kept);
    }
    for (const dropped of [null, undefined, 2, 'alert()', true, Symbol('x')]) {
      ws[attribute] = () => {};
      ws[attribute] = dropped;
      expect(ws[attribute]).toBeNull();
    }
  });

  test('an object that cannot be called does nothing, not even by its handleEvent', () => {
    const ws = idle();
    let called = false;
    Object.assign(ws, { onopen: { handleEvent: () => (called = true) } });
    ws.dispatchEvent(new Event('open'));
    expect(called).toBe(false);
  });

  test('the handler stands among the listeners where it was first set, whatever replaces it', () => {
    const ws = idle();
    const order: string[] = [];
    ws.addEventListener('open', () => order.push('first'));
    ws.onopen = () => order.push('never');
    ws.addEventListener('open', () => order.push('third'));
    ws.onopen = () => order.push('second');
    ws.dispatchEvent(new Event('open'));
    ws.onopen = null;
    ws.onopen = () => order.push('last');
    ws.dispatchEvent(new Event('open'));
    expect(order).toEqual(['first', 'second', 'third', 'first', 'third', 'last']);
  });

  test('it is called with the socket as this, and false prevents the default', () => {
    const ws = idle();
    let self: unknown;
    ws.onmessage = function (event) {
      self = [this, event.target, event.currentTarget, event.eventPhase];
      return false;
    };
    const event = new Event('message', { cancelable: true });
    expect(ws.dispatchEvent(event)).toBe(false);
    expect(self).toEqual([ws, ws, ws, 2]);
  });

  test('a listener that was removed is not called', () => {
    const ws = idle();
    const listener = () => expect.unreachable();
    ws.addEventListener('close', listener);
    ws.removeEventListener('close', listener);
    ws.dispatchEvent(new Event('close'));
  });
});

describe('CloseEvent', () => {
  test('carries what it is given, converted as Web IDL does', () => {
    const event = new CloseEvent('close', { wasClean: true, code: 65_537, reason: 'a\ud800' });
    expect(event).toBeInstanceOf(Event);
    expect([event.type, event.wasClean, event.code, event.reason]).toEqual(['close', true, 1, 'a\ufffd']);
    expect([event.bubbles, event.cancelable]).toEqual([false, false]);
    expect(new CloseEvent('foo', { bubbles: true, cancelable: true })).toMatchObject({
      bubbles: true,
      cancelable: true,
    });
    expect(String(event)).toBe('[object CloseEvent]');
  });

  test('is empty by default, with null for its dictionary too', () => {
    for (const init of [undefined, null, {}]) {
      const { wasClean, code, reason } = new CloseEvent('close', init as object);
      expect([wasClean, code, reason]).toEqual([false, 0, '']);
    }
  });

  test('has one required argument, and takes objects only for its second', () => {
    const Untyped = CloseEvent as unknown as new (...args: unknown[]) => Event;
    expect([Untyped.name, Untyped.length]).toEqual(['CloseEvent', 1]);
    expect(thrown(() => new Untyped())).toBe('TypeError');
    expect(thrown(() => new Untyped('close', 1))).toBe('TypeError');
    for (const name of ['wasClean', 'code', 'reason']) {
      expect(descriptor(CloseEvent.prototype, name)).toMatchObject({ enumerable: true, set: undefined });
      expect(() => Reflect.get(CloseEvent.prototype, name)).toThrow(TypeError);
    }
  });
});

describe('a class with options bound to it', () => {
  test('looks like WebSocket, is one, and sends its headers; so does a class derived from it', async () => {
    let seen: unknown;
    const url = await serveEcho({
      refuse: (request) => {
        seen = request.headers.find(([name]) => name === 'X-Token')?.[1];
        return undefined;
      },
    });
    const Bound = webSocketClass({ headers: [['X-Token', 'secret']] });
    class Derived extends Bound {}
    expect([Bound.name, Bound.length, Bound.OPEN]).toEqual(['WebSocket', 1, 1]);
    for (const Class of [Bound, Derived]) {
      seen = undefined;
      const ws = new Class(url);
      expect(ws).toBeInstanceOf(WebSocket);
      await new Promise((resolve) => (ws.onopen = resolve));
      expect(seen).toBe('secret');
    }
    expect(thrown(() => new (Bound as unknown as new () => unknown)())).toBe('TypeError');
  });
});
