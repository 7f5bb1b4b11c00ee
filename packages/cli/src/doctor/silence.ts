import type { CloseResult, Connection } from '@wsferry/connection';

/** Who has just connected may be greeted; that is not yet the silence that is meant. */
const GREETING_MS = 500;
const LOOK_MS = 50;

/** How it ended. `ms`: how long the silence was, the longest when it was interrupted. */
export type Silence =
  | { readonly how: 'cut'; readonly ms: number; readonly result: CloseResult }
  | { readonly how: 'spoken'; readonly ms: number }
  | { readonly how: 'silent'; readonly ms: number };

/**
 * Says nothing on `connection`, which was opened at `openedAt` (of `performance.now`), until it is cut, `limitMs` are over, or the peer has said something twice: once may be by
 * chance, and who pings may take longer for the second time.
 */
export function silence(connection: Connection, limitMs: number, openedAt: number): Promise<Silence> {
  return new Promise((resolve) => {
    let since = openedAt;
    let longestMs = 0;
    let words = 0;
    let heard = connection.bytesReceived;
    const finish = (end: Silence) => {
      clearInterval(looking);
      resolve(end);
    };
    const looking = setInterval(() => {
      const now = performance.now();
      longestMs = Math.max(longestMs, now - since);
      // What comes with the end of the connection is told by its end.
      if (connection.bytesReceived !== heard && connection.readyState === 1) {
        heard = connection.bytesReceived;
        since = now;
        if (now - openedAt > GREETING_MS) words++;
        else longestMs = 0;
      }
      if (words === 2) finish({ how: 'spoken', ms: longestMs });
      else if (now - openedAt >= limitMs) finish({ how: words > 0 ? 'spoken' : 'silent', ms: longestMs });
    }, LOOK_MS);
    void connection.closed.then((result) => finish({ how: 'cut', ms: performance.now() - since, result }));
  });
}

/** Whether `connection` is still open after `ms`, whatever is said on it. */
export async function lasts(connection: Connection, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(true), Math.max(0, ms));
  });
  const open = await Promise.race([enough, connection.closed.then(() => false)]);
  clearTimeout(timer);
  return open;
}
