import type { CloseEvent } from './events.ts';

export type BinaryType = 'blob' | 'arraybuffer';

export interface WebSocketEventMap {
  open: Event;
  message: MessageEvent;
  error: Event;
  close: CloseEvent;
}

type Listener = ((event: Event) => void) | { handleEvent(event: Event): void };
interface ListenerOptions {
  capture?: boolean;
  once?: boolean;
  passive?: boolean;
  signal?: AbortSignal;
}

/** https://websockets.spec.whatwg.org/#the-websocket-interface, in TypeScript's words. */
export interface WebSocket extends EventTarget {
  readonly url: string;
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSING: 2;
  readonly CLOSED: 3;
  readonly readyState: number;
  /** Bytes of application data given to `send` that have not left; without frame headers. */
  readonly bufferedAmount: number;
  onopen: ((this: WebSocket, event: Event) => unknown) | null;
  onmessage: ((this: WebSocket, event: MessageEvent) => unknown) | null;
  onerror: ((this: WebSocket, event: Event) => unknown) | null;
  onclose: ((this: WebSocket, event: CloseEvent) => unknown) | null;
  /** The Sec-WebSocket-Extensions that the server answered; empty before, and when there are none. */
  readonly extensions: string;
  /** The subprotocol that the server chose; empty before, and when there is none. */
  readonly protocol: string;
  /** How binary messages come. Default "blob". */
  binaryType: BinaryType;
  /** 1000, or 3000 to 4999; the reason has at most 123 bytes. Without both the Close frame is empty. */
  close(code?: number, reason?: string): void;
  send(data: string | ArrayBufferLike | ArrayBufferView | Blob): void;
  addEventListener<K extends keyof WebSocketEventMap>(
    type: K,
    listener: (this: WebSocket, event: WebSocketEventMap[K]) => unknown,
    options?: boolean | ListenerOptions,
  ): void;
  addEventListener(type: string, listener: Listener, options?: boolean | ListenerOptions): void;
  removeEventListener<K extends keyof WebSocketEventMap>(
    type: K,
    listener: (this: WebSocket, event: WebSocketEventMap[K]) => unknown,
    options?: boolean | { capture?: boolean },
  ): void;
  removeEventListener(type: string, listener: Listener, options?: boolean | { capture?: boolean }): void;
}

export interface WebSocketConstructor {
  new (url: string | URL, protocols?: string | Iterable<string>): WebSocket;
  readonly prototype: WebSocket;
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSING: 2;
  readonly CLOSED: 3;
}
