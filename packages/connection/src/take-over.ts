import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ServerPolicy } from '@wsferry/handshake';
import { type AcceptedUpgrade, takeOverUpgrade } from '@wsferry/handshake/node';
import { type ConnectionSettings, checkedOptions } from './checked-options.ts';
import { checkedServerOptions } from './checked-server-options.ts';
import { negotiator } from './compression.ts';
import { Connection } from './connection.ts';
import type { ConnectionOptions } from './options.ts';

/**
 * Makes a connection of an upgrade that arrived at your own `http.Server` or `https.Server`:
 * `server.on('upgrade', async (request, socket, head) => { const connection = await takeOver(request, socket, head); … })`.
 *
 * Rejects with `HandshakeError` when the request is refused (it was answered) or its client vanished, with `BAD_ARGUMENT`
 * for wrong options. Closing these connections when your server stops is yours to do.
 */
export async function takeOver(
  request: IncomingMessage,
  socket: Duplex,
  head: Uint8Array,
  options: ConnectionOptions & ServerPolicy = {},
): Promise<Connection> {
  checkedServerOptions(options);
  const settings = checkedOptions(options);
  const upgraded = await takeOverUpgrade(request, socket, head, policyOf(options));
  return serverConnection(upgraded, settings);
}

/** What a server accepts, permessage-deflate included as `deflate` says, unless the program negotiates itself. */
export function policyOf(options: ConnectionOptions & ServerPolicy): ServerPolicy {
  const negotiateExtensions = options.negotiateExtensions ?? negotiator(options.deflate);
  return { ...options, ...(negotiateExtensions && { negotiateExtensions }) };
}

/** A server's connection, which keeps the request in as little memory as can be. */
export function serverConnection(
  { socket, rest, accepted, request, requestText, remoteAddress }: AcceptedUpgrade,
  settings: ConnectionSettings,
): Connection {
  return new Connection(
    { role: 'server', socket, rest, accepted, request: requestText ?? request, remoteAddress },
    settings,
  );
}
