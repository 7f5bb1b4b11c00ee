import { isIPv6, type Socket } from 'node:net';
import { HandshakeError, shown } from '../errors.ts';
import { encodeRequestHead, type HeadLimits, type ResponseHead } from '../head.ts';
import { headerValues } from '../headers.ts';
import { readUntil } from './read-until.ts';
import { finalResponse } from './request-upgrade.ts';
import { guardErrors, handOut } from './socket.ts';

/** Where the tunnel shall end, and how long to wait for it. */
export interface OpenTunnelOptions {
  /** A name or an IP address, an IPv6 address with or without brackets. */
  readonly host: string;
  /** 1–65535. */
  readonly port: number;
  /** The value of `Proxy-Authorization`, such as `basicAuthorization(proxyUrl)`. */
  readonly authorization?: string | undefined;
  /** From the call to the proxy's complete answer, connecting included; default 10 000. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly limits?: HeadLimits | undefined;
}

/** The open tunnel: the socket, paused and without listeners of ours, speaks with the far end from now on. */
export interface Tunnel {
  readonly socket: Socket;
  /** Bytes that came behind the proxy's answer: the far end's first. A copy. */
  readonly rest: Uint8Array<ArrayBuffer>;
  readonly response: ResponseHead;
}

/**
 * Asks the HTTP proxy at the other end of `socket` (connected or connecting; TCP or TLS) for a tunnel (RFC 9110 §9.3.6).
 * Any 2xx opens it, and there a Content-Length means nothing: what follows the head is the far end's.
 *
 * @throws HandshakeError (as a rejection; the socket is destroyed) PROXY_REFUSED (any other status, with `status` and
 *   `response`), BAD_REQUEST_LINE and BAD_HEADER (what was given cannot be sent), what `parseResponseHead` finds wrong,
 *   TIMEOUT, ABORTED, CONNECTION_LOST
 */
export async function openTunnel(socket: Socket, options: OpenTunnelOptions): Promise<Tunnel> {
  const { authorization, timeoutMs = 10_000, signal, limits } = options;
  guardErrors(socket);
  try {
    const target = authority(options);
    const request = encodeRequestHead({
      method: 'CONNECT',
      target,
      version: '1.1',
      headers: [
        ['Host', target],
        ...(authorization === undefined ? [] : [['Proxy-Authorization', authorization] as const]),
      ],
    });
    const onReady = () => void socket.write(request);
    const step = finalResponse(limits);
    const { head: response, rest } = await readUntil(socket, step, { timeoutMs, limits, signal, onReady });
    if (response.status < 200 || response.status > 299) throw proxyRefused(target, response);
    handOut(socket);
    return { socket, rest, response };
  } catch (error) {
    socket.destroy();
    if (error instanceof HandshakeError && error.code === 'TIMEOUT') {
      throw new HandshakeError('TIMEOUT', error.message.replace('the handshake', "the proxy's answer"));
    }
    throw error;
  }
}

/** Authority form (RFC 9112 §3.2.3): always with a port, an IPv6 address in brackets. */
function authority({ host, port }: OpenTunnelOptions): string {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  const isAddress = isIPv6(bare);
  if (!Number.isInteger(port) || port < 1 || port > 65_535 || (!isAddress && !/^[^\s:/?#@[\]]+$/.test(bare))) {
    const message = `expected a host and a port from 1 to 65535 to tunnel to, got ${shown(host)} and ${String(port)}`;
    throw new HandshakeError('BAD_REQUEST_LINE', message);
  }
  return `${isAddress ? `[${bare}]` : bare}:${port}`;
}

function proxyRefused(target: string, response: ResponseHead): HandshakeError {
  const { status, reason, headers } = response;
  let message = `expected the proxy to open a tunnel to ${shown(target)}, got ${status} ${shown(reason)}`;
  if (status === 407) {
    const schemes = headerValues(headers, 'Proxy-Authenticate').join(', ');
    message += `: it wants a name and a password, written into its URL as http://NAME:PASSWORD@proxy:port`;
    message += ` (only Basic is spoken here; it asks for ${shown(schemes || 'nothing')})`;
  }
  return new HandshakeError('PROXY_REFUSED', `${message} (RFC 9110 §9.3.6)`, { status, response });
}
