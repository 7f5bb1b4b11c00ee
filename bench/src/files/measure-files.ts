import type { Participant } from '../results.ts';
import type { FileWorkload } from '../workloads.ts';

export interface FilesMeasured {
  readonly participants: readonly Participant[];
  /** The workload's title with the size that was carried. */
  readonly title: string;
  readonly versions: Readonly<Record<string, string>>;
}
export async function measureFiles(_w: FileWorkload, _o: { rounds: number; quick: boolean }): Promise<FilesMeasured> {
  return { participants: [], title: '', versions: {} };
}
