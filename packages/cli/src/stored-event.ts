import { digestField, type StoredFile } from '@wsferry/transfer';
import type { CliEvent } from './reporters/reporter.ts';

/** The event for a file that is stored, here or there; `startedAt` by performance.now(). */
export function storedEvent(id: number, name: string, file: StoredFile, startedAt: number): CliEvent {
  const durationMs = performance.now() - startedAt;
  return {
    event: 'stored',
    id,
    name,
    storedAs: file.path ?? file.name,
    size: file.size,
    ...digestField(file.algorithm, file.digest),
    durationMs: Math.round(durationMs * 10) / 10,
    bytesPerSecond: file.existing ? 0 : Math.round((file.size / Math.max(durationMs, 0.1)) * 1000),
    existing: file.existing,
  };
}
