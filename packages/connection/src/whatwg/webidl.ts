import { toUSVString, types } from 'node:util';

/**
 * The conversions of Web IDL that the WebSocket interface needs: what a browser's bindings do to an argument before the
 * standard's own steps see it. All throw `TypeError`, as bindings do, or what the value's own `toString` throws.
 */

/** https://webidl.spec.whatwg.org/#js-USVString: a string without lone surrogates; these become U+FFFD. */
export function toUsvString(value: unknown): string {
  return toUSVString(`${value}`); // a template, not String(): that would take a Symbol
}

/** `(DOMString or sequence<DOMString>)`: whatever is an object and can be iterated is a sequence, a String object too. */
export function toStringOrSequence(value: unknown): string[] {
  if (isObject(value)) {
    const iterate = (value as { [Symbol.iterator]?: unknown })[Symbol.iterator];
    if (iterate !== undefined && iterate !== null) {
      if (typeof iterate !== 'function') throw new TypeError('expected protocols that can be iterated');
      return Array.from({ [Symbol.iterator]: () => iterate.call(value) as Iterator<unknown> }, (item) => `${item}`);
    }
  }
  return [`${value}`];
}

/** `[Clamp] unsigned short`: 0 to 65535, ties to the even number, NaN is 0. */
export function toClampedUnsignedShort(value: unknown): number {
  const number = Math.min(Math.max(toNumber(value), 0), 65_535);
  if (Number.isNaN(number)) return 0;
  const floor = Math.floor(number);
  const up = number - floor > 0.5 || (number - floor === 0.5 && floor % 2 === 1);
  return up ? floor + 1 : floor;
}

/** `unsigned short`: modulo 65536, NaN and the infinities are 0. */
export function toUnsignedShort(value: unknown): number {
  return toNumber(value) & 0xffff;
}

/**
 * `(BufferSource or Blob or USVString)`. Bytes are a view of the caller's buffer: copy what must outlive the call. Views
 * of shared or resizable memory are refused, because neither `[AllowShared]` nor `[AllowResizable]` stands in the
 * interface; a bare SharedArrayBuffer is none of the three types and so becomes a string.
 */
export function toMessageData(value: unknown): string | Uint8Array | Blob {
  if (ArrayBuffer.isView(value)) {
    assertPlainBuffer(value.buffer);
    return value.byteLength === 0
      ? new Uint8Array(0)
      : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  if (types.isArrayBuffer(value)) {
    assertPlainBuffer(value);
    return value.byteLength === 0 ? new Uint8Array(0) : new Uint8Array(value); // 0: it may be detached
  }
  return value instanceof Blob ? value : toUsvString(value);
}

export function isObject(value: unknown): value is object {
  return typeof value === 'function' || (typeof value === 'object' && value !== null);
}

/** What bindings throw when a method or an accessor is called on something else, or with too few arguments. */
export function illegalInvocation(): TypeError {
  return new TypeError('Illegal invocation: expected a WebSocket as this');
}

export function assertArguments(what: string, wanted: number, got: number): void {
  if (got < wanted) throw new TypeError(`${what}: expected ${wanted} argument${wanted === 1 ? '' : 's'}, got ${got}`);
}

function toNumber(value: unknown): number {
  return +(value as number); // not Number(): that would take a BigInt
}

function assertPlainBuffer(buffer: ArrayBufferLike): void {
  if (types.isSharedArrayBuffer(buffer)) throw new TypeError('expected bytes that are not shared');
  if ((buffer as { resizable?: boolean }).resizable) throw new TypeError('expected bytes of a fixed length');
}
