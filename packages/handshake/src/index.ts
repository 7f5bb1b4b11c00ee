export { checkedTrustedProxies, clientAddress, isLoopbackAddress, type Peer } from './addresses.ts';
export { type BearerTokenOptions, bearerToken, type TokenGuard } from './bearer-token.ts';
export { type Accepted, type ClientOffer, checkResponse, createRequest } from './client.ts';
export { basicAuthorization, bearerAuthorization, checkedToken } from './credentials.ts';
export { HandshakeError, type HandshakeErrorCode, type HandshakeErrorDetails } from './errors.ts';
export { type ExtensionOffer, parseExtensions } from './extensions.ts';
export {
  encodeRequestHead,
  encodeResponseHead,
  HEAD_LIMITS,
  type HeaderList,
  type HeadLimits,
  parseRequestHead,
  parseResponseHead,
  type RequestHead,
  type ResponseHead,
} from './head.ts';
export { header, headerValues, isToken, tokens } from './headers.ts';
export { acceptKey, createKey } from './key.ts';
export { type AllowedOrigins, checkedOrigins, isFixedHost } from './origin.ts';
export { type Refusal, refusalCode } from './refusal.ts';
export { answerRequest, isUpgradeRequest, type ServerPolicy, type Verdict } from './server.ts';
