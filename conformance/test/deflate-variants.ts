import type { DeflateSettings } from '@wsferry/connection';
import type { PerMessageDeflateOptions } from 'ws';

/** One way to agree on permessage-deflate with `ws`: our setting, its own, and what must come of them. */
export interface DeflateVariant {
  readonly title: string;
  readonly ours: boolean | DeflateSettings;
  readonly theirs: boolean | PerMessageDeflateOptions;
  /** Of `connection.deflate`. */
  readonly agreed: Record<string, number | boolean> | undefined;
}

const plain = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
};

/** `ws` compresses only from its threshold upwards; here everything, the empty message too. */
const threshold = 0;

export const deflateVariants: readonly DeflateVariant[] = [
  { title: 'without permessage-deflate', ours: false, theirs: false, agreed: undefined },
  { title: 'with permessage-deflate on our side only', ours: true, theirs: false, agreed: undefined },
  { title: 'with permessage-deflate on their side only', ours: false, theirs: true, agreed: undefined },
  { title: 'with permessage-deflate', ours: { thresholdBytes: 0 }, theirs: { threshold }, agreed: plain },
  {
    title: 'with permessage-deflate, no context takeover',
    ours: { thresholdBytes: 0, serverNoContextTakeover: true, clientNoContextTakeover: true },
    theirs: { threshold, serverNoContextTakeover: true, clientNoContextTakeover: true },
    agreed: { ...plain, serverNoContextTakeover: true, clientNoContextTakeover: true },
  },
  {
    title: 'with permessage-deflate, windows of 512 bytes',
    ours: { thresholdBytes: 0, serverMaxWindowBits: 9, clientMaxWindowBits: 9 },
    theirs: { threshold, serverMaxWindowBits: 9, clientMaxWindowBits: 9 },
    agreed: { ...plain, serverMaxWindowBits: 9, clientMaxWindowBits: 9 },
  },
  {
    title: 'with permessage-deflate, the smallest window for one and no takeover for the other',
    ours: { thresholdBytes: 0, serverMaxWindowBits: 8, clientNoContextTakeover: true },
    theirs: { threshold, serverMaxWindowBits: 8, clientNoContextTakeover: true },
    agreed: { ...plain, serverMaxWindowBits: 8, clientNoContextTakeover: true },
  },
];
