import {
  Courier,
  type FileArrived,
  type LineEvent,
  type MessagePipe,
  offeredSubprotocols,
  printable,
} from '@wsferry/transfer';
import { fromWebSocket } from '@wsferry/transfer/browser';
import { ANSWER_MS, type Answer, askAtDoor, keepToken, token } from './access.ts';
import { addArrival, announcement, link } from './store.ts';

/** Where the page came from, as a WebSocket address: page and WebSocket share one port. */
export function webSocketUrl(): string {
  const url = new URL('./', location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

/**
 * The page's one line to the receiver: over as many WebSockets as it takes, for as long as the page is open. A browser never
 * tells that a connection is half open (a phone in a lift), so the peer is asked now and then.
 */
export const courier = new Courier({
  connect,
  retry: { forMs: Number.POSITIVE_INFINITY, longestDelayMs: 10_000, first: true },
  probe: { intervalMs: 5000, timeoutMs: 10_000 },
  onEvent: tell,
});

/** Called when somebody has come in with a token. */
let comeIn: (() => void) | undefined;
let startedAt = 0;

/** Opens the page's one WebSocket, and opens it again whenever it is lost. Call once. */
export function keepConnected(): void {
  addEventListener('online', retryNow);
  const onArrived = ({ name, folder = [], size, md5, sha256, at, existing = false }: FileArrived) => {
    const fresh = at >= startedAt - 1000;
    const algorithm = sha256 === undefined ? 'md5' : 'sha256';
    addArrival({ name, folder, size, algorithm, digest: sha256 ?? md5 ?? '', at, fresh, existing });
    if (fresh)
      announcement.value = `${printable([...folder, name].join('/'))} ${existing ? 'was sent again' : 'has arrived'}`;
  };
  void courier.watch({ onArrived }, { recent: 100 });
}

/** Tries `given` at the door, and comes in with it. */
export async function enter(given: string): Promise<void> {
  link.value = { state: 'locked', why: 'wanted', asking: true };
  const answer = await askAtDoor(given);
  if (answer === 'welcome') keepToken(given);
  if (!locked(answer)) comeIn?.();
}

/** Does not wait for the next attempt. */
export function retryNow(): void {
  courier.retryNow();
}

async function connect(signal: AbortSignal): Promise<MessagePipe> {
  link.value = { state: 'connecting' };
  // Before the WebSocket: one that is refused for want of a token would only fill the console.
  if (locked(await askAtDoor(token.value, signal))) {
    await new Promise<void>((resolve) => {
      comeIn = resolve;
    });
    comeIn = undefined;
    link.value = { state: 'connecting' };
  }
  const socket = new WebSocket(webSocketUrl(), offeredSubprotocols(token.value));
  const pipe = fromWebSocket(socket);
  const inTime = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve());
    // An error is always followed by close, which also tells of a refused or failed attempt.
    socket.addEventListener('close', () => reject(new Error('no connection')), { once: true });
    // A browser would wait for minutes.
    inTime.addEventListener('abort', () => reject(inTime.reason), { once: true });
    if (inTime.aborted) reject(inTime.reason);
  }).catch((error: unknown) => {
    socket.close();
    throw error;
  });
  return pipe;
}

/** Whether the server lets nobody in with the token that we have. */
function locked(answer: Answer): boolean {
  if (answer === 'welcome' || answer === 'unreachable') return false;
  if (answer === 'wrong') keepToken(undefined);
  link.value =
    typeof answer === 'string'
      ? { state: 'locked', why: answer }
      : { state: 'locked', why: 'wait', waitSeconds: Math.ceil(answer.waitMs / 1000) };
  return true;
}

function tell(event: LineEvent): void {
  if (event.type === 'connected') {
    startedAt = Date.now();
    link.value = { state: 'open' };
  } else if (event.type === 'lost') {
    link.value = { state: 'lost', retryAt: Date.now() + event.retryInMs };
  }
}
