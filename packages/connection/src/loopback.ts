import { lookup } from 'node:dns/promises';
import { isLoopbackAddress } from '@wsferry/handshake';

/**
 * Whether a server at `host` can be reached from this machine alone: all addresses that it means are loopback. A name that
 * cannot be resolved reaches nobody, `''` and `0.0.0.0` every interface.
 */
export async function isLoopbackHost(host: string): Promise<boolean> {
  if (host === '') return false;
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.every(({ address }) => isLoopbackAddress(address));
}
