/** Files of one command that move at once. More gain nothing on one connection, and cost an open file each. */
const MAX_CONCURRENT = 16;

/** With those of up to {@link SMALL_BYTES}: of them each takes a few round trips, which others fill. */
const MAX_CONCURRENT_WITH_SMALL = 64;

/** What goes in one packet, and is read and stored in one go. */
const SMALL_BYTES = 64 * 1024;

/**
 * Runs `run` for each item, begun in their order, 16 at a time; and beside them as many small files that 64 are under way. While
 * a large one waits for its turn, small ones that come behind it may go before it.
 *
 * @param sizeOf how many bytes the item has; it counts as large when nobody knows
 */
export async function eachConcurrently<T>(
  items: Iterable<T> | AsyncIterable<T>,
  sizeOf: (item: T) => number | undefined,
  run: (item: T) => Promise<void>,
): Promise<void> {
  const queue = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  const waiting: (() => void)[] = [];
  let large = 0;
  const runLarge = async (item: T) => {
    if (large < MAX_CONCURRENT) large += 1;
    else await new Promise<void>((resolve) => void waiting.push(resolve));
    try {
      await run(item);
    } finally {
      const next = waiting.shift();
      if (next === undefined) large -= 1;
      else next(); // takes the place over
    }
  };
  const lane = async () => {
    // All lanes draw from the same iterator.
    for (let next = await queue.next(); !next.done; next = await queue.next()) {
      const small = (sizeOf(next.value) ?? Infinity) <= SMALL_BYTES;
      await (small ? run : runLarge)(next.value);
    }
  };
  await Promise.all(Array.from({ length: MAX_CONCURRENT_WITH_SMALL }, lane));
}
