import type { Target } from '../target.ts';
import { connection } from './connection.ts';
import { compressedConnection, deflateNegotiation, inflater } from './deflate.ts';
import { frameDecoder, frameHeader } from './frames.ts';
import { requestHead, responseHead } from './heads.ts';
import { machines } from './machines.ts';
import { packets } from './packets.ts';
import { sessions } from './sessions.ts';
import { acceptUpgrades, requestUpgrades } from './upgrades.ts';
import { closePayload, extensions, utf8Validator } from './values.ts';

/** One for each thing that reads what a peer sends. */
export const targets: readonly Target[] = [
  requestHead,
  responseHead,
  acceptUpgrades,
  requestUpgrades,
  extensions,
  frameHeader,
  frameDecoder,
  closePayload,
  utf8Validator,
  connection,
  deflateNegotiation,
  inflater,
  compressedConnection,
  packets,
  machines,
  sessions,
];
