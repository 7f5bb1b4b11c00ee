import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';

let asked: Promise<string> | undefined;

/** What tells this machine from others, as well as it can be known; of a laptop without a machine id its host name. */
export function machineId(): Promise<string> {
  asked ??= readFile('/etc/machine-id', 'utf8').then(
    (id) => id.trim() || hostname(),
    () => hostname(),
  );
  return asked;
}
