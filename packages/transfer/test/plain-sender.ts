import { createHash } from 'node:crypto';
import type { MessagePipe } from '../src/index.ts';
import { RawPeer } from './raw-peer.ts';

/** What a {@link sendPlainly} sends. */
export interface PlainFile {
  readonly name: string;
  readonly content: Uint8Array;
  readonly modified?: number;
  readonly resumeKey?: string;
}

/** What became of it, as far as the sender heard. */
export interface PlainOutcome {
  /** The code of the last answer; `undefined` when the pipe ended first. */
  code: string | undefined;
  /** Where it was gone on; 0 when it began anew. */
  offset: number;
  /** The most that was acknowledged. */
  acknowledged: number;
  existing: boolean;
}

const CHUNK_BYTES = 100_000;
let lastId = -1;

/**
 * A sender of one file that knows nothing but the packets, and hears its answers one by one. `accepted` is waited for when
 * the offer was accepted.
 */
export async function sendPlainly(
  pipe: MessagePipe,
  { content, ...file }: PlainFile,
  accepted: (offset: number) => Promise<void> = async () => {},
): Promise<PlainOutcome> {
  const peer = new RawPeer(pipe);
  lastId += 2;
  const id = lastId;
  const outcome: PlainOutcome = { code: undefined, offset: 0, acknowledged: 0, existing: false };
  peer.say({ type: 'NEW_FILE', id, size: content.length, ...file });
  const ack = await peer.hear();
  if (ack?.type !== 'ACK_NEW_FILE') return outcome;
  if (ack.code !== 'OK') return { ...outcome, code: ack.code };
  const { offset = 0 } = ack;
  if (offset > 0 && ack.prefixDigest === md5(content.subarray(0, offset))) outcome.offset = offset;
  outcome.acknowledged = outcome.offset;
  await accepted(outcome.offset);
  for (let at = outcome.offset; at < content.length; at += CHUNK_BYTES) {
    peer.say({ type: 'FILE_DATA', id, offset: at, bytes: content.subarray(at, at + CHUNK_BYTES) });
  }
  peer.say({ type: 'FILE_END', id, md5: md5(content) });
  for (let packet = await peer.hear(); packet !== undefined; packet = await peer.hear()) {
    if (packet.type === 'ACK_FILE_DATA') outcome.acknowledged = packet.stored;
    if (packet.type !== 'ACK_FILE_END') continue;
    return { ...outcome, code: packet.code, existing: packet.existing === true };
  }
  return outcome;
}

export function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}
