import type { Charge } from './outcome.ts';

/** What a model costs, in nano-dollars: an input token, an output token, an image, a search unit. */
export interface Price {
  inputNanoUsd: number;
  outputNanoUsd: number;
  imageNanoUsd: number;
  searchNanoUsd: number;
}

export const nanoUsdPerUsd = 1_000_000_000;

/** What a charge costs, in whole nano-dollars. Rounded up once, so that sums are exact. */
export function costNanoUsd(
  price: Price,
  { inputTokens, outputTokens, images, searchUnits }: Charge,
): number {
  const exact =
    inputTokens * price.inputNanoUsd +
    outputTokens * price.outputNanoUsd +
    images * price.imageNanoUsd +
    searchUnits * price.searchNanoUsd;
  // Minus a thousandth, because decimal prices are not exact in binary.
  return Math.max(0, Math.ceil(exact - 0.001));
}
