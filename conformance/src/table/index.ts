import type { Group } from './row.ts';
import { clientHandshake } from './rows/client-handshake.ts';
import { closing } from './rows/closing.ts';
import { controlFrames } from './rows/control-frames.ts';
import { deflateMessages } from './rows/deflate-messages.ts';
import { deflateNegotiation } from './rows/deflate-negotiation.ts';
import { deflateTraffic } from './rows/deflate-traffic.ts';
import { fragmentation } from './rows/fragmentation.ts';
import { framing } from './rows/framing.ts';
import { interleavings } from './rows/interleavings.ts';
import { limits } from './rows/limits.ts';
import { masking } from './rows/masking.ts';
import { serverHandshake } from './rows/server-handshake.ts';
import { textRows } from './rows/text.ts';

/** The whole table, in the order of the RFCs. */
export const table: readonly Group[] = [
  clientHandshake,
  serverHandshake,
  framing,
  masking,
  fragmentation,
  interleavings,
  controlFrames,
  closing,
  textRows,
  limits,
  deflateNegotiation,
  deflateMessages,
  deflateTraffic,
];
