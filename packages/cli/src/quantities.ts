import { InvalidArgumentError } from 'commander';

const MS_OF = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const BYTES_OF = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
} as const;

/** `500ms`, `10s`, `1.5m`, `2h`, `7d` in milliseconds; `0` needs no unit. For options: throws InvalidArgumentError. */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
  if (number === undefined) throw new InvalidArgumentError('expected a time such as 500ms, 10s, 5m, 2h or 7d.');
  return Number(number) * MS_OF[unit as keyof typeof MS_OF];
}

/**
 * `500K`, `1.5MB`, `2MiB/s` in bytes per second, at least 1. As sizes, and in the short form of other programs: of a rate nobody
 * asks whether K is 1000 or 1024. For options: throws InvalidArgumentError.
 */
export function parseRate(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)? ?)([kmgt]?)(?:\/s)?$/i.exec(text) ?? [];
  try {
    const rate = parseBytes(unit ? `${number}${unit}B` : (number ?? text.replace(/\/s$/i, '')));
    if (rate >= 1) return rate;
  } catch {
    // What is expected is more than a size.
  }
  throw new InvalidArgumentError('expected bytes per second such as 500K, 64KiB or 2MB.');
}

/**
 * `1000`, `64KiB`, `1.5MB`, `2GB` in bytes, in whole ones; MB is a million and MiB 1024 times 1024. For options: throws
 * InvalidArgumentError.
 */
export function parseBytes(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?) ?([kmgt]i?b|b)?$/i.exec(text) ?? [];
  const bytes = Math.floor(Number(number) * BYTES_OF[(unit ?? 'b').toLowerCase() as keyof typeof BYTES_OF]);
  if (number === undefined || !Number.isSafeInteger(bytes)) {
    throw new InvalidArgumentError('expected a size such as 1000, 64KiB, 10MB or 2GB.');
  }
  return bytes;
}
