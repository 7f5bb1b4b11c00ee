import type { IncomingMessage, ServerResponse } from 'node:http';
import { clientAddress } from '../addresses.ts';
import type { RequestHead } from '../head.ts';
import type { ServerPolicy } from '../server.ts';

/**
 * Asks the `refuse` of a policy about an ordinary HTTP request, so that one token guards the WebSocket and what a program
 * serves beside it. Says whether it was refused; then it has been answered.
 */
export function refuseHttp(
  request: IncomingMessage,
  response: ServerResponse,
  { refuse, trustedProxies }: Pick<ServerPolicy, 'refuse' | 'trustedProxies'>,
): boolean {
  const head = headOf(request);
  const remoteAddress = clientAddress(head.headers, request.socket.remoteAddress, trustedProxies);
  const refusal = refuse?.(head, { remoteAddress });
  if (refusal === undefined) return false;
  for (const [name, value] of refusal.headers ?? []) response.setHeader(name, value);
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.setHeader('Cache-Control', 'no-store');
  response.writeHead(refusal.status).end(`${refusal.message}\n`);
  return true;
}

/** The request as it came: Node's own `headers` joins and drops what is there twice. */
export function headOf({ method = 'GET', url = '/', httpVersion, rawHeaders }: IncomingMessage): RequestHead {
  const headers: [string, string][] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) headers.push([rawHeaders[i]!, rawHeaders[i + 1]!]);
  return { method, target: url, version: httpVersion, headers };
}
