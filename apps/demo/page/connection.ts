import { type FileArrived, offeredSubprotocols, openSession, printable, type Session } from '@wsferry/transfer';
import { fromWebSocket } from '@wsferry/transfer/browser';
import { type Answer, askAtDoor, keepToken, token } from './access.ts';
import { addArrival, announcement, link } from './store.ts';

const firstRetryMs = 500;
const longestRetryMs = 10_000;

let session: Session | undefined;
let attempts = 0;
let retryTimer: ReturnType<typeof setTimeout> | undefined;
let whenOpen: Array<(session: Session) => void> = [];

/** Where the page came from, as a WebSocket address: page and WebSocket share one port. */
export function webSocketUrl(): string {
  const url = new URL('./', location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

/** The session of the open socket, now or as soon as there is one. */
export function openedSession(): Promise<Session> {
  return session ? Promise.resolve(session) : new Promise((resolve) => whenOpen.push(resolve));
}

/** Opens the page's one WebSocket, and opens it again whenever it is lost. Call once. */
export function keepConnected(): void {
  addEventListener('online', retryNow);
  // Before the WebSocket: one that is refused for want of a token would only fill the console.
  void askAtDoor().then((answer) => {
    if (!locked(answer)) connect();
  });
}

/** Tries `given` at the door, and comes in with it. */
export async function enter(given: string): Promise<void> {
  link.value = { state: 'locked', why: 'wanted', asking: true };
  const answer = await askAtDoor(given);
  if (answer === 'welcome') {
    keepToken(given);
    connect();
  } else if (!locked(answer)) lost();
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

/** Does not wait for the next attempt. */
export function retryNow(): void {
  if (link.value.state === 'lost') connect();
}

function connect(): void {
  clearTimeout(retryTimer);
  link.value = { state: 'connecting' };
  const socket = new WebSocket(webSocketUrl(), offeredSubprotocols(token.value));
  let wasOpen = false;
  socket.addEventListener('open', () => {
    wasOpen = true;
    opened(socket);
  });
  // An error is always followed by close, which also tells of a refused or failed attempt.
  socket.addEventListener('close', () => (wasOpen ? lost() : void notOpened()), { once: true });
}

/** Perhaps the server came back with another token. */
async function notOpened(): Promise<void> {
  if (!locked(await askAtDoor())) lost();
}

function opened(socket: WebSocket): void {
  const startedAt = Date.now();
  const current = openSession(fromWebSocket(socket), { role: 'opener' });
  current.closed.catch(() => {}); // How it ended shows in the uploads and in `link`.
  const onArrived = ({ name, size, md5, sha256, at, existing = false }: FileArrived) => {
    const fresh = at >= startedAt - 1000;
    const algorithm = sha256 === undefined ? 'md5' : 'sha256';
    addArrival({ name, size, algorithm, digest: sha256 ?? md5 ?? '', at, fresh, existing });
    if (fresh) announcement.value = `${printable(name)} ${existing ? 'was sent again' : 'has arrived'}`;
  };
  current.watch({ onArrived }, { recent: 100 });
  session = current;
  attempts = 0;
  link.value = { state: 'open' };
  const waiting = whenOpen;
  whenOpen = [];
  for (const resolve of waiting) resolve(current);
}

function lost(): void {
  session = undefined;
  // Doubling, with a random part: after a restart of the server, its tabs must not all come back at once.
  const delayMs = Math.min(firstRetryMs * 2 ** attempts++, longestRetryMs) * (0.75 + Math.random() / 2);
  link.value = { state: 'lost', retryAt: Date.now() + delayMs };
  retryTimer = setTimeout(connect, delayMs);
}
