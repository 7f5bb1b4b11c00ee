import { constants, deflateRawSync } from 'node:zlib';
import { type Inflated, inflate } from './inflate.ts';

// RFC 7692 as the raw peer knows it. It compresses with zlib (any compressor would do) and inflates by hand.

/** What an answer in Sec-WebSocket-Extensions agreed on (§7.1). */
export interface Agreement {
  readonly serverTakeover: boolean;
  readonly clientTakeover: boolean;
  readonly serverBits: number;
  readonly clientBits: number;
}

/** Reads one accepted `permessage-deflate`; throws a sentence when the answer is not one (§7.1). */
export function parseAgreement(answer: string): Agreement {
  const [name, ...params] = answer.split(';').map((part) => part.trim());
  if (name !== 'permessage-deflate') throw new Error(`expected permessage-deflate to be accepted, got "${answer}"`);
  let agreement: Agreement = { serverTakeover: true, clientTakeover: true, serverBits: 15, clientBits: 15 };
  const seen = new Set<string>();
  for (const param of params) {
    const [key = '', quoted] = param.split('=').map((part) => part.trim());
    const value = quoted?.replace(/^"(.*)"$/, '$1');
    if (seen.has(key)) throw new Error(`expected each parameter once, got "${answer}"`);
    seen.add(key);
    const bits = /^(?:[89]|1[0-5])$/.test(value ?? '') ? Number(value) : undefined;
    if (key === 'server_no_context_takeover' && value === undefined)
      agreement = { ...agreement, serverTakeover: false };
    else if (key === 'client_no_context_takeover' && value === undefined)
      agreement = { ...agreement, clientTakeover: false };
    else if (key === 'server_max_window_bits' && bits) agreement = { ...agreement, serverBits: bits };
    else if (key === 'client_max_window_bits' && bits) agreement = { ...agreement, clientBits: bits };
    else throw new Error(`expected the parameters of §7.1 with valid values, got "${answer}"`);
  }
  return agreement;
}

const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);

export interface DeflaterOptions {
  /** 9–15; default 15. (zlib has no raw window of 8 bits: use `strategy` or short messages there.) */
  readonly bits?: number;
  /** Whether a message may refer to earlier ones; default true. */
  readonly takeover?: boolean;
  /** How zlib cuts the data into blocks; default: dynamic or fixed codes, as it likes. */
  readonly blocks?: 'stored' | 'fixed' | 'any' | 'no copies';
}

/** Compresses message by message (§7.2.1). */
export class Deflater {
  readonly #options: DeflaterOptions;
  #history = Buffer.alloc(0);

  constructor(options: DeflaterOptions = {}) {
    this.#options = options;
  }

  /** One message's payload, without the tail. */
  message(text: string | Uint8Array): Buffer {
    const bytes = Buffer.from(text);
    const { bits = 15, takeover = true, blocks = 'any' } = this.#options;
    const compressed = deflateRawSync(bytes, {
      windowBits: bits,
      finishFlush: constants.Z_SYNC_FLUSH,
      ...(blocks === 'stored' ? { level: 0 } : {}),
      ...(blocks === 'fixed' ? { strategy: constants.Z_FIXED } : {}),
      ...(blocks === 'no copies' ? { strategy: constants.Z_HUFFMAN_ONLY } : {}),
      ...(takeover && this.#history.length > 0 ? { dictionary: this.#history } : {}),
    });
    this.#history = Buffer.concat([this.#history, bytes]).subarray(-(1 << bits));
    if (!compressed.subarray(-4).equals(TAIL)) throw new Error('zlib did not end with an empty stored block');
    return compressed.subarray(0, -4);
  }
}

/** Inflates what the other side compressed, and holds it to the agreement. */
export class Inflater {
  readonly #takeover: boolean;
  readonly #window: number;
  #history: Uint8Array = new Uint8Array(0);
  /** What each message was made of. */
  readonly seen: Inflated[] = [];

  constructor({ takeover, bits }: { takeover: boolean; bits: number }) {
    this.#takeover = takeover;
    this.#window = 1 << bits;
  }

  message(payload: Uint8Array): Buffer {
    const inflated = inflate(Buffer.concat([payload, TAIL]), this.#history, this.#window);
    this.seen.push(inflated);
    if (this.#takeover) {
      const all = Buffer.concat([this.#history, inflated.bytes]);
      this.#history = all.subarray(-this.#window);
    }
    return Buffer.from(inflated.bytes);
  }
}
