import { LOCATION_LINES } from '../../src/doctor/nginx.ts';

/** The lines of a `server` block and of the one `location` in it. */
export interface Configuration {
  readonly server: readonly string[];
  readonly path: string;
  readonly location: readonly string[];
  /** Behind the address of `listen`. */
  readonly listens?: string;
}

/** As docs/behind-nginx.md has it. */
export const good: Configuration = { server: [], path: '/', location: LOCATION_LINES };

/** The `server` block, listening at `listen`, with the receiver at `upstream`. */
export function written(
  { server, path, location, listens = '' }: Configuration,
  listen: string,
  upstream: string,
): string {
  const lines = [`listen ${listen}${listens};`, ...server, `location ${path} {`, ...location, '}'];
  return `server {\n${lines.join('\n')}\n}`.replaceAll('127.0.0.1:6455', upstream);
}

/** What two lines have in common of which only one can be meant: `proxy_set_header Host`, `tcp_nodelay`. */
function subject(line: string): string {
  const [directive = '', first = ''] = line.replace(/;$/, '').split(' ');
  return /^proxy_(set|pass|hide)_header$/.test(directive) ? `${directive} ${first}` : directive;
}

/** Puts lines into the location, each in the place of the one that says something else about the same. */
export function withLines(configuration: Configuration, lines: readonly string[]): Configuration {
  const subjects = lines.map(subject);
  const kept = configuration.location.filter((line) => !subjects.includes(subject(line)));
  return { ...configuration, location: [...kept, ...lines] };
}

const without =
  (words: RegExp) =>
  (configuration: Configuration): Configuration => ({
    ...configuration,
    location: configuration.location.filter((line) => !words.test(line)),
  });
const having =
  (...lines: string[]) =>
  (configuration: Configuration) =>
    withLines(configuration, lines);

/** What can be wrong in a location, how the doctor calls it, and the lines that are to mend it. */
export interface Fault {
  readonly title: string;
  readonly spoil: (configuration: Configuration) => Configuration;
  readonly id: string;
  readonly severity: 'wrong' | 'warning';
  readonly code: string;
  readonly lines: readonly string[];
  /** How long to be silent to see it, in ms. */
  readonly idleMs?: number;
}

export const faults: readonly Fault[] = [
  {
    title: 'no proxy_http_version (nginx before 1.29.7), or an old one',
    spoil: having('proxy_http_version 1.0;'),
    id: 'upgrade',
    severity: 'wrong',
    code: 'BAD_HTTP_VERSION',
    lines: ['proxy_http_version 1.1;'],
  },
  {
    title: 'neither Upgrade nor Connection',
    spoil: without(/Upgrade/),
    id: 'upgrade',
    severity: 'wrong',
    code: 'NOT_AN_UPGRADE',
    lines: ['proxy_set_header Upgrade $http_upgrade;', 'proxy_set_header Connection "upgrade";'],
  },
  {
    title: 'no Upgrade',
    spoil: without(/header Upgrade/),
    id: 'upgrade',
    severity: 'wrong',
    code: 'NOT_AN_UPGRADE',
    lines: ['proxy_set_header Upgrade $http_upgrade;', 'proxy_set_header Connection "upgrade";'],
  },
  {
    title: 'no Connection',
    spoil: without(/header Connection/),
    id: 'upgrade',
    severity: 'wrong',
    code: 'BAD_CONNECTION',
    lines: ['proxy_set_header Connection "upgrade";'],
  },
  {
    title: 'an empty Host',
    spoil: having('proxy_set_header Host "";'),
    id: 'upgrade',
    severity: 'wrong',
    code: 'BAD_HOST',
    lines: ['proxy_set_header Host $http_host;'],
  },
  {
    title: 'Sec-WebSocket-Key taken out',
    spoil: having('proxy_set_header Sec-WebSocket-Key "";'),
    id: 'upgrade',
    severity: 'wrong',
    code: 'BAD_KEY',
    lines: ['proxy_set_header Sec-WebSocket-Key $http_sec_websocket_key;'],
  },
  {
    title: 'Sec-WebSocket-Version changed',
    spoil: having('proxy_set_header Sec-WebSocket-Version 8;'),
    id: 'upgrade',
    severity: 'wrong',
    code: 'BAD_VERSION',
    lines: ['proxy_set_header Sec-WebSocket-Version $http_sec_websocket_version;'],
  },
  {
    title: 'an Origin added',
    spoil: having('proxy_set_header Origin https://files.example;'),
    id: 'upgrade',
    severity: 'wrong',
    code: 'ORIGIN_REFUSED',
    lines: ['proxy_set_header Origin $http_origin;'],
  },
  {
    title: 'another method',
    spoil: having('proxy_method POST;'),
    id: 'upgrade',
    severity: 'wrong',
    code: 'BAD_METHOD',
    lines: ['proxy_method GET;'],
  },
  {
    title: 'Sec-WebSocket-Accept hidden',
    spoil: having('proxy_hide_header Sec-WebSocket-Accept;'),
    id: 'upgrade',
    severity: 'wrong',
    code: 'BAD_ACCEPT',
    lines: ['proxy_pass_header Sec-WebSocket-Accept;'],
  },
  {
    title: 'a page in place of the receiver',
    spoil: ({ location, ...others }) => ({
      ...others,
      location: ['default_type text/html;', 'return 200 "<html></html>";'],
    }),
    id: 'upgrade',
    severity: 'wrong',
    code: 'UPGRADE_LOST',
    lines: [],
  },
  {
    title: 'nobody at the address of proxy_pass',
    spoil: having('proxy_pass http://127.0.0.1:9;'),
    id: 'upgrade',
    severity: 'wrong',
    code: 'NOBODY_BEHIND',
    lines: ['proxy_pass http://127.0.0.1:6455;'],
  },
  {
    title: 'Sec-WebSocket-Protocol taken out',
    spoil: having('proxy_set_header Sec-WebSocket-Protocol "";'),
    id: 'subprotocol',
    severity: 'wrong',
    code: 'SUBPROTOCOL_LOST',
    lines: ['proxy_set_header Sec-WebSocket-Protocol $http_sec_websocket_protocol;'],
  },
  {
    title: 'Sec-WebSocket-Protocol hidden',
    spoil: having('proxy_hide_header Sec-WebSocket-Protocol;'),
    id: 'subprotocol',
    severity: 'wrong',
    code: 'NOT_WSFERRY',
    lines: ['proxy_pass_header Sec-WebSocket-Protocol;'],
  },
  {
    title: 'Sec-WebSocket-Extensions taken out',
    spoil: having('proxy_set_header Sec-WebSocket-Extensions "";'),
    id: 'compression',
    severity: 'warning',
    code: 'EXTENSIONS_LOST',
    lines: ['proxy_set_header Sec-WebSocket-Extensions $http_sec_websocket_extensions;'],
  },
  {
    title: 'Sec-WebSocket-Extensions hidden',
    spoil: having('proxy_hide_header Sec-WebSocket-Extensions;'),
    id: 'compression',
    severity: 'wrong',
    code: 'EXTENSIONS_LOST',
    lines: ['proxy_pass_header Sec-WebSocket-Extensions;'],
  },
  {
    title: 'no Host line',
    spoil: without(/Host/),
    id: 'page',
    severity: 'wrong',
    code: 'HOST_LOST',
    lines: ['proxy_set_header Host $http_host;'],
  },
  {
    title: '$host, which has no port',
    spoil: having('proxy_set_header Host $host;'),
    id: 'page',
    severity: 'wrong',
    code: 'HOST_LOST',
    lines: ['proxy_set_header Host $http_host;'],
  },
  {
    title: 'tcp_nodelay off',
    spoil: having('tcp_nodelay off;'),
    id: 'small',
    severity: 'warning',
    code: 'HELD_BACK',
    lines: ['tcp_nodelay on;'],
  },
  {
    title: 'limit_rate',
    spoil: having('limit_rate 100k;'),
    id: 'close',
    severity: 'warning',
    code: 'CLOSE_STUCK',
    lines: ['limit_rate 0;'],
  },
  {
    title: 'a short proxy_read_timeout',
    spoil: having('proxy_read_timeout 2s;'),
    id: 'idle',
    severity: 'wrong',
    code: 'CUT_WHEN_SILENT',
    lines: ['proxy_read_timeout 3600s;', 'proxy_send_timeout 3600s;'],
    idleMs: 4000,
  },
];
