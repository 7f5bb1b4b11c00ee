/** Files of one command that move at once. More gain nothing on one connection, and cost an open file each. */
export const MAX_CONCURRENT_FILES = 16;

/** Runs `run` for each item, at most `limit` at a time, in their order. */
export async function eachConcurrently<T>(
  items: Iterable<T> | AsyncIterable<T>,
  limit: number,
  run: (item: T) => Promise<void>,
): Promise<void> {
  const queue = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  const lane = async () => {
    // All lanes draw from the same iterator.
    for (let next = await queue.next(); !next.done; next = await queue.next()) await run(next.value);
  };
  await Promise.all(Array.from({ length: limit }, lane));
}
