export { CloseCode, FrameError, type TextAs, TextBytes } from '@wsferry/frames';
export {
  type BearerTokenOptions,
  bearerAuthorization,
  bearerToken,
  checkedToken,
  checkedTrustedProxies,
  HandshakeError,
  header,
  isFixedHost,
  isLoopbackAddress,
  type Peer,
  type Refusal,
  type ResponseHead,
  refusalCode,
  type TokenGuard,
} from '@wsferry/handshake';
export { answerNoUpgrade, isFromThisMachine, readTokenFile, refuseHttp, type TokenFile } from '@wsferry/handshake/node';
export { type ConnectOptions, connect } from './client.ts';
export { type Clock, systemClock } from './clock.ts';
export { Connection } from './connection.ts';
export { type DialOptions, dial } from './dial.ts';
export { ConnectionError, type ConnectionErrorCode } from './errors.ts';
export { DEFAULT_KEEPALIVE, type KeepaliveOptions } from './keepalive.ts';
export { isLoopbackHost } from './loopback.ts';
export type { CloseResult, ConnectionOptions, ConnectionParts, DeflateSettings, DrainedOptions } from './options.ts';
export { type ConnectionEvent, ConnectionProtocol } from './protocol.ts';
export {
  type Compression,
  DEFAULT_MAX_MESSAGE_BYTES,
  DEFAULT_THRESHOLD_BYTES,
  type ProtocolOptions,
  type SendOptions,
} from './protocol-options.ts';
export type { ProxyChoice } from './proxy.ts';
export { proxyFromEnvironment } from './proxy-from-environment.ts';
export { redirectTarget } from './redirects.ts';
export { type Listener, type ListenOptions, listen } from './server.ts';
export { takeOver } from './take-over.ts';
export { type ConnectionState, nextState, TRANSITIONS, type Trigger } from './transitions.ts';
