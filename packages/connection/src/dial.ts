import type { Socket } from 'node:net';
import { parseAddress } from './address.ts';
import { milliseconds } from './checked-options.ts';
import type { ConnectOptions } from './client.ts';
import { Deadline } from './deadline.ts';
import { openSocket } from './open-socket.ts';
import { chooseProxy } from './proxy.ts';

export type DialOptions = Pick<
  ConnectOptions,
  'tls' | 'socketPath' | 'proxy' | 'proxyTls' | 'handshakeTimeoutMs' | 'signal'
>;

/**
 * The first half of `connect`: a socket that speaks with the server of this URL, through TCP, proxy and TLS, before anything
 * is asked of it. For wss: it is a `tls.TLSSocket`, whose certificate can be looked at. It is the caller's, and has no listener
 * of ours: attach yours for `error` before the next `await`.
 *
 * Rejects with `ConnectionError` (`BAD_URL`, `BAD_PROXY`, `BAD_ARGUMENT`, `CANNOT_CONNECT`, `TLS_UNTRUSTED`, `PROXY_FAILED`),
 * with `HandshakeError` `PROXY_REFUSED`; aborted, with the signal's reason.
 */
export async function dial(address: string | URL, options: DialOptions = {}): Promise<Socket> {
  const { signal, tls, proxyTls } = options;
  const timeoutMs = milliseconds('handshakeTimeoutMs', options.handshakeTimeoutMs, 10_000);
  const place = parseAddress(address, options.socketPath);
  signal?.throwIfAborted();
  const proxy = place.socketPath === undefined ? chooseProxy(options.proxy, place.url) : undefined;
  try {
    return await openSocket(place, proxy, { tls, proxyTls }, new Deadline(timeoutMs, signal));
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
