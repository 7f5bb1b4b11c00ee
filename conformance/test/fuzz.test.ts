import { describe, expect, test } from 'vitest';
import { fuzz, inputOf, playInput } from '../src/fuzz/fuzz.ts';
import type { Target } from '../src/fuzz/target.ts';
import { targets } from '../src/fuzz/targets/index.ts';

// A few seconds of what `pnpm --filter conformance start fuzz --inputs 1000000` does for minutes.
const SEEDS = [6455, 7692];
const INPUTS = 4000;

describe('a parser that reads anything, cut anyhow, gives an event or a documented error', () => {
  const shares = targets.reduce((sum, { share }) => sum + share, 0);

  test.each(targets.map((target) => [target.name, target] as const))('%s', async (_name, target) => {
    for (const seed of SEEDS) {
      const inputs = Math.ceil((INPUTS * target.share) / shares);
      expect(await fuzz(target, { seed, inputs })).toMatchObject({ inputs });
    }
  });
});

describe('the fuzzer', () => {
  const target = (play: Target['play']): Target => ({
    name: 'made up',
    title: 'a parser with a fault',
    share: 1,
    valid: (random) => random.bytes(8),
    play,
  });

  test('finds an error that nobody documented, and says which input it was', async () => {
    const faulty = target((pieces) => {
      if (pieces.some((piece) => piece.includes(0x7f))) throw new TypeError('cannot read properties of undefined');
      return 'fine';
    });
    const finding = await fuzz(faulty, { seed: 1, inputs: 1000 });
    expect(finding).toMatchObject({ target: 'made up', seed: 1, problem: expect.stringContaining('TypeError') });
    const input = 'input' in finding ? finding.input : '';
    await expect(playInput(faulty, Buffer.from(input, 'hex'), 1)).rejects.toThrow(TypeError);
  });

  test('finds a verdict that depends on the cuts', async () => {
    const faulty = target((pieces) => `${pieces.length > 2}`);
    expect(await fuzz(faulty, { seed: 1, inputs: 10 })).toMatchObject({
      problem: expect.stringContaining('one verdict for all cuts'),
    });
  });

  test('plays the same inputs again for the same seed, and others for another', () => {
    const [first] = targets;
    expect(inputOf(first!, 3, 7)).toEqual(inputOf(first!, 3, 7));
    expect(inputOf(first!, 3, 7)).not.toEqual(inputOf(first!, 4, 7));
  });
});
