import { SUBPROTOCOL } from './packets.ts';

/** Behind it stands a token in base64url: how a browser, whose WebSocket cannot send headers, shows that it may come in. */
export const TOKEN_SUBPROTOCOL_PREFIX = 'wsferry.token.';

/**
 * What to offer when a WebSocket is opened: `new WebSocket(url, offeredSubprotocols(token))`. The server chooses
 * {@link SUBPROTOCOL} and never repeats the token, which is only sent when there is one. Programs send it as
 * `Authorization: Bearer`, if they can.
 */
export function offeredSubprotocols(token?: string): string[] {
  if (token === undefined) return [SUBPROTOCOL];
  const base64 = btoa(String.fromCharCode(...new TextEncoder().encode(token)));
  const base64Url = base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  return [SUBPROTOCOL, TOKEN_SUBPROTOCOL_PREFIX + base64Url];
}
