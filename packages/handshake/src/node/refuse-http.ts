import type { IncomingMessage, ServerResponse } from 'node:http';
import { clientAddress, isLoopbackAddress } from '../addresses.ts';
import type { RequestHead } from '../head.ts';
import { headerValues } from '../headers.ts';
import { refusal } from '../refusal.ts';
import { answerRequest, type ServerPolicy } from '../server.ts';

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

/**
 * Answers a request that is no upgrade, where nothing else is served, as a server does that has no `http`: by what is wrong
 * with it, such as an Upgrade that a proxy has taken out. The client reads it with `refusalCode`.
 */
export function answerNoUpgrade(request: IncomingMessage, response: ServerResponse): void {
  const verdict = answerRequest({ ...headOf(request), method: 'GET' });
  // One that lacks nothing has come the wrong way: an `http.Server` gives upgrades to its `upgrade` event.
  const { body, ...refused } = verdict.ok ? refusal({ status: 400, message: 'expected no upgrade here' }) : verdict;
  const { status, reason, headers } = refused.response;
  response.writeHead(status, reason, headers.flat()).end(body);
}

/**
 * Whether a request comes from this machine: through a Unix socket or from a loopback address, and asks for a loopback
 * host. For what only the operator should see. One that was forwarded is judged by whom a trusted proxy names, and not
 * taken for ours when no proxy is trusted. (A proxy on this machine that adds no X-Forwarded-For and replaces Host cannot be
 * told from a program here.)
 */
export function isFromThisMachine(
  request: IncomingMessage,
  { trustedProxies = [] }: Pick<ServerPolicy, 'trustedProxies'> = {},
): boolean {
  const { headers } = headOf(request);
  const forwarded = FORWARDING.some((name) => headerValues(headers, name).length > 0);
  if (forwarded && trustedProxies.length === 0) return false;
  const [host, ...more] = headerValues(headers, 'Host');
  if (host === undefined || more.length > 0 || !isLoopbackName(host)) return false;
  const { remoteAddress } = request.socket;
  const address = clientAddress(headers, remoteAddress, trustedProxies);
  if (address !== undefined) return isLoopbackAddress(address);
  return remoteAddress === undefined && !(forwarded && trustedProxies.includes('unix'));
}

/** What proxies commonly add. */
const FORWARDING = ['X-Forwarded-For', 'Forwarded', 'X-Real-IP', 'Via'];

function isLoopbackName(host: string): boolean {
  if (!/^[0-9A-Za-z.:[\]-]+$/.test(host) || !URL.canParse(`http://${host}/`)) return false;
  const name = new URL(`http://${host}/`).hostname.replace(/^\[|\]$/g, '');
  return isLoopbackAddress(name) || /^(?:.*\.)?localhost$/.test(name);
}

/** The request as it came: Node's own `headers` joins and drops what is there twice. */
export function headOf({ method = 'GET', url = '/', httpVersion, rawHeaders }: IncomingMessage): RequestHead {
  const headers: [string, string][] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) headers.push([rawHeaders[i]!, rawHeaders[i + 1]!]);
  return { method, target: url, version: httpVersion, headers };
}
