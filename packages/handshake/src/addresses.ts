import { shown } from './errors.ts';
import type { HeaderList } from './head.ts';
import { headerValues, tokens } from './headers.ts';

/** Who asks, as far as a server knows. */
export interface Peer {
  /** The IP address of the client, see {@link clientAddress}; undefined when it comes through a Unix socket. */
  readonly remoteAddress?: string | undefined;
}

/**
 * The bytes of an IP address, 4 or 16; `undefined` for anything else. What a socket of both families says of an IPv4
 * peer (`::ffff:127.0.0.1`) is the IPv4 address; a zone (`fe80::1%eth0`) is left out.
 */
export function addressBytes(text: string): Uint8Array | undefined {
  const ipv4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (ipv4) {
    const bytes = ipv4.slice(1).map(Number);
    return bytes.every((byte) => byte <= 255) ? Uint8Array.from(bytes) : undefined;
  }
  const written = /^([0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)(?:%.*)?$/.exec(text)?.[1];
  // URL knows all the ways to write an IPv6 address, and writes it in one: groups of hexadecimal digits.
  if (written === undefined || !URL.canParse(`http://[${written}]/`)) return undefined;
  const [head = '', tail] = new URL(`http://[${written}]/`).hostname.slice(1, -1).split('::');
  const groups = (part: string | undefined) => (part ? part.split(':').map((group) => Number.parseInt(group, 16)) : []);
  const [before, behind] = [groups(head), groups(tail)];
  const all = [...before, ...new Array<number>(8 - before.length - behind.length).fill(0), ...behind];
  const bytes = Uint8Array.from(all.flatMap((group) => [group >> 8, group & 255]));
  const mapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  return mapped ? bytes.subarray(12) : bytes;
}

/** Whether an IP address means this very machine: 127.0.0.0/8 or ::1. */
export function isLoopbackAddress(text: string): boolean {
  const bytes = addressBytes(text);
  if (bytes?.length === 4) return bytes[0] === 127;
  return bytes?.[15] === 1 && bytes.subarray(0, 15).every((byte) => byte === 0);
}

/** Stands in a list of trusted proxies for whoever comes through a Unix socket, where there are no addresses. */
const UNIX = 'unix';

/**
 * Judges a server's `trustedProxies` at its start: a proxy that is not recognised would make all its clients one.
 *
 * @throws TypeError for anything but a list of IP addresses, blocks such as `10.0.0.0/8`, and `unix`
 */
export function checkedTrustedProxies(value: unknown): readonly string[] {
  const expected = "expected trustedProxies to be a list such as ['127.0.0.1', '10.0.0.0/8', 'unix']";
  if (!Array.isArray(value)) throw new TypeError(`${expected}, got ${typeof value}`);
  for (const one of value as readonly unknown[]) {
    if (typeof one === 'string' && (one === UNIX || blockOf(one) !== undefined)) continue;
    throw new TypeError(`${expected}, got ${typeof one === 'string' ? shown(one) : typeof one} in it`);
  }
  return value as readonly string[];
}

/**
 * The address of the client, as far as it can be believed. It is the socket's `remoteAddress`, unless that is a trusted
 * proxy's: then the last entry of `X-Forwarded-For`, which this proxy has added, and so on from right to left while the
 * entries are trusted proxies themselves. What stands further left anybody may have written.
 *
 * `remoteAddress` is undefined for a Unix socket; so is the answer for a client that a trusted proxy does not tell.
 */
export function clientAddress(
  headers: HeaderList,
  remoteAddress: string | undefined,
  trustedProxies: readonly string[] = [],
): string | undefined {
  let address = remoteAddress;
  if (trustedProxies.length === 0) return address;
  const entries = tokens(headerValues(headers, 'X-Forwarded-For').join(','));
  while (isTrusted(address, trustedProxies)) {
    const entry = entries.pop();
    if (entry === undefined) return address;
    const next = withoutPort(entry);
    // "unknown", or made up: what the last proxy that we believe knows is all there is.
    if (addressBytes(next) === undefined) return address;
    address = next;
  }
  return address;
}

function isTrusted(address: string | undefined, trustedProxies: readonly string[]): boolean {
  if (address === undefined) return trustedProxies.includes(UNIX);
  const bytes = addressBytes(address);
  return bytes !== undefined && trustedProxies.some((one) => isInside(bytes, blockOf(one)));
}

interface Block {
  readonly bytes: Uint8Array;
  readonly bits: number;
}

/** An address is a block of one. */
function blockOf(text: string): Block | undefined {
  const [, address = '', length] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const bytes = addressBytes(address);
  if (bytes === undefined) return undefined;
  // The prefix of an IPv4 block that is written as IPv6 counts the 96 bits in front.
  const before = bytes.length === 4 && address.includes(':') ? 96 : 0;
  const bits = length === undefined ? bytes.length * 8 : Number(length) - before;
  return bits >= 0 && bits <= bytes.length * 8 ? { bytes, bits } : undefined;
}

function isInside(address: Uint8Array, block: Block | undefined): boolean {
  if (block === undefined || block.bytes.length !== address.length) return false;
  for (let bit = 0; bit < block.bits; bit += 8) {
    const mask = block.bits - bit >= 8 ? 255 : 255 << (8 - (block.bits - bit));
    if (((address[bit / 8]! ^ block.bytes[bit / 8]!) & mask & 255) !== 0) return false;
  }
  return true;
}

/** Some proxies add the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function withoutPort(entry: string): string {
  return /^\[(.*)\](?::\d+)?$/.exec(entry)?.[1] ?? /^([\d.]+):\d+$/.exec(entry)?.[1] ?? entry;
}
