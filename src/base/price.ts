import type { Charge } from './outcome.ts';

/** The parts of a price, as the catalogue and the API name them. */
export const priceParts = [
  'usd_per_million_input_tokens',
  'usd_per_million_cache_read_tokens',
  'usd_per_million_cache_write_tokens',
  'usd_per_million_output_tokens',
  'usd_per_image',
  'usd_per_search',
] as const;
export type PricePart = (typeof priceParts)[number];

/** The most that one part of a price may be, in dollars. */
export const maxPartUsd = 1_000_000;

/** What a model costs, in nano-dollars: a token of each kind, an image, a search unit. */
export interface Price {
  /** Of input that no prompt cache wrote or gave. */
  inputNanoUsd: number;
  cacheReadNanoUsd: number;
  cacheWriteNanoUsd: number;
  outputNanoUsd: number;
  imageNanoUsd: number;
  searchNanoUsd: number;
}

export const free: Readonly<Price> = {
  inputNanoUsd: 0,
  cacheReadNanoUsd: 0,
  cacheWriteNanoUsd: 0,
  outputNanoUsd: 0,
  imageNanoUsd: 0,
  searchNanoUsd: 0,
};

export const nanoUsdPerUsd = 1_000_000_000;

/** What a charge costs, in whole nano-dollars. Rounded up once, so that sums are exact. */
export function costNanoUsd(
  price: Price,
  { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, images, searchUnits }: Charge,
): number {
  const exact =
    (inputTokens - cacheReadTokens - cacheWriteTokens) * price.inputNanoUsd +
    cacheReadTokens * price.cacheReadNanoUsd +
    cacheWriteTokens * price.cacheWriteNanoUsd +
    outputTokens * price.outputNanoUsd +
    images * price.imageNanoUsd +
    searchUnits * price.searchNanoUsd;
  // Minus a thousandth, because decimal prices are not exact in binary.
  return Math.max(0, Math.ceil(exact - 0.001));
}

/** Whether any part of a price is more than the same part of another. */
export function isDearer(price: Price, than: Price): boolean {
  return (
    price.inputNanoUsd > than.inputNanoUsd ||
    price.cacheReadNanoUsd > than.cacheReadNanoUsd ||
    price.cacheWriteNanoUsd > than.cacheWriteNanoUsd ||
    price.outputNanoUsd > than.outputNanoUsd ||
    price.imageNanoUsd > than.imageNanoUsd ||
    price.searchNanoUsd > than.searchNanoUsd
  );
}

/** The price to reserve at: what of the input will be cached is not known before, so all of it is taken as the dearest. */
export function dearest(price: Price): Price {
  const { inputNanoUsd, cacheReadNanoUsd, cacheWriteNanoUsd } = price;
  const most = Math.max(inputNanoUsd, cacheReadNanoUsd, cacheWriteNanoUsd);
  return most === inputNanoUsd ? price : { ...price, inputNanoUsd: most };
}
