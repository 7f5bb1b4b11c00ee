import type { Delivery, Role } from './peer/peer.ts';
import { playConversation } from './play-conversation.ts';
import { playAnswer, playRequest } from './play-handshake.ts';
import { type Row, rolesOf } from './row.ts';
import type { Stage } from './stage.ts';

/** Why a row failed: how TCP brought it, what was sent, what should have come, what came. */
export interface Failure {
  readonly delivery: Delivery;
  readonly sent: string;
  readonly expected: string;
  readonly came: string;
}

/** Plays a row in one role, with every delivery until one fails. */
export async function playRow(row: Row, role: Role, stage: Stage): Promise<Failure | undefined> {
  for (const delivery of deliveriesOf(row)) {
    try {
      const failure = await playOnce(row, role, delivery, stage);
      if (failure) return failure;
    } catch (error) {
      return {
        delivery,
        sent: '(no conversation came about)',
        expected: 'a handshake',
        came: (error as Error).message,
      };
    }
  }
  return undefined;
}

function playOnce(row: Row, role: Role, delivery: Delivery, stage: Stage): Promise<Failure | undefined> {
  if (row.kind === 'conversation') return playConversation(row, role, delivery, stage);
  return row.kind === 'request' ? playRequest(row, delivery, stage) : playAnswer(row, delivery);
}

/** Above this, a byte at a time tells nothing new and takes long. */
const SMALL_BYTES = 600;

function deliveriesOf(row: Row): readonly Delivery[] {
  if (row.deliveries) return row.deliveries;
  const pieces = [
    `in random pieces (seed ${seedOf(row.id)})`,
    `in random pieces (seed ${seedOf(row.id) + 1})`,
  ] as const;
  if (row.kind === 'request' && row.request.length > 2000) return ['in one write', 'in chops of 700 bytes'];
  if (row.kind !== 'conversation') return ['in one write', 'byte by byte', ...pieces];
  let bytes = 0;
  for (const one of row.send) {
    if (one instanceof Uint8Array) bytes += one.length;
    else if ('opcode' in one) bytes += one.payload?.length ?? 0;
  }
  if (bytes > 100_000) return ['in one write'];
  const all = ['with the head', 'in one write', ...pieces] as const;
  return bytes > SMALL_BYTES ? all : [...all, 'byte by byte'];
}

/** Always the same for a row, so that a failure comes again. */
function seedOf(id: string): number {
  let seed = 7;
  for (const character of id) seed = (seed * 31 + character.charCodeAt(0)) % 9973;
  return seed;
}

/** One row in one role, played. */
export interface Verdict {
  readonly row: Row;
  readonly role: Role;
  readonly failure: Failure | undefined;
}

/** Plays rows side by side, and gives the verdicts in the rows' order. */
export async function playRows(
  rows: readonly Row[],
  stage: Stage,
  { roles, sideBySide = 16 }: { roles: readonly Role[]; sideBySide?: number },
): Promise<Verdict[]> {
  const jobs = rows.flatMap((row) =>
    rolesOf(row)
      .filter((role) => roles.includes(role))
      .map((role) => ({ row, role })),
  );
  const verdicts: Verdict[] = new Array(jobs.length);
  let next = 0;
  const work = async () => {
    while (next < jobs.length) {
      const index = next++;
      const { row, role } = jobs[index]!;
      verdicts[index] = { row, role, failure: await playRow(row, role, stage) };
    }
  };
  await Promise.all(Array.from({ length: sideBySide }, work));
  return verdicts;
}
