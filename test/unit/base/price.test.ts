import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noCharge } from '../../../src/base/outcome.ts';
import { costNanoUsd, dearest, free, type Price } from '../../../src/base/price.ts';

const sonnet: Price = { ...free, inputNanoUsd: 3_000, outputNanoUsd: 15_000 };
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
    expect(costNanoUsd({ ...free, imageNanoUsd: 80_000_000 }, charge(0, 0, 3))).toBe(240_000_000);
    const rerank = { ...free, searchNanoUsd: 2_000_000 };
    expect(costNanoUsd(rerank, charge(0, 0, 0, 3))).toBe(6_000_000);
    expect(costNanoUsd(sonnet, charge(0, 0))).toBe(0);
  });

  it('prices the parts of the input that a cache gave or took, and only the rest as other input', () => {
    const cached = { ...sonnet, cacheReadNanoUsd: 300, cacheWriteNanoUsd: 3_750 };
    const read = { ...charge(10_000, 100), cacheReadTokens: 8_000, cacheWriteTokens: 1_500 };
    expect(costNanoUsd(cached, read)).toBe(500 * 3_000 + 8_000 * 300 + 1_500 * 3_750 + 100 * 15_000);
    expect(costNanoUsd(cached, charge(10_000, 100))).toBe(10_000 * 3_000 + 100 * 15_000);
  });

  it('rounds a fraction up, once, and takes no binary dust for one', () => {
    const price = { ...free, inputNanoUsd: 37.5, outputNanoUsd: 0.1 };
    expect(costNanoUsd(price, charge(1, 0))).toBe(38);
    expect(costNanoUsd(price, charge(2, 0))).toBe(75);
    expect(costNanoUsd(price, charge(0, 30))).toBe(3); // 0.1 * 30 is a little over 3
  });

  it('is a whole number that never falls when more is used', () => {
    const tokens = fc.nat(2_000_000);
    fc.assert(
      fc.property(tokens, tokens, fc.nat(100_000), (input, output, perToken) => {
        const price = { ...free, inputNanoUsd: perToken / 1_000, outputNanoUsd: perToken / 200 };
        const cost = costNanoUsd(price, charge(input, output));
        expect(Number.isSafeInteger(cost)).toBe(true);
        expect(costNanoUsd(price, charge(input + 1, output))).toBeGreaterThanOrEqual(cost);
      }),
    );
  });
});

describe('dearest', () => {
  it('takes the input as what costs the most of it', () => {
    const written = { ...sonnet, cacheReadNanoUsd: 300, cacheWriteNanoUsd: 3_750 };
    expect(dearest(written)).toEqual({ ...written, inputNanoUsd: 3_750 });
    const read = { ...sonnet, cacheReadNanoUsd: 300, cacheWriteNanoUsd: 3_000 };
    expect(dearest(read)).toBe(read);
  });

  it('is never less than what is charged, however the input is divided', () => {
    const nano = fc.nat(10_000);
    fc.assert(
      fc.property(
        fc.nat(5_000),
        fc.nat(5_000),
        fc.nat(5_000),
        nano,
        nano,
        nano,
        (other, read, write, ...prices) => {
          const [inputNanoUsd, cacheReadNanoUsd, cacheWriteNanoUsd] = prices;
          const price = { ...free, inputNanoUsd, cacheReadNanoUsd, cacheWriteNanoUsd };
          const reserved = charge(other + read + write, 0);
          const charged = { ...reserved, cacheReadTokens: read, cacheWriteTokens: write };
          expect(costNanoUsd(price, charged)).toBeLessThanOrEqual(costNanoUsd(dearest(price), reserved));
        },
      ),
    );
  });
});
