import { BlockList, isIP, isIPv6 } from 'node:net';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that the environment names for `url` (a string as it stands there), or `undefined`: by the conventions that
 * curl goes by. An empty variable is as good as none; a name in lower case goes before the same in upper case.
 *
 * - wss: `https_proxy`, `HTTPS_PROXY`; ws: `http_proxy` **in lower case only**: in a CGI program `HTTP_PROXY` is what
 *   the client sent as its header "Proxy", so a stranger would choose ("httpoxy"). Else `all_proxy`, `ALL_PROXY`.
 * - `no_proxy`, `NO_PROXY`: what to reach directly. Elements parted by commas or spaces: `*` for everything; a name,
 *   with or without a dot or "*." in front, for itself and all below it; an IP address; a block such as `10.0.0.0/8` or
 *   `fd00::/8`. Each but a block may end in a port (`example.com:8080`, `[::1]:80`) and then means that port alone.
 * - This very machine is no exception: `localhost` and 127.0.0.1 go through the proxy unless NO_PROXY has them.
 * - A Unix socket has no proxy.
 */
export function proxyFromEnvironment(url: string | URL, env: Environment = process.env): string | undefined {
  const { protocol, hostname, port } = new URL(url);
  if (protocol !== 'ws:' && protocol !== 'wss:') return undefined;
  const secure = protocol === 'wss:';
  const own = secure ? env['https_proxy'] || env['HTTPS_PROXY'] : env['http_proxy'];
  const proxy = own || env['all_proxy'] || env['ALL_PROXY'];
  if (!proxy) return undefined;
  const host = hostname.replace(/^\[|\]$|\.$/g, '');
  const exceptions = env['no_proxy'] || env['NO_PROXY'] || '';
  return isExcepted(exceptions, host, port || (secure ? '443' : '80')) ? undefined : proxy;
}

function isExcepted(list: string, host: string, port: string): boolean {
  return list.split(/[\s,]+/).some((element) => element !== '' && matches(element, host, port));
}

function matches(element: string, host: string, port: string): boolean {
  if (element === '*') return true;
  const family = isIP(host);
  const [, network, prefix] = /^([0-9A-Fa-f.:]+)\/([0-9]{1,3})$/.exec(element) ?? [];
  if (network !== undefined) return family !== 0 && isInside(host, network, Number(prefix));

  const [name, onlyPort] = split(element);
  if (onlyPort !== undefined && onlyPort !== port) return false;
  if (family !== 0) return isIP(name) === family && isInside(host, name, family === 6 ? 128 : 32);
  const suffix = normalName(name.replace(/^\*?\./, ''));
  return suffix !== '' && (host === suffix || host.endsWith(`.${suffix}`));
}

/** `name`, `name:port`, `[address]`, `[address]:port`; an IPv6 address without brackets has no port. */
function split(element: string): [name: string, port: string | undefined] {
  if (isIPv6(element)) return [element, undefined];
  const [, inBrackets, plain = '', port] = /^(?:\[(.*)\]|([^:]*))(?::([0-9]+))?$/.exec(element) ?? [];
  return [inBrackets ?? plain, port];
}

function isInside(host: string, network: string, prefix: number): boolean {
  const family = isIP(network);
  if (family === 0 || family !== isIP(host) || prefix > (family === 6 ? 128 : 32)) return false;
  const block = new BlockList();
  const type = family === 6 ? 'ipv6' : 'ipv4';
  block.addSubnet(network, prefix, type);
  return block.check(host, type);
}

/** As a URL writes it: lower case, in punycode, here without a dot at the end. */
function normalName(name: string): string {
  const text = `ws://${name}/`;
  return (URL.canParse(text) ? new URL(text).hostname : name.toLowerCase()).replace(/\.$/, '');
}
