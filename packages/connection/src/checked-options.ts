import type { TextAs } from '@wsferry/frames';
import { type Clock, systemClock } from './clock.ts';
import { deflateSettings, offeredExtensions } from './compression.ts';
import { ConnectionError } from './errors.ts';
import { DEFAULT_KEEPALIVE, KeepaliveSchedule } from './keepalive.ts';
import type { ConnectionOptions } from './options.ts';
import { DEFAULT_MAX_MESSAGE_BYTES, DEFAULT_THRESHOLD_BYTES } from './protocol-options.ts';

/** The options of a connection, judged and with their defaults in place: made once for all the connections of a server. */
export class ConnectionSettings {
  readonly maxMessageBytes: number;
  readonly deflate: ConnectionOptions['deflate'];
  readonly thresholdBytes: number;
  readonly level: number | undefined;
  readonly text: TextAs;
  readonly keepalive: KeepaliveSchedule | undefined;
  readonly closeTimeoutMs: number;
  readonly highWaterMarkBytes: number;
  readonly receiveHighWaterMarkBytes: number;
  readonly clock: Clock;

  constructor(settings: Readonly<ConnectionSettings>) {
    this.maxMessageBytes = settings.maxMessageBytes;
    this.deflate = settings.deflate;
    this.thresholdBytes = settings.thresholdBytes;
    this.level = settings.level;
    this.text = settings.text;
    this.keepalive = settings.keepalive;
    this.closeTimeoutMs = settings.closeTimeoutMs;
    this.highWaterMarkBytes = settings.highWaterMarkBytes;
    this.receiveHighWaterMarkBytes = settings.receiveHighWaterMarkBytes;
    this.clock = settings.clock;
  }
}

const MEBIBYTE = 1024 * 1024;
/** The longest time that Node's timers know; longer ones would fire at once. */
const MAX_MS = 2 ** 31 - 1;

/** Judges options before anything is opened, so that a wrong one costs nobody a socket. Throws `BAD_ARGUMENT`. */
export function checkedOptions(options: ConnectionOptions): ConnectionSettings {
  const { deflate, text = 'string', keepalive = DEFAULT_KEEPALIVE, clock = systemClock } = options;
  if (deflate !== undefined && typeof deflate !== 'boolean' && typeof deflate !== 'object') {
    throw bad('deflate', 'true, false or settings', deflate);
  }
  const { thresholdBytes, level } = deflateSettings(deflate) ?? {};
  if (text !== 'string' && text !== 'bytes') throw bad('text', '"string" or "bytes"', text);
  if (keepalive !== false && (typeof keepalive !== 'object' || keepalive === null)) {
    throw bad('keepalive', 'false or { intervalMs, timeoutMs }', keepalive);
  }
  if (level !== undefined && !(Number.isInteger(level) && level >= 0 && level <= 9)) {
    throw bad('deflate.level', 'a whole number from 0 to 9', level);
  }
  try {
    offeredExtensions(deflate);
  } catch (cause) {
    throw new ConnectionError('BAD_ARGUMENT', `deflate: ${(cause as Error).message}`, { cause });
  }
  return new ConnectionSettings({
    maxMessageBytes: bytes('maxMessageBytes', options.maxMessageBytes, DEFAULT_MAX_MESSAGE_BYTES),
    thresholdBytes: bytes('deflate.thresholdBytes', thresholdBytes, DEFAULT_THRESHOLD_BYTES),
    deflate,
    level,
    text,
    keepalive:
      keepalive === false
        ? undefined
        : new KeepaliveSchedule(
            {
              intervalMs: milliseconds('keepalive.intervalMs', keepalive.intervalMs, DEFAULT_KEEPALIVE.intervalMs),
              timeoutMs: milliseconds('keepalive.timeoutMs', keepalive.timeoutMs, DEFAULT_KEEPALIVE.timeoutMs),
            },
            clock,
          ),
    closeTimeoutMs: milliseconds('closeTimeoutMs', options.closeTimeoutMs, 10_000),
    highWaterMarkBytes: bytes('highWaterMarkBytes', options.highWaterMarkBytes, MEBIBYTE),
    receiveHighWaterMarkBytes: bytes('receiveHighWaterMarkBytes', options.receiveHighWaterMarkBytes, MEBIBYTE),
    clock,
  });
}

/** A number of bytes, Infinity for no limit. */
function bytes(name: string, value: unknown, fallback: number): number {
  if (value === undefined) return fallback;
  if (value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && (value as number) >= 0))
    return value as number;
  throw bad(name, 'a whole number of bytes, or Infinity', value);
}

/** A time to wait, in ms. */
export function milliseconds(name: string, value: unknown, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && value > 0 && value <= MAX_MS) return value;
  throw bad(name, `milliseconds above 0 and up to ${MAX_MS}`, value);
}

/** How many there may be at once; Infinity for no limit. */
export function count(name: string, value: unknown, fallback: number): number {
  if (value === undefined) return fallback;
  if (value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && (value as number) > 0))
    return value as number;
  throw bad(name, 'a whole number above 0, or Infinity', value);
}

export function bad(name: string, expected: string, value: unknown): ConnectionError {
  // Of a function or an object, what it is: its text would be its source, or nothing to read.
  const plain = value === null || !/^(?:function|object)$/.test(typeof value);
  const kind = Array.isArray(value) ? 'a list' : typeof value === 'function' ? 'a function' : 'an object';
  const got = typeof value === 'string' ? JSON.stringify(value) : plain ? String(value) : kind;
  return new ConnectionError('BAD_ARGUMENT', `expected ${name} to be ${expected}, got ${got}`);
}
