import type { Socket } from 'node:net';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { type Connection, type ConnectOptions, connect, type DialOptions, dial } from '@wsferry/connection';
import { openSession, type Session, type TransferError, wouldTake } from '@wsferry/transfer';
import { credentials } from '../connect.ts';
import type { Explanation } from '../errors.ts';
import { explainRoute } from '../explain-route.ts';
import { hideUserInfo } from '../format.ts';
import type { Token } from '../token.ts';

/** Nobody waits for goodbyes. How they are said is a check of its own. */
const CLOSE_MS = 2000;

/** The server that is looked at, and how to get there. */
export interface PatientOptions {
  /** ws:, wss: or ws+unix:, perhaps with a name and a password. */
  readonly url: string;
  readonly tls?: TlsOptions | undefined;
  /** The HTTP proxy to go through. */
  readonly proxy?: string | undefined;
  /** What shows who we are, beside what the address holds. */
  readonly token?: Token | undefined;
  /** How long to wait for a silent connection to be cut; 0 for not at all. */
  readonly idleMs: number;
  /** An answer that takes longer is none: what a line may be slow by, and a person may wait for. Default 15 s. */
  readonly answerMs?: number;
  readonly signal: AbortSignal;
}

/** A connection with a session on it, over which one file was offered and taken back. */
export interface Line {
  readonly connection: Connection;
  readonly session: Session;
  /** Why the file would not have been taken; `waits` when nobody has said so in time. */
  readonly refusal: TransferError | 'waits' | undefined;
}

/** What the receiver calls the file that is offered and never sent, in its log. */
const FILE_NAME = 'wsferry-doctor';

/** Opens what the checks need, all in the same way, and cuts it when the user has had enough. */
export class Patient {
  /** For people: without the credentials. */
  readonly name: string;
  /** ws:, wss: or ws+unix:, without the credentials. */
  readonly address: URL;
  readonly idleMs: number;
  readonly signal: AbortSignal;
  /** The header that carries our token; a name and a password in the address take its usual place. */
  readonly tokenHeader: 'Authorization' | 'Sec-WebSocket-Protocol' | undefined;
  readonly #options: PatientOptions;
  #line: Promise<Line> | undefined;

  constructor(options: PatientOptions) {
    this.#options = options;
    this.name = hideUserInfo(options.url);
    this.address = new URL(options.url);
    this.address.username = '';
    this.address.password = '';
    this.idleMs = options.idleMs;
    this.signal = options.signal;
    const offer = credentials(options.url, options.token);
    this.tokenHeader = options.token && ('headers' in offer ? 'Authorization' : 'Sec-WebSocket-Protocol');
  }

  get secure(): boolean {
    return this.address.protocol === 'wss:';
  }

  get proxy(): string | undefined {
    return this.#options.proxy;
  }

  /** As `send` connects, but nothing is said that a check does not say itself: no keepalive. */
  async connect({ headers = [], ...more }: ConnectOptions = {}): Promise<Connection> {
    const { url, tls, proxy, token, signal } = this.#options;
    const own = credentials(url, token);
    const connection = await connect(url, {
      keepalive: false,
      closeTimeoutMs: CLOSE_MS,
      handshakeTimeoutMs: Math.min(10_000, this.#options.answerMs ?? 10_000),
      signal,
      ...(tls && { tls }),
      ...(proxy !== undefined && { proxy }),
      ...own,
      ...more,
      headers: [...(own.headers ?? []), ...headers],
    });
    const cut = () => connection.abort();
    signal.addEventListener('abort', cut, { once: true });
    void connection.closed.then(() => signal.removeEventListener('abort', cut));
    return connection;
  }

  /**
   * One line for all the checks that ask a receiver, because each new one is a line in its log; another one when it broke.
   */
  async line(): Promise<Line> {
    const before = await this.#line;
    if (before?.connection.readyState === 1) return before;
    this.#line = this.#openLine();
    return await this.#line;
  }

  async #openLine(): Promise<Line> {
    const connection = await this.connect();
    const session = openSession(connection, { role: 'opener' });
    // A receiver that has enough to do lets an offer wait; it is taken back then, too.
    const late = AbortSignal.timeout(this.#answerMs);
    const refusal = await wouldTake(session, { name: FILE_NAME, size: 1 }, { signal: late }).catch((error) => {
      if (late.aborted && connection.readyState === 1) return 'waits' as const;
      throw error;
    });
    return { connection, session, refusal };
  }

  /** Says goodbye. */
  async close(): Promise<void> {
    const line = await this.#line?.catch(() => undefined);
    if (line === undefined) return;
    await this.answer(line.session.close(1000, 'the doctor is done')).catch(() => line.connection.abort());
  }

  /** Only a socket to the same place: nothing of ours is said there, so nobody need be trusted. */
  async dial(protocol: 'ws:' | 'wss:', tls?: DialOptions['tls']): Promise<Socket> {
    const { proxy, signal } = this.#options;
    const { hostname, port } = this.address;
    const place = `${protocol}//${hostname}:${port || (this.secure ? 443 : 80)}/`;
    const unix = this.address.protocol === 'ws+unix:';
    const socket = await dial(unix ? this.address : place, {
      signal,
      ...(tls && { tls }),
      ...(proxy !== undefined && { proxy }),
    });
    socket.on('error', () => {}); // it is only looked at
    return socket;
  }

  /** What `promise` gives; rejects with TimedOut when that is no answer. */
  answer<T>(promise: Promise<T>): Promise<T> {
    return within(promise, this.#answerMs);
  }

  get #answerMs(): number {
    return this.#options.answerMs ?? 15_000;
  }

  /** What an error of `connect` or `dial` means, in the words of `send`. */
  explain(error: unknown): Explanation {
    return explainRoute(error, this.name, this.#options);
  }

  /** What `dial` needs to judge the certificate as `send` does. */
  get tls(): TlsOptions | undefined {
    return this.#options.tls;
  }
}

/** The wait was too long. */
export class TimedOut extends Error {
  readonly code = 'TIMEOUT';
}

/** What `promise` gives within `ms`; rejects with TimedOut. */
export async function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TimedOut(`no answer within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
