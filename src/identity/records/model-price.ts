import { z } from 'zod';
import { inPath, model, storedTime } from '../../base/fields.ts';
import { maxPartUsd, type PricePart } from '../../base/price.ts';

const expected = `must be dollars from 0 to ${maxPartUsd}`;
const usd = z.number(expected).min(0, expected).max(maxPartUsd, expected).exactOptional();

/** The parts of a price, in dollars. Which of them a model's price has depends on its kind. */
export const priceAmounts = {
  usd_per_million_input_tokens: usd,
  usd_per_million_cache_read_tokens: usd,
  usd_per_million_cache_write_tokens: usd,
  usd_per_million_output_tokens: usd,
  usd_per_image: usd,
  usd_per_search: usd,
} satisfies Record<PricePart, z.ZodType>;

/** So many that are to come, and those that have begun lately. */
export const mostToCome = 32;
const mostPrices = 2 * mostToCome;

const price = z.strictObject({ from: storedTime, ...priceAmounts });
/** A price, and the moment it begins. */
export type StartingPrice = z.infer<typeof price>;

/** The prices of a model that the API has set, as they are stored: the earliest first. */
export const modelPriceFields = z.strictObject({
  /** Of the model. */
  id: inPath(model),
  prices: z
    .array(price)
    .min(1, 'must have a price')
    .max(mostPrices, `must have at most ${mostPrices} prices`)
    .refine((list) => new Set(list.map(({ from }) => from)).size === list.length, {
      error: 'must have each from once',
    }),
});
export type ModelPrice = z.infer<typeof modelPriceFields>;

/** What the store has for a model that the API has set no price of. */
export function noPrices(id: string): ModelPrice {
  return { id, prices: [] };
}

/** Takes the place of a team among the epochs: it changes whenever any price does. No team can have this id. */
export const pricesEpoch = '@prices';
