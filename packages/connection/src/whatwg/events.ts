import { assertArguments, isObject, toUnsignedShort, toUsvString } from './webidl.ts';

export interface CloseEventInit {
  bubbles?: boolean;
  cancelable?: boolean;
  composed?: boolean;
  wasClean?: boolean;
  code?: number;
  reason?: string;
}

/** https://websockets.spec.whatwg.org/#the-closeevent-interface */
export interface CloseEvent extends Event {
  /** Whether both sides' Close frames went over the wire before TCP ended (RFC 6455 §7.1.4). */
  readonly wasClean: boolean;
  /** The code in the peer's Close frame; 1005 when it had none, 1006 when no Close frame came. */
  readonly code: number;
  readonly reason: string;
}

export interface CloseEventConstructor {
  new (type: string, eventInitDict?: CloseEventInit): CloseEvent;
  readonly prototype: CloseEvent;
}

const OwnCloseEvent = class CloseEvent extends Event {
  readonly #wasClean: boolean;
  readonly #code: number;
  readonly #reason: string;

  constructor(type: string, eventInitDict: CloseEventInit = {}) {
    // biome-ignore lint/complexity/noArguments: undefined is an argument, none is an error
    assertArguments('CloseEvent', 1, arguments.length);
    const init: CloseEventInit = eventInitDict ?? {};
    if (!isObject(init)) throw new TypeError('CloseEvent: expected an object as its second argument');
    const { bubbles, cancelable, composed } = init;
    super(`${type}`, { bubbles: !!bubbles, cancelable: !!cancelable, composed: !!composed });
    // Web IDL reads a dictionary's members in the order of their names.
    const { code, reason, wasClean } = init;
    this.#code = code === undefined ? 0 : toUnsignedShort(code);
    this.#reason = reason === undefined ? '' : toUsvString(reason);
    this.#wasClean = !!wasClean;
  }

  get wasClean(): boolean {
    return this.#wasClean;
  }

  get code(): number {
    return this.#code;
  }

  get reason(): string {
    return this.#reason;
  }
};
Object.defineProperties(OwnCloseEvent.prototype, {
  wasClean: { enumerable: true },
  code: { enumerable: true },
  reason: { enumerable: true },
  [Symbol.toStringTag]: { value: 'CloseEvent', configurable: true },
});

/** The global one where there is one (Node 23 and later), so that `instanceof` holds there; otherwise ours. */
export const CloseEvent: CloseEventConstructor = globalCloseEvent() ?? OwnCloseEvent;

function globalCloseEvent(): CloseEventConstructor | undefined {
  const { CloseEvent: found } = globalThis as { CloseEvent?: CloseEventConstructor };
  // One that does not belong to the global Event could not be dispatched at the global EventTarget.
  return typeof found === 'function' && found.prototype instanceof Event ? found : undefined;
}

/** Node 20's MessageEvent does not name itself, and would be "[object Event]". */
const MESSAGE_EVENT_IS_NAMED = Object.hasOwn(MessageEvent.prototype, Symbol.toStringTag);

/** https://html.spec.whatwg.org/#messageevent */
export function messageEvent(data: string | Blob | ArrayBufferLike, origin: string): MessageEvent {
  const event = new MessageEvent('message', { data, origin });
  if (!MESSAGE_EVENT_IS_NAMED) {
    Object.defineProperty(event, Symbol.toStringTag, { value: 'MessageEvent', configurable: true });
  }
  return event;
}
