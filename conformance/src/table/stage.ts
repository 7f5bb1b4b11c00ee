import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net';
import type { Connection, Listener, ListenOptions } from '@wsferry/connection';
import { listen } from '@wsferry/connection';
import { echo, startEchoServer } from '../echo-server.ts';
import { type HeardHead, readHead } from './peer/http.ts';

/** Where rows are played: our servers, one for each set of options, and plain TCP on the other end. */
export class Stage {
  readonly #external: { host: string; port: number } | undefined;
  readonly #listeners = new Map<string, Promise<Listener>>();

  /** @param url a server that runs already, which plays the server's part instead of ours in this process */
  constructor(url?: string) {
    if (url !== undefined) {
      const { hostname, port } = new URL(url);
      this.#external = { host: hostname, port: Number(port || 80) };
    }
  }

  /** A TCP connection to the echo server with these options. */
  async dial(options: ListenOptions): Promise<Socket> {
    const { host, port } = this.#external ?? (await this.#listener(options));
    return dialTcp(host, port);
  }

  /** A TCP connection to a server of its own, whose program does `act` with each connection, and the way to stop it. */
  async dialActor(
    options: ListenOptions,
    act: (connection: Connection) => unknown,
  ): Promise<{ socket: Socket; stop: () => Promise<void> }> {
    const listener = await listen({ origins: 'any', ...options }, (connection) => {
      echo(connection);
      return act(connection);
    });
    return { socket: await dialTcp(listener.host, listener.port), stop: () => listener.close({ timeoutMs: 0 }) };
  }

  #listener(options: ListenOptions): Promise<Listener> {
    const key = JSON.stringify(options);
    const running = this.#listeners.get(key) ?? startEchoServer({ keepalive: false, ...options });
    this.#listeners.set(key, running);
    return running;
  }

  async close(): Promise<void> {
    for (const listener of this.#listeners.values()) await (await listener).close({ timeoutMs: 0 });
    this.#listeners.clear();
  }
}

async function dialTcp(host: string, port: number): Promise<Socket> {
  const socket = connectTcp({ host, port, allowHalfOpen: true, noDelay: true });
  await once(socket, 'connect');
  return socket;
}

/** Waits for one TCP connection, as a server. `open` is what makes it come. */
export async function answerTcp<T>(open: (port: number) => T): Promise<{ socket: Socket; opened: T }> {
  const server = createServer({ noDelay: true, allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const arrived = once(server, 'connection');
  const opened = open((server.address() as AddressInfo).port);
  const [socket] = (await arrived) as [Socket];
  server.close();
  return { socket, opened };
}

/** Reads a head from the socket. What comes next belongs to whoever listens right after. */
export function receiveHead(socket: Socket, timeoutMs = 5000): Promise<{ head: HeardHead; rest: Buffer }> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const settle = (run: () => void) => {
      clearTimeout(timer);
      socket.off('data', onData).off('end', onEnd).off('error', onError);
      run();
    };
    const onData = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      const read = readHead(bytes);
      if (read) settle(() => resolve(read));
    };
    const got = () => (bytes.length === 0 ? 'nothing' : JSON.stringify(bytes.toString('latin1').slice(0, 200)));
    const onEnd = () => settle(() => reject(new Error(`TCP ended where a head was expected, after ${got()}`)));
    const onError = (error: Error) => settle(() => reject(new Error(`${error.message}, after ${got()}`)));
    const timer = setTimeout(
      () => settle(() => reject(new Error(`no head within ${timeoutMs} ms, only ${got()}`))),
      timeoutMs,
    );
    socket.on('data', onData).on('end', onEnd).on('error', onError);
  });
}
