import type { MemoryPipe } from '../src/index.ts';

/** Everything that can happen in these pipes has happened when nothing has changed for some turns of the event loop. */
export async function quiet(...pipes: readonly MemoryPipe[]): Promise<void> {
  let seen = Number.NaN;
  for (let still = 0; still < 10; still += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    const now = pipes.reduce((sum, pipe) => sum * 1e9 + pipe.bufferedAmount, 0);
    if (now !== seen) still = 0;
    seen = now;
  }
}
