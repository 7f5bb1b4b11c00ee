import { TransferError } from './errors.ts';
import { onAbort } from './on-abort.ts';
import {
  type AckGetFile,
  type AckNote,
  type ErrorPacket,
  type FileList,
  type GetFile,
  type ListFiles,
  MAX_ID,
  MAX_OPEN_REQUESTS,
  type Note,
} from './packets.ts';
import { MAX_CONTROL_LENGTH } from './parse.ts';
import { peerError } from './peer-error.ts';
import { cancelled, Places } from './places.ts';

/** Each kind of request, and its answer. */
interface Kinds {
  readonly GET_FILE: { readonly ask: GetFile; readonly answer: AckGetFile };
  readonly LIST_FILES: { readonly ask: ListFiles; readonly answer: FileList };
  readonly NOTE: { readonly ask: Note; readonly answer: AckNote };
}

type Kind = keyof Kinds;
type Answer = Kinds[Kind]['answer'];

const answerTo = { GET_FILE: 'ACK_GET_FILE', LIST_FILES: 'FILE_LIST', NOTE: 'ACK_NOTE' } as const;

interface Open {
  readonly kind: Kind;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: TransferError) => void;
  /** It was answered, or never will be. */
  readonly over: () => void;
}

/** How a request is made. */
export interface AskOptions {
  readonly signal?: AbortSignal | undefined;
  /** Hears the request's number right before it goes out. */
  readonly onAsked?: (request: number) => void;
}

/** What a session asks its peer: numbers the requests, keeps the number of open ones down, and finds what an answer is to. */
export class Requests {
  readonly #send: (packet: Kinds[Kind]['ask']) => void;
  readonly #places = new Places(MAX_OPEN_REQUESTS);
  readonly #open = new Map<number, Open>();
  #last = 0;

  constructor(send: (packet: Kinds[Kind]['ask']) => void) {
    this.#send = send;
  }

  /**
   * Asks, and gives the answer when its code is OK. Rejects with the peer's refusal, with what ended the session, and with
   * CANCELLED on `signal`; the peer may still answer then, and what was given up keeps its place until it does.
   */
  async ask<K extends Kind>(
    kind: K,
    fields: Omit<Kinds[K]['ask'], 'type' | 'request'>,
    { signal, onAsked }: AskOptions = {},
  ): Promise<Kinds[K]['answer']> {
    const leave = await this.#places.enter(signal);
    let request: number;
    try {
      this.#places.check(signal);
      request = this.#take();
    } catch (error) {
      leave();
      throw error;
    }
    onAsked?.(request);
    return new Promise<Answer>((resolve, reject) => {
      const unlisten = onAbort(signal, () => reject(cancelled(signal!)));
      const over = () => {
        unlisten();
        leave();
      };
      this.#open.set(request, { kind, resolve, reject, over });
      const packet = { type: kind, request, ...fields } as unknown as Kinds[K]['ask'];
      // A cursor may be as long as the peer likes; a packet that is too long would get no answer.
      if (JSON.stringify(packet).length <= MAX_CONTROL_LENGTH) this.#send(packet);
      else this.fail(request, new TransferError('INTERNAL', 'the request does not fit into a packet', { request }));
    });
  }

  /** Whether a request of that number was made, open or not. */
  made(request: number): boolean {
    return request <= this.#last;
  }

  /** Throws TransferError BAD_PACKET when it answers nothing that was asked; what comes twice or after the end is late. */
  receive(packet: Answer): void {
    const { type, request, code, message } = packet;
    const open = this.#open.get(request);
    if (open === undefined ? !this.made(request) : answerTo[open.kind] !== type) {
      const words = `${type} answers the request ${request}, which was none of that kind`;
      throw new TransferError('BAD_PACKET', words, { answer: request });
    }
    if (code !== 'OK') this.fail(request, peerError(code, message, { request }));
    else this.#settle(request)?.resolve(packet);
  }

  /** ERROR of the peer. One that names nothing, and does not know a type, is of a peer that knows no requests. */
  stopped({ code, message, id, request }: ErrorPacket): void {
    const unknown = code === 'UNKNOWN_TYPE' && id === undefined ? [...this.#open.keys()] : [];
    for (const one of request === undefined ? unknown : [request]) {
      this.fail(one, peerError(code, message, { request: one }));
    }
  }

  /** It will not be answered, or was not answered as it should be. */
  fail(request: number, error: TransferError): void {
    this.#settle(request)?.reject(error);
  }

  end(error: TransferError): void {
    this.#places.end(error);
    for (const request of [...this.#open.keys()]) this.fail(request, error);
  }

  #settle(request: number): Open | undefined {
    const open = this.#open.get(request);
    this.#open.delete(request);
    open?.over();
    return open;
  }

  #take(): number {
    if (this.#last >= MAX_ID) throw new TransferError('TOO_MANY_REQUESTS', 'this connection has used all its numbers');
    this.#last += 1;
    return this.#last;
  }
}
