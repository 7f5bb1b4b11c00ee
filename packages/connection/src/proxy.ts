import { basicAuthorization } from '@wsferry/handshake';
import { hrefOf, withoutCredentials } from './address.ts';
import { ConnectionError } from './errors.ts';

/**
 * Which HTTP proxy to go through: its URL (http: or https:), a function that says so for each URL, such as
 * `proxyFromEnvironment`, or `false` for none.
 */
export type ProxyChoice = string | URL | false | ((url: URL) => string | URL | false | undefined);

/** A proxy to ask for a tunnel. */
export interface HttpProxy {
  /** `host:port`, for messages. */
  readonly name: string;
  /** https: TLS to the proxy itself. */
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  /** The value of Proxy-Authorization. */
  readonly authorization: string | undefined;
}

/** What `choice` means for `url`, which is shown to it without credentials. */
export function chooseProxy(choice: ProxyChoice | undefined, url: URL): HttpProxy | undefined {
  const given = typeof choice === 'function' ? choice(new URL(hrefOf(url))) : choice;
  return given === undefined || given === false ? undefined : parseProxy(given);
}

/** Also `host:port` alone, as people write it into the environment: then it is http:. Port 80 or 443 when none is named. */
function parseProxy(given: string | URL): HttpProxy {
  const text = String(given).includes('://') ? String(given) : `http://${String(given)}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    const got = url === undefined ? JSON.stringify(withoutCredentials(text)) : `one with ${url.protocol}`;
    throw new ConnectionError('BAD_PROXY', `expected the URL of an HTTP proxy, http: or https:, got ${got}`);
  }
  const secure = url.protocol === 'https:';
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port);
  return {
    name: `${url.hostname}:${port}`,
    secure,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port,
    authorization: basicAuthorization(url),
  };
}
