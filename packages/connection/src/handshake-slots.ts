import type { Socket } from 'node:net';

/**
 * Counts the connections whose handshake goes on. When there are too many, the one that has taken longest is cut: an
 * honest client needs a few round trips, so that a crowd of silent ones does not keep it out.
 */
export class HandshakeSlots {
  readonly #most: number;
  /** In the order in which they came. */
  readonly #sockets = new Map<string | Socket, Socket>();

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#sockets.size;
  }

  enter(socket: Socket): void {
    const key = keyOf(socket);
    this.#sockets.set(key, socket);
    socket.once('close', () => this.#sockets.delete(key));
    if (this.#sockets.size <= this.#most) return;
    const [oldest] = this.#sockets;
    if (oldest === undefined) return;
    this.#sockets.delete(oldest[0]);
    oldest[1].destroy();
  }

  /** Ends them all. */
  cut(): void {
    for (const socket of this.#sockets.values()) socket.destroy();
  }

  /** The handshake is over, one way or the other. A TLS socket may be given for the TCP socket under it. */
  leave(socket: Socket): void {
    this.#sockets.delete(keyOf(socket));
  }
}

/** The peer's address, since Node does not show the TCP socket under a TLS socket. */
function keyOf(socket: Socket): string | Socket {
  const { remoteAddress, remotePort } = socket;
  return remotePort === undefined ? socket : `${remoteAddress} ${remotePort}`;
}
