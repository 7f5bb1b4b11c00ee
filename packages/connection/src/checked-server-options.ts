import { checkedOrigins, checkedTrustedProxies } from '@wsferry/handshake';
import { bad } from './checked-options.ts';
import { ConnectionError } from './errors.ts';

/** What is called later: a wrong one would be found out by the first client, far from the line that is wrong. */
const FUNCTIONS = ['refuse', 'selectProtocol', 'negotiateExtensions', 'onRefused', 'onError'] as const;

/**
 * Judges what a server accepts (the policy of `listen` and `takeOver`), before anything is opened.
 *
 * @throws ConnectionError BAD_ARGUMENT
 */
export function checkedServerOptions(options: unknown): void {
  const given = record(options);
  for (const name of FUNCTIONS) {
    if (given[name] !== undefined && typeof given[name] !== 'function') throw bad(name, 'a function', given[name]);
  }
  try {
    if (given['origins'] !== undefined) checkedOrigins(given['origins']);
    if (given['trustedProxies'] !== undefined) checkedTrustedProxies(given['trustedProxies']);
  } catch (cause) {
    throw new ConnectionError('BAD_ARGUMENT', (cause as Error).message, { cause });
  }
}

/**
 * Judges what `listen` alone is given, and the rest as {@link checkedServerOptions} does.
 *
 * @throws ConnectionError BAD_ARGUMENT
 */
export function checkedListenOptions(options: unknown, onConnection: unknown): void {
  checkedServerOptions(options);
  const { host, port, socketPath } = record(options);
  if (typeof onConnection !== 'function') throw bad('onConnection', 'a function', onConnection);
  if (host !== undefined && (typeof host !== 'string' || host === '')) throw bad('host', 'a name or an address', host);
  if (port !== undefined && !(Number.isInteger(port) && (port as number) >= 0 && (port as number) <= 65_535)) {
    throw bad('port', 'a whole number from 0 to 65535', port);
  }
  if (socketPath === undefined) return;
  if (typeof socketPath !== 'string' || socketPath === '') throw bad('socketPath', 'a path', socketPath);
  if (port !== undefined) {
    throw new ConnectionError('BAD_ARGUMENT', `expected either port or socketPath, got ${port} and ${socketPath}`);
  }
}

function record(options: unknown): Readonly<Record<string, unknown>> {
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) {
    return options as Readonly<Record<string, unknown>>;
  }
  throw bad('options', 'an object such as { port: 8080 }', options);
}
