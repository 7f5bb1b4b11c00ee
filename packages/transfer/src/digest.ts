import type { DigestAlgorithm } from './packets.ts';

/** A digest as packets carry it: the field has the algorithm's name. */
export type DigestField = { readonly md5: string } | { readonly sha256: string };

/** `digest` (hex) as the field of FILE_END, FILE_ARRIVED and of whatever else names digests by their algorithm. */
export function digestField(algorithm: DigestAlgorithm, digest: string): DigestField {
  return algorithm === 'sha256' ? { sha256: digest } : { md5: digest };
}
