import type { ParticipantResult, WorkloadResult } from '../results.ts';

/** A figure for people, in its unit: `1.23 M msg/s`, `812 MB/s`, `4.1 kB`. */
export function figure(value: number, unit: WorkloadResult['unit']): string {
  if (unit === 'MB/s') return `${significant(value)} MB/s`;
  if (unit === 'B') return value >= 1e6 ? `${significant(value / 1e6)} MB` : `${significant(value / 1e3)} kB`;
  if (value >= 1e6) return `${significant(value / 1e6)} M ${unit}`;
  return value >= 1e4 ? `${significant(value / 1e3)} k ${unit}` : `${significant(value)} ${unit}`;
}

/** Three significant digits. */
export function significant(value: number): string {
  if (value >= 100) return String(Math.round(value));
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** How far the rounds lie apart: half of the range, in percent of the median. */
export function spread({ value }: ParticipantResult): string {
  if (!value || value.median === 0) return '';
  return `±${Math.round((50 * (value.max - value.min)) / value.median)} %`;
}

export function verdict({ met, target }: ParticipantResult): string {
  if (target === undefined) return '';
  return met === undefined ? 'not measured' : met ? 'met' : 'MISSED';
}

/** What `costs` gives: of a file both ends and the memory, of messages the cores that were busy. */
export function costTitles({ participants }: WorkloadResult): readonly [string, string] {
  const files = participants.some(({ senderCpuSeconds, peakBytes }) => senderCpuSeconds ?? peakBytes);
  return files ? ['CPU of receiver · sender', 'peak memory'] : ['CPU of it · of the load, in cores', 'CPU each'];
}

export function costs(participant: ParticipantResult): [cpu: string, other: string] {
  const { senderCpuSeconds, receiverCpuSeconds, peakBytes, serverCores, loadCores, microsPerUnit } = participant;
  const seconds = (cpu?: { median: number }) => (cpu ? `${significant(cpu.median)} s` : '–');
  if (senderCpuSeconds || peakBytes) {
    const both = `${seconds(receiverCpuSeconds)} · ${seconds(senderCpuSeconds)}`;
    return [senderCpuSeconds ? both : '', peakBytes ? figure(peakBytes.median, 'B') : ''];
  }
  return [
    serverCores && loadCores ? `${significant(serverCores.median)} · ${significant(loadCores.median)}` : '',
    microsPerUnit ? `${significant(microsPerUnit.median)} µs` : '',
  ];
}
