import { connect, type Socket } from 'node:net';

/** Where a server is. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

const OFFER = 'Sec-WebSocket-Extensions: permessage-deflate\r\n';

/** An upgrade written by hand (RFC 6455 §4.1). The key is the RFC's own; nobody checks that it is fresh. */
export function upgradeRequest({ host, port }: Address, deflate: boolean): Buffer {
  return Buffer.from(
    `GET / HTTP/1.1\r\nHost: ${host}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n${deflate ? OFFER : ''}\r\n`,
  );
}

/**
 * The least that can be a WebSocket client: a socket whose bytes land in one buffer that all share, so that reading
 * allocates nothing. `onBytes(length)` finds them in `RawClient.buffer`.
 */
export class RawClient {
  /** What was read last. Of all clients: the event loop hands one read after the other. */
  static buffer = Buffer.alloc(256 * 1024);
  readonly socket: Socket;
  /** The server's answer to the upgrade. */
  readonly opened: Promise<string>;
  onBytes: (length: number) => void = () => {};
  onClosed: () => void = () => {};
  #head = '';
  #open = false;

  constructor(address: Address, request: Buffer, localAddress?: string) {
    let opened!: (head: string) => void;
    let failed!: (error: Error) => void;
    this.opened = new Promise((resolve, reject) => {
      opened = resolve;
      failed = reject;
    });
    this.opened.catch(() => {}); // whoever waits hears it; nobody has to
    this.socket = connect({
      ...address,
      ...(localAddress && { localAddress }),
      noDelay: true,
      onread: {
        buffer: RawClient.buffer,
        callback: (length: number) => {
          if (this.#open) this.onBytes(length);
          else this.#readHead(length, opened, failed);
          return true;
        },
      },
    });
    this.socket.on('error', failed);
    this.socket.on('close', () => {
      failed(new Error('the server closed'));
      this.onClosed();
    });
    this.socket.write(request);
  }

  #readHead(length: number, opened: (head: string) => void, failed: (error: Error) => void): void {
    this.#head += RawClient.buffer.toString('latin1', 0, length);
    const end = this.#head.indexOf('\r\n\r\n');
    if (end < 0) return;
    if (!this.#head.startsWith('HTTP/1.1 101')) {
      failed(new Error(`expected 101, got ${this.#head.slice(0, this.#head.indexOf('\r\n'))}`));
      this.socket.destroy();
      return;
    }
    this.#open = true;
    opened(this.#head.slice(0, end));
  }
}

/** Opens `count` clients, some at a time, so that no listen queue overflows. */
export async function openClients(address: Address, count: number, deflate = false): Promise<RawClient[]> {
  const request = upgradeRequest(address, deflate);
  const clients: RawClient[] = [];
  while (clients.length < count) {
    const some = Array.from({ length: Math.min(50, count - clients.length) }, () => new RawClient(address, request));
    const heads = await Promise.all(some.map((client) => client.opened));
    if (deflate && !heads.every((head) => /permessage-deflate/i.test(head))) {
      for (const client of some) client.socket.destroy();
      throw new Error('does not agree on permessage-deflate');
    }
    clients.push(...some);
  }
  return clients;
}

/** Reads from `client` until so many bytes came. */
export function readExactly(client: RawClient, bytes: number): Promise<Buffer> {
  const read = Buffer.alloc(bytes);
  let at = 0;
  return new Promise((resolve, reject) => {
    client.onClosed = () => reject(new Error('the server closed instead of answering'));
    client.onBytes = (length) => {
      at += RawClient.buffer.copy(read, at, 0, length);
      if (at >= bytes) resolve(read);
    };
  });
}

/** Rejects when a server ends one of the connections. */
export function brokenOff(clients: readonly RawClient[]): Promise<never> {
  return new Promise((_, reject) => {
    for (const client of clients)
      client.onClosed = () => reject(new Error('the server closed a connection under load'));
  });
}

export async function closeClients(clients: readonly RawClient[]): Promise<void> {
  await Promise.all(
    clients.map(
      (client) =>
        new Promise<void>((resolve) => {
          client.onClosed = resolve;
          if (client.socket.destroyed) resolve();
          client.socket.destroy();
        }),
    ),
  );
}
