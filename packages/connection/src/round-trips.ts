import type { Clock } from './clock.ts';

interface Pending {
  payload: Uint8Array;
  startedAt: number;
  resolve: (milliseconds: number) => void;
  reject: (error: Error) => void;
}

/** Pings on their way. Each carries a number of its own, so that a Pong nobody asked for (§5.5.3) matches nothing. */
export class RoundTrips {
  readonly #clock: Clock;
  #pending: Pending[] = [];
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get waiting(): boolean {
    return this.#pending.length > 0;
  }

  start(): { payload: Uint8Array; roundTrip: Promise<number> } {
    const payload = new Uint8Array(4);
    new DataView(payload.buffer).setUint32(0, ++this.#count);
    const roundTrip = new Promise<number>((resolve, reject) => {
      this.#pending.push({ payload, startedAt: this.#clock.now(), resolve, reject });
    });
    return { payload, roundTrip };
  }

  /** A Pong came. §5.5.3 lets the peer answer only the latest Ping, so it answers the earlier ones too. */
  finish(payload: Uint8Array): void {
    const index = this.#pending.findIndex((ping) => sameBytes(ping.payload, payload));
    const now = this.#clock.now();
    for (const ping of this.#pending.splice(0, index + 1)) ping.resolve(now - ping.startedAt);
  }

  fail(error: Error): void {
    for (const ping of this.#pending.splice(0)) ping.reject(error);
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
