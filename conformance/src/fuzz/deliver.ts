import type { Random } from './random.ts';

/** The three ways TCP may bring an input. */
export type Delivery = 'whole' | 'bytewise' | 'random splits';
export const DELIVERIES: readonly Delivery[] = ['whole', 'bytewise', 'random splits'];

/** Fresh copies of the input in pieces: parsers may write into what they are given. */
export function deliver(input: Uint8Array, delivery: Delivery, random: Random): Uint8Array<ArrayBuffer>[] {
  if (delivery === 'whole') return [input.slice()];
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at < input.length; at += pieces.at(-1)!.length) {
    // Sometimes an empty read, often a few bytes, sometimes many.
    const length = delivery === 'bytewise' ? 1 : 1 + random.length(random.once(3) ? input.length : 12);
    pieces.push(input.slice(at, at + length));
  }
  return pieces;
}
