import type { ConnectOptions } from '../client.ts';

/** What `webSocketClass` binds to a class: everything `connect` takes that the standard's constructor does not. */
export interface WebSocketClassOptions extends Omit<ConnectOptions, 'protocols' | 'signal' | 'text'> {
  /** Told why, before the `error` event, which by the standard says nothing. */
  onFailure?: (error: unknown, url: string) => void;
}

/** What a browser does and `connect` does not do by itself. */
export const BROWSER_OPTIONS = {
  /** Offers permessage-deflate, as the standard's "establish a WebSocket connection" has it. */
  deflate: true,
  /** The standard has no limit, browsers have one: Firefox 20 s, Chromium 4 minutes. */
  handshakeTimeoutMs: 60_000,
};

const boundOptions = new WeakMap<object, WebSocketClassOptions>();

export function bindOptions(target: object, options: WebSocketClassOptions): void {
  boundOptions.set(target, options);
}

/** Classes that extend a bound class are bound too. */
export function optionsOf(target: object): WebSocketClassOptions {
  for (let found: object | null = target; found; found = Object.getPrototypeOf(found)) {
    const options = boundOptions.get(found);
    if (options) return options;
  }
  return {};
}

/** Calls `onFailure`; what it throws ends up where a listener's exceptions do. */
export function tell(onFailure: WebSocketClassOptions['onFailure'], error: unknown, url: string): void {
  try {
    onFailure?.(error, url);
  } catch (thrown) {
    process.nextTick(() => {
      throw thrown;
    });
  }
}
