import { ratios, type Summary, summary } from './stats.ts';
import type { WorkloadBase } from './workloads.ts';

/** What one participant did in one round. */
export interface Round {
  readonly value: number;
  readonly loadCores?: number;
  readonly serverCores?: number;
  readonly microsPerUnit?: number;
  /** Of the larger of its processes, in bytes. */
  readonly peakBytes?: number;
  /** CPU time of a file's sender, from its start to its end, in seconds. */
  readonly senderCpuSeconds?: number;
  /** CPU time that its receiver, which was there before, spent on it. */
  readonly receiverCpuSeconds?: number;
}

/** A participant of a workload: its rounds, or why there are none. */
export interface Participant {
  readonly name: string;
  readonly rounds: readonly (Round | undefined)[];
  readonly absent?: string;
}

export interface ParticipantResult extends Participant {
  readonly value?: Summary;
  readonly loadCores?: Summary;
  readonly serverCores?: Summary;
  readonly microsPerUnit?: Summary;
  readonly peakBytes?: Summary;
  readonly senderCpuSeconds?: Summary;
  readonly receiverCpuSeconds?: Summary;
  /** Ours to theirs (memory: theirs to ours), paired by rounds. */
  readonly ratio?: Summary;
  readonly target?: number;
  readonly met?: boolean;
  /** The load used its core up while the server had time to spare: this is the load's speed. */
  readonly loadWasTheLimit: boolean;
}

export interface WorkloadResult {
  readonly name: string;
  readonly title: string;
  readonly unit: WorkloadBase['unit'];
  readonly participants: readonly ParticipantResult[];
}

/** The first participant is ours. */
export function evaluate(workload: WorkloadBase, participants: readonly Participant[]): WorkloadResult {
  const ours = participants[0]!.rounds.map((round) => round?.value);
  return {
    name: workload.name,
    title: workload.title,
    unit: workload.unit,
    participants: participants.map((participant, index) => {
      const theirs = participant.rounds.map((round) => round?.value);
      const ratio = index === 0 ? undefined : ratios(ours, theirs, workload.unit === 'B');
      const target = workload.targets[participant.name];
      const load = over(participant, 'loadCores');
      const server = over(participant, 'serverCores');
      const facts = {
        value: over(participant, 'value'),
        loadCores: load,
        serverCores: server,
        microsPerUnit: over(participant, 'microsPerUnit'),
        peakBytes: over(participant, 'peakBytes'),
        senderCpuSeconds: over(participant, 'senderCpuSeconds'),
        receiverCpuSeconds: over(participant, 'receiverCpuSeconds'),
        ratio,
        target,
        met: ratio && target !== undefined ? ratio.median >= target : undefined,
      };
      const known = Object.fromEntries(Object.entries(facts).filter(([, fact]) => fact !== undefined));
      return {
        ...participant,
        ...known,
        loadWasTheLimit: (load?.median ?? 0) >= 0.93 && (server?.median ?? 1) < 0.9,
      };
    }),
  };
}

function over({ rounds }: Participant, fact: keyof Round): Summary | undefined {
  const values = rounds.flatMap((round) => round?.[fact] ?? []);
  return values.length > 0 ? summary(values) : undefined;
}
