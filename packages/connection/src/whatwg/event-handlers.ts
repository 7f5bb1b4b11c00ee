import { isObject } from './webidl.ts';

const { addEventListener, removeEventListener } = EventTarget.prototype;

/**
 * The event handler attributes, `onopen` and its like, of one target (https://html.spec.whatwg.org/#event-handlers).
 * A handler takes its place among the listeners when it is first set, and keeps it while others are set in its stead;
 * setting null gives the place up.
 */
export class EventHandlers {
  readonly #target: EventTarget;
  readonly #active = new Map<string, { handler: object; readonly listener: (event: Event) => void }>();

  constructor(target: EventTarget) {
    this.#target = target;
  }

  get(type: string): object | null {
    return this.#active.get(type)?.handler ?? null;
  }

  /** `[LegacyTreatNonObjectAsNull]`: an object that cannot be called is kept, and does nothing. */
  set(type: string, value: unknown): void {
    const active = this.#active.get(type);
    if (!isObject(value)) {
      if (!active) return;
      this.#active.delete(type);
      removeEventListener.call(this.#target, type, active.listener);
    } else if (active) {
      active.handler = value;
    } else {
      const entry = { handler: value, listener: (event: Event) => handle(entry.handler, event) };
      this.#active.set(type, entry);
      addEventListener.call(this.#target, type, entry.listener);
    }
  }
}

/** https://html.spec.whatwg.org/#the-event-handler-processing-algorithm: false means "prevent the default". */
function handle(handler: object, event: Event): void {
  if (typeof handler !== 'function') return;
  if (handler.call(event.currentTarget, event) === false) event.preventDefault();
}
