interface Shared {
  readonly runs: Set<() => void>;
  readonly stop: () => void;
}

const waiting = new WeakMap<AbortSignal, Shared>();

/**
 * Calls `run` when the signal comes. Returns the way out, which may be taken twice. However many transfers wait for one
 * signal, it has one listener of ours: Node warns of more than ten, as of a leak.
 */
export function onAbort(signal: AbortSignal | undefined, run: () => void): () => void {
  if (signal === undefined) return () => {};
  const own = () => run();
  const shared = waiting.get(signal) ?? listen(signal);
  shared.runs.add(own);
  return () => {
    if (shared.runs.delete(own) && shared.runs.size === 0) shared.stop();
  };
}

function listen(signal: AbortSignal): Shared {
  const runs = new Set<() => void>();
  const all = () => {
    waiting.delete(signal);
    // Who has left meanwhile, because of another one, hears nothing any more.
    for (const run of [...runs]) if (runs.has(run)) run();
  };
  const stop = () => {
    signal.removeEventListener('abort', all);
    waiting.delete(signal);
  };
  const shared = { runs, stop };
  waiting.set(signal, shared);
  signal.addEventListener('abort', all, { once: true });
  return shared;
}
