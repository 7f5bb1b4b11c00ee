import { createHash } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { type Measured, Window } from './window.ts';

export interface SinkJob {
  readonly kind: 'sink';
  /** Size of the messages, in bytes. */
  readonly bytes: number;
}

/** A WebSocket server that answers the upgrade and then only counts what comes: the other end of a sending client. */
export class Sink {
  readonly #server = createServer((socket) => this.#serve(socket));
  readonly #sockets = new Set<Socket>();
  #onBytes: (length: number) => void = () => {};

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as { port: number }).port;
  }

  /** Measures bytes per second of whoever is sending. The count is in MB, so that a unit's cost is one of a MB. */
  async measure(pid: number, warmupMs: number, ms: number): Promise<Measured> {
    const window = new Window(pid);
    this.#onBytes = (length) => {
      window.count += length / 1e6;
    };
    return await window.measure(warmupMs, ms);
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {}); // the client is ended while it sends
    let head = '';
    socket.on('data', (chunk: Buffer) => {
      if (head === 'done') {
        this.#onBytes(chunk.length);
        return;
      }
      head += chunk.toString('latin1');
      const key = /\r\nSec-WebSocket-Key: *([^\r]+)\r\n/i.exec(head)?.[1];
      if (!key || !head.includes('\r\n\r\n')) return;
      head = 'done';
      const accept = createHash('sha1').update(`${key.trim()}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
    });
  }
}
