import { checkCertificate } from './certificate.ts';
import type { Check } from './check.ts';
import { checkClose } from './close.ts';
import { checkCompression } from './compression.ts';
import { checkIdle } from './idle.ts';
import { checkMessageSize } from './message-size.ts';
import { checkPageOrigin } from './page-origin.ts';
import { checkReach } from './reach.ts';
import { checkReceiver } from './receiver.ts';
import { checkRoundTrip } from './round-trip.ts';
import { checkSmallMessages } from './small-messages.ts';
import { checkSubprotocol } from './subprotocol.ts';
import { checkThroughput } from './throughput.ts';
import { checkTls } from './tls.ts';
import { checkUpgrade } from './upgrade.ts';
import { checkVersion } from './version.ts';

/** All that the doctor looks at, in this order, from the cable up. */
export const checks: readonly Check[] = [
  { id: 'reach', question: 'Does anything answer at that address?', needs: [], run: checkReach },
  { id: 'tls', question: 'Is its certificate good for this name?', needs: ['reach'], run: checkTls },
  { id: 'certificate', question: 'How long does it hold?', needs: ['tls'], run: checkCertificate },
  { id: 'upgrade', question: 'Does the request arrive whole, and is it upgraded?', needs: ['tls'], run: checkUpgrade },
  { id: 'subprotocol', question: 'Is it a receiver of wsferry?', needs: ['upgrade'], run: checkSubprotocol },
  { id: 'receiver', question: 'Would it take a file now?', needs: ['subprotocol'], run: checkReceiver },
  { id: 'version', question: 'Are both ends of one age?', needs: ['subprotocol'], run: checkVersion },
  { id: 'page', question: 'May a page of this server connect?', needs: ['upgrade'], run: checkPageOrigin },
  { id: 'compression', question: 'Does an offer to compress arrive?', needs: ['subprotocol'], run: checkCompression },
  { id: 'round-trip', question: 'How long does an answer take?', needs: ['subprotocol'], run: checkRoundTrip },
  { id: 'small', question: 'Are small messages held back?', needs: ['subprotocol'], run: checkSmallMessages },
  { id: 'large', question: 'How large may a message be?', needs: ['subprotocol'], run: checkMessageSize },
  { id: 'throughput', question: 'How fast do bytes get there?', needs: ['large'], run: checkThroughput },
  { id: 'close', question: 'Does a connection come to its end?', needs: ['upgrade'], run: checkClose },
  { id: 'idle', question: 'Is a silent connection cut?', needs: ['upgrade'], beside: true, run: checkIdle },
];
