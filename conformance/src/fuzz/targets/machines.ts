import {
  encodePacket,
  type Packet,
  parsePacket,
  type ReceiveAction,
  ReceiveMachine,
  type SendAction,
  SendMachine,
  TransferError,
} from '@wsferry/transfer';
import { join, utf8 } from '../bytes.ts';
import { transferCode } from '../documented.ts';
import type { Random } from '../random.ts';
import { invariant, type Target } from '../target.ts';
import { anyPacket } from './any-packet.ts';

const MD5 = '900150983cd24fb0d6963f7d28e17f72';

/**
 * A script for a machine: `step` bytes, each an event of our own (what the storage or the source says next), or, from
 * 128 on, the length of a packet of the peer that follows. So any bytes are a script, cut anywhere.
 */
function script(random: Random): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  for (let left = random.length(20); left > 0; left--) {
    if (random.once(2)) parts.push(Uint8Array.of(random.below(128)));
    const message = encodePacket(anyPacket(random, 1));
    const bytes = typeof message === 'string' ? utf8(message) : message;
    if (bytes.length < 128) parts.push(Uint8Array.of(128 + bytes.length), bytes);
  }
  return join(...parts);
}

type Step = { readonly own: number } | { readonly packet: Packet };

function stepsOf(bytes: Uint8Array): Step[] {
  const steps: Step[] = [];
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at++]!;
    if (first < 128) {
      steps.push({ own: first });
      continue;
    }
    const body = bytes.slice(at, at + first - 128);
    at += body.length;
    try {
      steps.push({ packet: parsePacket(body[0] === 0x7b ? Buffer.from(body).toString() : body) });
    } catch (error) {
      transferCode(error);
    }
  }
  return steps;
}

/** What the peer's packet leads to: actions, or the violation that the session would answer. */
function guarded<Action>(lines: string[], run: () => readonly Action[]): readonly Action[] {
  try {
    return run();
  } catch (error) {
    lines.push(transferCode(error));
    invariant((error as TransferError).code === 'BAD_PACKET', 'expected a violation to be BAD_PACKET');
    return [];
  }
}

/** A sink that answers when the script says so, in order, as the real driver's does. */
function playReceiver(steps: readonly Step[], option: number): string {
  const size = (option & 2) === 0 ? {} : { size: 3 };
  const machine = new ReceiveMachine(
    { type: 'NEW_FILE', id: 1, name: 'a', ...size },
    { maxFileBytes: 1000, windowBytes: 64 },
  );
  const lines: string[] = [];
  const work: ReceiveAction[] = [];
  let accepted = false;
  let failures = 0;
  let commits = 0;
  const take = (actions: readonly ReceiveAction[]) => {
    for (const action of actions) {
      lines.push(action.do === 'send' ? `send ${action.packet.type}` : action.do);
      if (action.do === 'fail') failures++;
      if (action.do === 'commit') commits++;
      if (action.do === 'flush') take(machine.acknowledge());
      if (action.do === 'write' || action.do === 'digest' || action.do === 'commit') work.push(action);
    }
  };
  const own = (number: number) => {
    if (!accepted) {
      accepted = true;
      take(
        guarded(lines, () =>
          machine.ended
            ? []
            : machine.accept((number & 1) === 0 ? { restarted: 'SOURCE_CHANGED' } : { offset: 2, prefixDigest: MD5 }),
        ),
      );
      return;
    }
    if (number % 16 === 15) {
      take(machine.pause((number & 16) === 0));
      return;
    }
    const next = work.shift();
    const fails = number % 8 === 7;
    const error = new TransferError('NO_SPACE');
    if (next === undefined || (machine.ended && next.do !== 'commit')) return;
    if (next.do === 'commit')
      take(
        fails
          ? machine.commitFailed(error)
          : machine.committed({ name: 'a', size: 3, digest: MD5, algorithm: 'md5', existing: false }),
      );
    else if (fails) take(machine.stop(error, 'ACK_FILE_END'));
    else if (next.do === 'write') take(machine.wrote(next.bytes.length, work.length === 0));
    else take(machine.verify((number & 2) === 0 ? MD5.toUpperCase() : 'f'.repeat(32)));
  };
  for (const step of steps) {
    if ('own' in step) own(step.own);
    else if (step.packet.type === 'FILE_DATA') take(guarded(lines, () => machine.data(step.packet as never)));
    else if (step.packet.type === 'FILE_END') take(guarded(lines, () => machine.end(step.packet as never)));
    else if (step.packet.type === 'CANCEL_FILE' || step.packet.type === 'ERROR') take(machine.stopped(step.packet));
    else if (step.packet.type === 'PAUSE_FILE' || step.packet.type === 'RESUME_FILE') take(machine.paused(step.packet));
    invariant(machine.stored <= 1000, 'expected no more stored than may be');
  }
  invariant(failures <= 1 && commits <= 1, 'expected one ending');
  invariant(failures === 0 || machine.state === 'failed', 'expected a failure to be the end');
  return [...lines, machine.state].join('\n');
}

const toSender: ReadonlySet<Packet['type']> = new Set([
  'ACK_NEW_FILE',
  'ACK_FILE_DATA',
  'ACK_FILE_END',
  'PAUSE_FILE',
  'RESUME_FILE',
  'CANCEL_FILE',
  'ERROR',
]);

function playSender(steps: readonly Step[], option: number): string {
  const machine = new SendMachine({ id: 1, name: 'a', size: (option & 2) === 0 ? undefined : 300 });
  const lines: string[] = [];
  let opened: { prefix: boolean } | undefined;
  let endings = 0;
  const take = (actions: readonly SendAction[]) => {
    for (const action of actions) {
      lines.push(action.do === 'send' ? `send ${action.packet.type}` : action.do);
      if (action.do === 'open') opened = { prefix: action.prefixDigest !== undefined };
      if (action.do === 'finish' || action.do === 'fail') endings++;
    }
  };
  const own = (number: number) => {
    if (number % 16 === 15) take(machine.pause((number & 16) === 0));
    if (opened === undefined || machine.ended || machine.paused) return;
    if (machine.state === 'proving')
      take(machine.judgePrefix(number % 3 === 0 ? undefined : number % 3 === 1 ? MD5 : 'f'.repeat(32)));
    else if (machine.state === 'sending' && number % 4 === 3) take(machine.sourceEnded(MD5));
    else if (machine.state === 'sending') take(machine.data(new Uint8Array(Math.min(number, machine.creditBytes))));
  };
  for (const step of steps) {
    if ('own' in step) own(step.own);
    else {
      const { packet } = step;
      if (!toSender.has(packet.type)) continue;
      take(guarded(lines, () => machine.receive(packet as never)));
    }
    invariant(machine.creditBytes >= 0, 'expected credit, got less than none');
    invariant(!machine.paused || machine.creditBytes === 0, 'expected no credit in a pause');
    if (machine.ended) continue;
    invariant(machine.stored <= machine.sent, 'expected no more stored than sent');
  }
  invariant(endings <= 1, 'expected one ending');
  return [...lines, machine.state].join('\n');
}

/** Options: bit 0, which machine; bit 1, whether the size is known. */
export const machines: Target = {
  name: 'machines',
  title: 'SendMachine and ReceiveMachine under any packets and any answers of storage',
  share: 10,
  valid: (random) => script(random),
  play(pieces, option) {
    const steps = stepsOf(join(...pieces));
    return (option & 1) === 0 ? playReceiver(steps, option) : playSender(steps, option);
  },
};
