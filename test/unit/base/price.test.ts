import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noCharge } from '../../../src/base/outcome.ts';
import { costNanoUsd, type Price } from '../../../src/base/price.ts';

const sonnet: Price = { inputNanoUsd: 3_000, outputNanoUsd: 15_000, imageNanoUsd: 0, searchNanoUsd: 0 };
const charge = (inputTokens: number, outputTokens: number, images = 0, searchUnits = 0) => ({
  ...noCharge,
  requests: 1,
  inputTokens,
  outputTokens,
  images,
  searchUnits,
});

describe('costNanoUsd', () => {
  it('is what tokens, images and searches cost, in nano-dollars', () => {
    expect(costNanoUsd(sonnet, charge(1_000, 200))).toBe(6_000_000);
    expect(
      costNanoUsd(
        { inputNanoUsd: 0, outputNanoUsd: 0, imageNanoUsd: 80_000_000, searchNanoUsd: 0 },
        charge(0, 0, 3),
      ),
    ).toBe(240_000_000);
    const rerank = { inputNanoUsd: 0, outputNanoUsd: 0, imageNanoUsd: 0, searchNanoUsd: 2_000_000 };
    expect(costNanoUsd(rerank, charge(0, 0, 0, 3))).toBe(6_000_000);
    expect(costNanoUsd(sonnet, charge(0, 0))).toBe(0);
  });

  it('rounds a fraction up, once, and takes no binary dust for one', () => {
    const price = { inputNanoUsd: 37.5, outputNanoUsd: 0.1, imageNanoUsd: 0, searchNanoUsd: 0 };
    expect(costNanoUsd(price, charge(1, 0))).toBe(38);
    expect(costNanoUsd(price, charge(2, 0))).toBe(75);
    expect(costNanoUsd(price, charge(0, 30))).toBe(3); // 0.1 * 30 is a little over 3
  });

  it('is a whole number that never falls when more is used', () => {
    const tokens = fc.nat(2_000_000);
    fc.assert(
      fc.property(tokens, tokens, fc.nat(100_000), (input, output, perToken) => {
        const price = {
          inputNanoUsd: perToken / 1_000,
          outputNanoUsd: perToken / 200,
          imageNanoUsd: 0,
          searchNanoUsd: 0,
        };
        const cost = costNanoUsd(price, charge(input, output));
        expect(Number.isSafeInteger(cost)).toBe(true);
        expect(costNanoUsd(price, charge(input + 1, output))).toBeGreaterThanOrEqual(cost);
      }),
    );
  });
});
