import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { DeflateNegotiationError } from '@wsferry/frames/deflate';
import { HandshakeError, type HeaderList } from '@wsferry/handshake';
import { requestUpgrade } from '@wsferry/handshake/node';
import { parseAddress } from './address.ts';
import { checkOffer } from './checked-offer.ts';
import { type ConnectionSettings, checkedOptions, milliseconds } from './checked-options.ts';
import { offeredExtensions } from './compression.ts';
import { Connection } from './connection.ts';
import { Deadline } from './deadline.ts';
import { ConnectionError } from './errors.ts';
import { openSocket } from './open-socket.ts';
import type { ConnectionOptions } from './options.ts';
import { chooseProxy, type ProxyChoice } from './proxy.ts';
import { type Attempt, checkedMaxRedirects, redirected } from './redirects.ts';

export interface ConnectOptions extends ConnectionOptions {
  /** Subprotocols to offer, the preferred one first (RFC 6455 §1.9). The server's choice is `connection.protocol`. */
  protocols?: readonly string[];
  /** Further request headers. */
  headers?: HeaderList;
  /** For wss: what Node's `tls.connect` takes: `ca`, `rejectUnauthorized`, `servername`, … */
  tls?: TlsOptions;
  /** Connects to this Unix socket; the URL then only says what to ask for: Host, target, and wss for TLS over it. */
  socketPath?: string;
  /**
   * The HTTP proxy to tunnel through (CONNECT, RFC 6455 §4.1), for ws and wss alike: `http://proxy:3128`, `https:` for TLS
   * to the proxy itself, with `name:password@` when it wants them. Default: none, whatever the environment says, because
   * a library that lets a variable send its traffic elsewhere surprises whoever embeds it. A program for people passes
   * `proxyFromEnvironment`, which is then asked for every address, those of redirects too.
   */
  proxy?: ProxyChoice;
  /** For a proxy with https: what `tls.connect` takes. `tls` is for the server alone. */
  proxyTls?: TlsOptions;
  /**
   * How many redirects in a row to follow, up to 100. Default 0: a redirect is an `UNEXPECTED_STATUS` whose message says where it
   * points. Never from wss to ws; Authorization, Cookie, credentials of the URL and the client's certificate do not go
   * to another origin.
   */
  maxRedirects?: number;
  /** For DNS, TCP, the proxy, TLS, the upgrade and redirects, all together. Default 10 s. */
  handshakeTimeoutMs?: number;
  /** Gives up connecting. Once open, close the connection itself. */
  signal?: AbortSignal;
}

/**
 * Opens a WebSocket to a ws: or wss: URL (RFC 6455 §4.1), or to `ws+unix:/path/of.sock:/target`. User information in the
 * URL is sent as `Authorization: Basic`, unless `headers` has an Authorization, and appears neither in `connection.url`
 * nor in an error.
 *
 * Rejects with `ConnectionError` (`BAD_URL`, `BAD_PROXY`, `CANNOT_CONNECT`, `TLS_UNTRUSTED`, `PROXY_FAILED`,
 * `REDIRECT_REFUSED`, `TOO_MANY_REDIRECTS`), with `HandshakeError` when something answered that did not upgrade
 * (`UNEXPECTED_STATUS` holds its `response`), upgraded wrongly, or was a proxy that refused (`PROXY_REFUSED`); aborted,
 * with the signal's reason. Before anything is opened, options that are none are `BAD_ARGUMENT`, and what cannot be sent is
 * `HandshakeError` `BAD_PROTOCOL`, `BAD_HEADER` or `BAD_CREDENTIALS`.
 */
export async function connect(address: string | URL, options: ConnectOptions = {}): Promise<Connection> {
  const { signal, headers, tls, protocols } = options;
  const settings = checkedOptions(options);
  const maxRedirects = checkedMaxRedirects(options.maxRedirects);
  const handshakeTimeoutMs = milliseconds('handshakeTimeoutMs', options.handshakeTimeoutMs, 10_000);
  let attempt: Attempt = { address: parseAddress(address, options.socketPath), headers, tls };
  checkOffer({ url: attempt.address.url, protocols, headers, extensions: offeredExtensions(options.deflate) });
  signal?.throwIfAborted();
  const deadline = new Deadline(handshakeTimeoutMs, signal);
  for (let followed = 0; ; followed++) {
    try {
      return await open(attempt, options, settings, deadline);
    } catch (error) {
      signal?.throwIfAborted();
      const next = maxRedirects > 0 ? redirected(attempt, error) : undefined;
      if (next === undefined) throw error;
      if (followed >= maxRedirects) {
        const message = `expected at most ${maxRedirects} redirects, got another to ${next.address.href}`;
        throw new ConnectionError('TOO_MANY_REDIRECTS', message, { cause: error });
      }
      attempt = next;
    }
  }
}

async function open(
  { address, headers, tls }: Attempt,
  options: ConnectOptions,
  settings: ConnectionSettings,
  deadline: Deadline,
) {
  const { protocols, proxyTls, proxy: choice } = options;
  const proxy = address.socketPath === undefined ? chooseProxy(choice, address.url) : undefined;
  const socket = await openSocket(address, proxy, { tls, proxyTls }, deadline);
  const { rest, accepted, response } = await requestUpgrade(socket, {
    url: address.url,
    protocols,
    extensions: offeredExtensions(options.deflate),
    headers,
    timeoutMs: deadline.remainingMs,
    signal: deadline.signal,
  });
  try {
    return new Connection({ role: 'client', socket, rest, accepted, url: address.href, response }, settings);
  } catch (error) {
    socket.destroy();
    if (!(error instanceof DeflateNegotiationError)) throw error;
    throw new HandshakeError('BAD_EXTENSIONS', `${error.message} (${error.section})`, { response, cause: error });
  }
}
