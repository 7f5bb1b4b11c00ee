import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions as TlsOptions } from 'node:tls';
import type { HeaderList } from '@wsferry/handshake';
import { requestUpgrade } from '@wsferry/handshake/node';
import { Connection, type ConnectionOptions } from './connection.ts';
import { ConnectionError } from './errors.ts';

export interface ConnectOptions extends ConnectionOptions {
  /** Subprotocols to offer, the preferred one first (RFC 6455 §1.9). The server's choice is `connection.protocol`. */
  protocols?: readonly string[];
  /** Further request headers. */
  headers?: HeaderList;
  /** For wss: what Node's `tls.connect` takes: `ca`, `rejectUnauthorized`, `servername`, … */
  tls?: TlsOptions;
  /** For TCP, TLS and the upgrade together. Default 10 s. */
  handshakeTimeoutMs?: number;
  /** Gives up connecting. Once open, close the connection itself. */
  signal?: AbortSignal;
}

/**
 * Opens a WebSocket to a ws: or wss: URL (RFC 6455 §4.1).
 *
 * Rejects with `ConnectionError` (`BAD_URL`, `CANNOT_CONNECT`, `TLS_UNTRUSTED`), or with `HandshakeError` when something
 * answered that did not upgrade (`UNEXPECTED_STATUS` holds its `response`) or upgraded wrongly.
 */
export async function connect(address: string | URL, options: ConnectOptions = {}): Promise<Connection> {
  const url = parseUrl(address);
  const { protocols, headers, signal, handshakeTimeoutMs = 10_000 } = options;
  signal?.throwIfAborted();
  const deadline = performance.now() + handshakeTimeoutMs;
  const socket = await openSocket(url, options, handshakeTimeoutMs);
  const { rest, accepted, response } = await requestUpgrade(socket, {
    url,
    timeoutMs: Math.max(1, deadline - performance.now()),
    ...(protocols && { protocols }),
    ...(headers && { headers }),
    ...(signal && { signal }),
  });
  return new Connection({ role: 'client', socket, rest, accepted, url: url.href, response }, options);
}

/** §3: "ws-URI" and "wss-URI", no fragment. */
function parseUrl(address: string | URL): URL {
  const url = URL.canParse(String(address)) ? new URL(String(address)) : undefined;
  if (!url) throw new ConnectionError('BAD_URL', `expected a ws: or wss: URL, got ${JSON.stringify(String(address))}`);
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') {
    throw new ConnectionError('BAD_URL', `expected a ws: or wss: URL, got one with ${url.protocol}`);
  }
  if (url.hash !== '') throw new ConnectionError('BAD_URL', `expected a URL without a fragment, got ${url.hash}`);
  return url;
}

function openSocket(url: URL, { tls, signal }: ConnectOptions, timeoutMs: number): Promise<Socket> {
  const secure = url.protocol === 'wss:';
  const host = url.hostname.replace(/^\[|\]$/g, ''); // an IPv6 address stands in brackets in a URL, and bare here
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port);
  // allowHalfOpen: the closing handshake decides when our side ends, not the peer's FIN.
  const socket = secure
    ? connectTls({
        host,
        port,
        allowHalfOpen: true,
        ...(isIP(host) ? {} : { servername: host }),
        ALPNProtocols: ['http/1.1'],
        ...tls,
      } as TlsOptions)
    : connectTcp({ host, port, allowHalfOpen: true });
  return new Promise((resolve, reject) => {
    const settle = (run: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.removeListener('error', onError);
      socket.removeListener('close', onClose);
      run();
    };
    const fail = (error: unknown) =>
      settle(() => {
        socket.on('error', () => {}); // whatever follows is no news
        socket.destroy();
        reject(error);
      });
    const onAbort = () => fail(signal?.reason);
    const onError = (cause: NodeJS.ErrnoException) => fail(connectError(url, cause));
    const onClose = () => fail(new ConnectionError('CANNOT_CONNECT', `${url.host} closed while connecting`));
    const timer = setTimeout(
      () => fail(new ConnectionError('CANNOT_CONNECT', `expected an answer from ${url.host} within ${timeoutMs} ms`)),
      timeoutMs,
    );
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('error', onError);
    socket.once('close', onClose);
    socket.once(secure ? 'secureConnect' : 'connect', () => settle(() => resolve(socket)));
  });
}

/** OpenSSL's and Node's codes for "I do not trust this certificate". */
const UNTRUSTED =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_CERT_ALTNAME_INVALID)/;

function connectError(url: URL, cause: NodeJS.ErrnoException): ConnectionError {
  const code = cause.code ?? '';
  if (UNTRUSTED.test(code)) {
    return new ConnectionError('TLS_UNTRUSTED', `the certificate of ${url.host} is not trusted (${code})`, { cause });
  }
  return new ConnectionError('CANNOT_CONNECT', `cannot connect to ${url.host} (${code || cause.message})`, { cause });
}
