import type { Message } from '@wsferry/frames';
import { Inbox } from './inbox.ts';
import type { ConnectionEvent, ConnectionProtocol } from './protocol.ts';

/** What a program is called with. While a promise it returned is pending, the next message waits. */
export type MessageHandler = (data: Message) => void | Promise<void>;

/** How reading ends. */
export type ReadingOver = Exclude<ConnectionEvent, { type: 'message' | 'pong' }>;

/** What comes of reading beside messages. */
export interface ReadingEvents {
  ponged(payload: Uint8Array): void;
  /** The peer closed or broke the protocol: nothing more comes. */
  over(event: ReadingOver): void;
  /** The peer's Close has come and waits until the messages before it are dealt with. Called again and again meanwhile. */
  closeWaits(): void;
  /** The program's handler threw or rejected. */
  failed(cause: unknown): void;
  /** All that could be handed on now is: write what it produced, and read on or stop. */
  settled(): void;
}

/** The receiving side of a connection: brings messages from the protocol to whoever reads them, by handler or iterator. */
export class Reading {
  readonly #machine: ConnectionProtocol;
  readonly #mark: number;
  readonly #events: ReadingEvents;
  /** Made when a message has to wait, or a reader; see `#mailbox`. */
  #inbox: Inbox | undefined;
  #handler: MessageHandler | undefined;
  /** A promise of the handler is pending. */
  #handling = false;
  #pumping = false;
  #dropping = false;
  /** Somebody iterates, or has. */
  #iterated = false;
  /** A turn of the event loop has passed since the peer's Close began to wait: what a loop answers at once, it has answered. */
  #turned = false;
  #patience = true;
  #awaited: Promise<void> | undefined;

  /** Above `mark` bytes of messages that nobody took, reading stops. */
  constructor(machine: ConnectionProtocol, mark: number, events: ReadingEvents) {
    this.#machine = machine;
    this.#mark = mark;
    this.#events = events;
  }

  get handler(): MessageHandler | undefined {
    return this.#handler;
  }

  set handler(handler: MessageHandler | undefined) {
    this.#handler = handler;
    this.pump();
  }

  /** Whether `pump` is under way: what is sent now is written at its end. */
  get pumping(): boolean {
    return this.#pumping;
  }

  /**
   * Whether more bytes should be read. Not while the inbox is full, and not while a large message is decompressed. A
   * handler that takes its time does not stop it: pings are behind the messages. Not while the peer's Close waits, either:
   * after it comes only the end of TCP, which would cut off the answers to what came before.
   */
  get wantsMore(): boolean {
    if (this.#machine.pending !== undefined || this.#machine.closeWaits) return false;
    return this.#dropping || (this.#inbox?.bytes ?? 0) < this.#mark;
  }

  /** The peer's Close has waited long enough: it is answered, whatever is still being dealt with. */
  loseHoldOfClose(): void {
    this.#patience = false;
    this.pump();
  }

  /** Whether messages are being dealt with, by a handler or a loop. A program that reads nothing holds nothing up. */
  #isBusy(): boolean {
    if (this.#dropping || !this.#patience) return false;
    if (this.#handling || (this.#unread() > 0 && this.#handler !== undefined)) return true;
    return this.#iterated && (this.#unread() > 0 || !this.#turned);
  }

  /** Hands on what has come, as long as somebody takes it or there is room. */
  pump(): void {
    if (this.#pumping) return; // a handler called us: the loop below goes on with its work
    this.#pumping = true;
    try {
      this.#handOverInbox();
      for (;;) {
        this.#machine.holdsClose = this.#isBusy();
        if (!this.wantsMore && !this.#machine.closeWaits) break;
        const event = this.#machine.nextEvent();
        if (!event) break;
        this.#handle(event);
      }
    } finally {
      this.#pumping = false;
    }
    this.#awaitPending();
    if (this.#machine.closeWaits) this.#waitWithClose();
    this.#events.settled();
  }

  /** The next message, now or when it comes. */
  read(): Promise<IteratorResult<Message, undefined>> {
    this.#iterated = true;
    const result = this.#mailbox().read();
    this.pump();
    return result;
  }

  /** No more messages are put into the inbox. With `discard` those in it are dropped, too, and those that still come. */
  end({ discard }: { discard: boolean }): void {
    if (discard) this.#dropping = true;
    this.#mailbox().end({ discard });
  }

  #mailbox(): Inbox {
    this.#inbox ??= new Inbox();
    return this.#inbox;
  }

  #unread(): number {
    return this.#inbox?.length ?? 0;
  }

  #handle(event: ConnectionEvent): void {
    switch (event.type) {
      case 'message':
        if (this.#dropping) return; // WHATWG: no messages once close() was called
        if (this.#handler && !this.#handling && this.#unread() === 0) this.#call(this.#handler, event.data);
        else this.#mailbox().put(event.data);
        return;
      case 'pong':
        this.#events.ponged(event.payload);
        return;
      default:
        this.#events.over(event);
    }
  }

  #waitWithClose(): void {
    this.#events.closeWaits();
    if (this.#handling || this.#unread() > 0 || this.#turned) return;
    setImmediate(() => {
      this.#turned = true;
      this.pump();
    });
  }

  #handOverInbox(): void {
    while (this.#handler && !this.#handling) {
      const message = this.#inbox?.take();
      if (message === undefined) return;
      this.#call(this.#handler, message);
    }
  }

  #call(handler: MessageHandler, data: Message): void {
    try {
      const pending: unknown = handler(data);
      // Anything else is of no interest: what `(data) => connection.send(data)` returns is no promise.
      if (!isThenable(pending)) return;
      this.#handling = true;
      pending.then(
        () => this.#handled(),
        (cause) => {
          this.#events.failed(cause);
          this.#handled();
        },
      );
    } catch (cause) {
      this.#events.failed(cause);
    }
  }

  #handled(): void {
    this.#handling = false;
    this.pump();
  }

  /** Goes on when a large compressed message is decompressed. */
  #awaitPending(): void {
    const { pending } = this.#machine;
    if (pending === undefined || pending === this.#awaited) return;
    this.#awaited = pending;
    void pending.then(() => this.pump());
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { readonly then?: unknown } | undefined | null)?.then === 'function';
}
