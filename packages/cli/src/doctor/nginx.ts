import type { Mend } from './check.ts';

/** The lines of docs/behind-nginx.md, and those that undo what others do. */
export const LINES = {
  pass: 'proxy_pass http://127.0.0.1:6455;',
  version: 'proxy_http_version 1.1;',
  upgrade: 'proxy_set_header Upgrade $http_upgrade;',
  connection: 'proxy_set_header Connection "upgrade";',
  host: 'proxy_set_header Host $http_host;',
  key: 'proxy_set_header Sec-WebSocket-Key $http_sec_websocket_key;',
  webSocketVersion: 'proxy_set_header Sec-WebSocket-Version $http_sec_websocket_version;',
  subprotocol: 'proxy_set_header Sec-WebSocket-Protocol $http_sec_websocket_protocol;',
  extensions: 'proxy_set_header Sec-WebSocket-Extensions $http_sec_websocket_extensions;',
  authorization: 'proxy_set_header Authorization $http_authorization;',
  origin: 'proxy_set_header Origin $http_origin;',
  forwarded: 'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;',
  readTimeout: 'proxy_read_timeout 3600s;',
  sendTimeout: 'proxy_send_timeout 3600s;',
  noDelay: 'tcp_nodelay on;',
  noRate: 'limit_rate 0;',
} as const;

/** What an upgrade needs of nginx. */
export const UPGRADE_LINES = [LINES.version, LINES.upgrade, LINES.connection] as const;

/** All that stands in a location that leads to a receiver. */
export const LOCATION_LINES = [LINES.pass, ...UPGRADE_LINES, LINES.host, LINES.forwarded] as const;

const LOCATION = 'the location block whose proxy_pass leads to the receiver';

/** Lines for the location that leads to the receiver. */
export function inLocation(advice: string, ...lines: readonly string[]): Mend {
  return { advice, lines, block: LOCATION };
}

/** Lines for the server block of `host`. */
export function inServer(host: string, advice: string, ...lines: readonly string[]): Mend {
  return { advice, lines, block: `the server block of ${host}` };
}

/** Lets a header of the receiver's answer through, whatever proxy_hide_header says. */
export function passHeader(name: string): string {
  return `proxy_pass_header ${name};`;
}
