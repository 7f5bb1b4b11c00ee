import type { Socket } from 'node:net';

/**
 * Counts the connections whose handshake goes on. When there are too many, the one that has taken longest is cut: an
 * honest client needs a few round trips, so that a crowd of silent ones does not keep it out.
 */
export class HandshakeSlots {
  readonly #most: number;
  readonly #keyOf: ((socket: Socket) => unknown) | undefined;
  /** In the order in which they came. */
  readonly #sockets = new Map<unknown, Socket>();

  /** `keyOf`: what a socket that enters and the one that leaves for it have in common. Default: they are the same. */
  constructor(most: number, keyOf?: (socket: Socket) => unknown) {
    this.#most = most;
    this.#keyOf = keyOf;
  }

  get size(): number {
    return this.#sockets.size;
  }

  enter(socket: Socket): void {
    const key = this.#key(socket);
    this.#sockets.set(key, socket);
    // What a closed socket has in common with another it may not tell any more.
    if (key !== socket) socket.once('close', () => this.#sockets.delete(key));
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

  /** The handshake is over, one way or the other. */
  leave(socket: Socket): void {
    this.#sockets.delete(this.#key(socket));
  }

  #key(socket: Socket): unknown {
    return this.#keyOf === undefined ? socket : this.#keyOf(socket);
  }
}

/** What a TLS socket has in common with the TCP socket under it, which Node does not show: the peer's address and port. */
export function peerOf(socket: Socket): unknown {
  const { remoteAddress, remotePort } = socket;
  return remotePort === undefined ? socket : `${remoteAddress} ${remotePort}`;
}
