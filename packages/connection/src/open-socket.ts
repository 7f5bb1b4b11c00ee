import { connect as connectTcp, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions as TlsOptions } from 'node:tls';
import { HandshakeError } from '@wsferry/handshake';
import { openTunnel } from '@wsferry/handshake/node';
import { type Address, serverName } from './address.ts';
import type { Deadline } from './deadline.ts';
import { ConnectionError } from './errors.ts';
import type { HttpProxy } from './proxy.ts';
import { checkIdentity } from './server-identity.ts';

export interface OpenSocketOptions {
  readonly tls?: TlsOptions | undefined;
  readonly proxyTls?: TlsOptions | undefined;
}

/** Says what the failure of a step means; `undefined`: the peer closed without one. */
type Blame = (cause: NodeJS.ErrnoException | undefined, timedOut: boolean) => ConnectionError;

/**
 * A socket that speaks with the server: TCP or a Unix socket, the proxy's TLS, its tunnel, and the server's own TLS, as
 * far as `address` and `proxy` ask for them. Every address of a name is tried (Node's happy eyeballs).
 *
 * @throws ConnectionError CANNOT_CONNECT, TLS_UNTRUSTED, PROXY_FAILED; HandshakeError PROXY_REFUSED, ABORTED; the
 *   signal's reason
 */
export async function openSocket(
  address: Address,
  proxy: HttpProxy | undefined,
  options: OpenSocketOptions,
  deadline: Deadline,
): Promise<Socket> {
  const blame = blameServer(address, proxy, deadline);
  const socket = proxy
    ? await throughProxy(address, proxy, options, deadline)
    : await dial(address.socketPath ? { path: address.socketPath } : address, deadline, blame);
  return address.secure ? await startTls(socket, address.host, options.tls, deadline, blame) : socket;
}

async function throughProxy(
  { host, port }: Address,
  proxy: HttpProxy,
  { proxyTls }: OpenSocketOptions,
  deadline: Deadline,
): Promise<Socket> {
  const blame = blameProxy(proxy, deadline);
  const { signal } = deadline;
  let socket = await dial(proxy, deadline, blame);
  if (proxy.secure) socket = await startTls(socket, proxy.host, proxyTls, deadline, blame);
  try {
    const { authorization } = proxy;
    const { rest } = await openTunnel(socket, { host, port, authorization, timeoutMs: deadline.remainingMs, signal });
    if (rest.length > 0) socket.unshift(rest);
    return socket;
  } catch (error) {
    const { code } = error as HandshakeError;
    if (!(error instanceof HandshakeError) || code === 'PROXY_REFUSED' || code === 'ABORTED') throw error;
    const message = `the proxy ${proxy.name} opened no tunnel to ${host}:${port}: ${error.message}`;
    throw new ConnectionError('PROXY_FAILED', message, { cause: error });
  }
}

async function dial(
  place: { readonly path: string } | { readonly host: string; readonly port: number },
  deadline: Deadline,
  blame: Blame,
): Promise<Socket> {
  const target =
    'path' in place ? { path: place.path } : { host: place.host, port: place.port, ...lookupFor(place.host) };
  // allowHalfOpen: the closing handshake decides when our side ends, not the peer's FIN.
  const socket = connectTcp({ ...target, allowHalfOpen: true });
  await ready(socket, 'connect', deadline, blame);
  return socket;
}

/**
 * "localhost" is this machine (RFC 6761 §6.3), whatever a resolver knows: a server may listen on either loopback address
 * alone, and /etc/hosts often has only one.
 */
function lookupFor(host: string): { lookup?: LookupFunction; autoSelectFamily?: boolean } {
  if (!/^(?:.*\.)?localhost\.?$/i.test(host)) return {};
  const addresses = [
    { address: '127.0.0.1', family: 4 },
    { address: '::1', family: 6 },
  ];
  return { lookup: (_host, _options, callback) => callback(null, addresses), autoSelectFamily: true };
}

async function startTls(
  raw: Socket,
  host: string,
  options: TlsOptions | undefined,
  deadline: Deadline,
  blame: Blame,
): Promise<Socket> {
  raw.on('error', () => {}); // the TLS socket above tells
  const own = { host, ...serverName(host), ALPNProtocols: ['http/1.1'], checkServerIdentity: checkIdentity };
  const socket = connectTls({ ...own, ...options, socket: raw });
  await ready(socket, 'secureConnect', deadline, blame);
  return socket;
}

/** Waits until the socket can be used; one that cannot is destroyed. */
function ready(socket: Socket, event: 'connect' | 'secureConnect', deadline: Deadline, blame: Blame): Promise<void> {
  const { signal } = deadline;
  return new Promise((resolve, reject) => {
    const settle = (run: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.off('error', onError).off('close', onClose).off(event, onReady);
      run();
    };
    const fail = (error: unknown) =>
      settle(() => {
        socket.on('error', () => {}); // whatever follows is no news
        socket.destroy();
        reject(error);
      });
    const onReady = () => settle(resolve);
    const onError = (cause: NodeJS.ErrnoException) => fail(blame(cause, false));
    const onClose = () => fail(blame(undefined, false));
    const onAbort = () => fail(signal?.reason);
    const timer = setTimeout(() => fail(blame(undefined, true)), deadline.remainingMs);
    socket.once('error', onError).once('close', onClose).once(event, onReady);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
  });
}

/** OpenSSL's and Node's codes for "I do not trust this certificate". */
const UNTRUSTED =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_CERT_ALTNAME_INVALID)/;

function blameServer({ name }: Address, proxy: HttpProxy | undefined, { timeoutMs }: Deadline): Blame {
  const through = proxy ? ` through the proxy ${proxy.name}` : '';
  return (cause, timedOut) => {
    if (timedOut) {
      return new ConnectionError('CANNOT_CONNECT', `expected an answer from ${name}${through} within ${timeoutMs} ms`);
    }
    if (!cause) return new ConnectionError('CANNOT_CONNECT', `${name} closed while connecting${through}`);
    const code = cause.code ?? '';
    if (UNTRUSTED.test(code)) {
      const message = `the certificate of ${name} is not trusted (${code})`;
      return new ConnectionError('TLS_UNTRUSTED', message, { cause });
    }
    const message = `cannot connect to ${name}${through} (${code || cause.message})`;
    return new ConnectionError('CANNOT_CONNECT', message, { cause });
  };
}

function blameProxy({ name }: HttpProxy, { timeoutMs }: Deadline): Blame {
  return (cause, timedOut) => {
    if (timedOut) {
      return new ConnectionError('PROXY_FAILED', `expected an answer from the proxy ${name} within ${timeoutMs} ms`);
    }
    if (!cause) return new ConnectionError('PROXY_FAILED', `the proxy ${name} closed while connecting`);
    const code = cause.code ?? cause.message;
    const what = UNTRUSTED.test(code) ? `the certificate of the proxy ${name} is not trusted` : undefined;
    return new ConnectionError('PROXY_FAILED', `${what ?? `cannot connect to the proxy ${name}`} (${code})`, { cause });
  };
}
