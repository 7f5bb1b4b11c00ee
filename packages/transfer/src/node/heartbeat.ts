import type { BigIntStats } from 'node:fs';

/** How often a process touches the partial files that it works on. */
const BEAT_MS = 5_000;

/** Who has missed so many beats, as seen from here, does not live. */
export const WATCHED_MS = 30_000;

/** Nobody is watched whose last beat lies that long back, also by a clock that is a little wrong. */
const QUIET_MS = 5 * 60_000;

/** When a file was touched last, in milliseconds since 1970: by its content, its name or its time. */
export function touchedAt({ mtimeMs, ctimeMs }: BigIntStats): number {
  return Math.max(Number(mtimeMs), Number(ctimeMs));
}

/** Whether nobody has touched it for so long that its owner does not live, wherever that was. */
export function isQuiet(look: BigIntStats): boolean {
  return Date.now() - touchedAt(look) >= QUIET_MS;
}

const beating = new Set<Heartbeat>();
let timer: NodeJS.Timeout | undefined;

/**
 * Tells processes that cannot ask for ours, in another container or on another machine, that it lives: by the time of a file.
 * They take what has no beat any more; so whoever was stopped for long looks whether it still has its file before it goes on.
 */
export class Heartbeat {
  readonly #touch: () => Promise<boolean>;
  #last = Date.now();
  #running: Promise<void> = Promise.resolve();
  #lost = false;

  /** @param touch gives `false` when somebody else has the file */
  constructor(touch: () => Promise<boolean>) {
    this.#touch = touch;
    beating.add(this);
    timer ??= setInterval(() => {
      for (const one of beating) one.#beat();
    }, BEAT_MS).unref();
  }

  /** Whether somebody else has taken the file. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Before something is done to the file: something to wait for, when there was no beat for long. */
  due(): Promise<void> | undefined {
    return Date.now() - this.#last < 2 * BEAT_MS ? undefined : this.#beat();
  }

  /** Resolves when the file is not looked at any more. */
  async stop(): Promise<void> {
    beating.delete(this);
    if (beating.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
    await this.#running;
  }

  /** One after the other. That a disk is slow, or refuses, is no reason to give up the file. */
  #beat(): Promise<void> {
    this.#last = Date.now();
    this.#running = this.#running.then(async () => {
      if (!this.#lost) this.#lost = !(await this.#touch().catch(() => true));
    });
    return this.#running;
  }
}
