export {
  type AcceptedUpgrade,
  type AcceptUpgradeOptions,
  acceptUpgrade,
  acceptUpgrades,
  type UpgradeHandlers,
} from './accept-upgrade.ts';
export { type OpenTunnelOptions, openTunnel, type Tunnel } from './open-tunnel.ts';
export { answerNoUpgrade, isFromThisMachine, refuseHttp } from './refuse-http.ts';
export { type RequestUpgradeOptions, requestUpgrade } from './request-upgrade.ts';
export type { Upgraded } from './socket.ts';
export { takeOverUpgrade } from './take-over-upgrade.ts';
export { readTokenFile, type TokenFile } from './token-file.ts';
