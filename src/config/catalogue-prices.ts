import { z } from 'zod';
import type { ModelKind } from '../base/model.ts';
import { free, maxPartUsd, nanoUsdPerUsd, type Price, type PricePart } from '../base/price.ts';
import { chosen } from './file-problems.ts';

const amount = z.number().nonnegative().max(maxPartUsd).optional();

/** US dollars, from a day (midnight UTC) or a moment on; without one, from the beginning. */
const price = z.strictObject({
  from: z
    .union([z.iso.date(), z.iso.datetime({ offset: true })], {
      error: 'expected a day such as "2027-01-31", or an RFC 3339 time',
    })
    .optional(),
  usd_per_million_input_tokens: amount,
  usd_per_million_cache_read_tokens: amount,
  usd_per_million_cache_write_tokens: amount,
  usd_per_million_output_tokens: amount,
  usd_per_image: amount,
  usd_per_search: amount,
} satisfies Record<PricePart | 'from', z.ZodType>);
export type PriceField = z.infer<typeof price>;

const onePrice = price.transform((only) => [only]);
const priceList = z
  .array(price)
  .min(1)
  .refine((list) => new Set(list.map(startMs)).size === list.length, {
    error: 'expected each "from" once, and at most one price without it',
  });

/** One price, or a list of prices that follow each other. */
export const priceField = chosen<PriceField[]>((value) => (Array.isArray(value) ? priceList : onePrice));

/** A price and when it begins to apply. Null: from then on the model is unpriced. */
export interface DatedPrice {
  fromMs: number;
  price: Price | null;
  /** As it was given. */
  field: PriceField;
}

/** The parts that a price of each kind of model needs, and those that it may have besides. */
export const partsOfKind: Readonly<Record<ModelKind, { needed: PricePart[]; optional: PricePart[] }>> = {
  chat: {
    needed: ['usd_per_million_input_tokens', 'usd_per_million_output_tokens'],
    optional: ['usd_per_million_cache_read_tokens', 'usd_per_million_cache_write_tokens'],
  },
  embeddings: {
    needed: ['usd_per_million_input_tokens'],
    optional: ['usd_per_million_cache_read_tokens', 'usd_per_million_cache_write_tokens'],
  },
  images: { needed: ['usd_per_image'], optional: [] },
  rerank: { needed: ['usd_per_search'], optional: [] },
};

/** The prices of a model, the latest first. */
export function datedPrices(kind: ModelKind, fields: readonly PriceField[]): DatedPrice[] {
  return fields
    .map((field): DatedPrice => ({ fromMs: startMs(field), price: priceOf(kind, field), field }))
    .toSorted((a, b) => b.fromMs - a.fromMs);
}

/** The price in force; null before the first one. `prices` are the latest first. */
export function priceAt(prices: readonly DatedPrice[], atMs: number): Price | null {
  for (const { fromMs, price: found } of prices) {
    if (fromMs <= atMs) return found;
  }
  return null;
}

function startMs({ from }: PriceField): number {
  return from === undefined ? -Infinity : Date.parse(from);
}

/** Null if a part that the kind of model needs is missing. */
function priceOf(kind: ModelKind, field: PriceField): Price | null {
  const { usd_per_million_output_tokens: output, usd_per_image: image, usd_per_search: search } = field;
  const input = inputPrices(field);
  switch (kind) {
    case 'chat':
      return input === null || output === undefined
        ? null
        : { ...free, ...input, outputNanoUsd: aToken(output) };
    case 'embeddings':
      return input && { ...free, ...input };
    case 'images':
      return image === undefined ? null : { ...free, imageNanoUsd: Math.round(image * nanoUsdPerUsd) };
    case 'rerank':
      return search === undefined ? null : { ...free, searchNanoUsd: Math.round(search * nanoUsdPerUsd) };
  }
}

/** Cached input costs as much as any other, unless it has a price of its own. */
function inputPrices({
  usd_per_million_input_tokens: input,
  usd_per_million_cache_read_tokens: read = input,
  usd_per_million_cache_write_tokens: write = input,
}: PriceField): Pick<Price, 'inputNanoUsd' | 'cacheReadNanoUsd' | 'cacheWriteNanoUsd'> | null {
  if (input === undefined || read === undefined || write === undefined) return null;
  return { inputNanoUsd: aToken(input), cacheReadNanoUsd: aToken(read), cacheWriteNanoUsd: aToken(write) };
}

/** The price of one token, from dollars per million tokens: exact to a millionth of a nano-dollar. */
function aToken(usdPerMillion: number): number {
  return Math.round(usdPerMillion * nanoUsdPerUsd) / 1_000_000;
}
