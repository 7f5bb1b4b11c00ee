import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { bearerToken, refuseHttp, type TokenGuard } from '@wsferry/connection';
import { TOKEN_SUBPROTOCOL_PREFIX } from '@wsferry/transfer';

export interface DoorOptions {
  /** Without one everybody is let in. */
  readonly token?: string | undefined;
  readonly trustedProxies?: readonly string[] | undefined;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** A link is followed as soon as the ticket for it is there. */
const TICKET_MS = 60_000;

/**
 * Who may come in: with a token, by WebSocket and by HTTP. A link cannot carry it, so the page asks for a ticket first: an
 * address of one file that is good for a minute and then worth nothing to whoever finds it in a log.
 */
export class Door {
  /** For `listen`; undefined without a token. */
  readonly refuse: TokenGuard | undefined;
  readonly #trustedProxies: readonly string[] | undefined;
  readonly #now: () => number;
  /** Tickets end with this process. */
  readonly #key = randomBytes(32);

  constructor({ token, trustedProxies, now = Date.now }: DoorOptions) {
    this.refuse = token === undefined ? undefined : bearerToken({ token, protocolPrefix: TOKEN_SUBPROTOCOL_PREFIX });
    this.#trustedProxies = trustedProxies;
    this.#now = now;
  }

  /** `GET /door`: 204 for who may come in, else 401 or 429. A page cannot see why its WebSocket was refused. */
  answer(request: IncomingMessage, response: ServerResponse): void {
    if (!this.#turnsAway(request, response)) response.writeHead(204, { 'Cache-Control': 'no-store' }).end();
  }

  /** `GET /tickets/NAME`: the query for `/files/NAME`. */
  giveTicket(request: IncomingMessage, response: ServerResponse): void {
    if (this.#turnsAway(request, response)) return;
    const path = (request.url ?? '').replace(/^\/tickets\//, '/files/');
    response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' });
    response.end(this.ticketFor(path));
  }

  /** Whether the request for a file has neither a ticket nor a token; then it was answered. */
  refuses(request: IncomingMessage, response: ServerResponse): boolean {
    const [path = '', query = ''] = (request.url ?? '').split('?');
    return !this.#isTicket(path, query) && this.#turnsAway(request, response);
  }

  /** `ticket=…`, for this path and the next minute. */
  ticketFor(path: string): string {
    const until = this.#now() + TICKET_MS;
    return `ticket=${until}.${this.#sign(path, until).toString('base64url')}`;
  }

  #isTicket(path: string, query: string): boolean {
    const [, until, signature] = /^ticket=(\d{1,16})\.([\w-]{43})$/.exec(query) ?? [];
    if (until === undefined || signature === undefined || Number(until) < this.#now()) return false;
    return timingSafeEqual(Buffer.from(signature, 'base64url'), this.#sign(path, Number(until)));
  }

  #sign(path: string, until: number): Buffer {
    return createHmac('sha256', this.#key).update(`${until} ${path}`).digest();
  }

  #turnsAway(request: IncomingMessage, response: ServerResponse): boolean {
    return refuseHttp(request, response, { refuse: this.refuse, trustedProxies: this.#trustedProxies });
  }
}
