import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../../src/base/refusal.ts';
import { PriceFeed } from '../../../../src/identity/operations/price-feed.ts';
import { withPrices } from '../../../../src/identity/operations/prices.ts';
import type { ModelPrice, StartingPrice } from '../../../../src/identity/records/model-price.ts';
import { StoreUnavailable } from '../../../../src/store/store-unavailable.ts';

const nowMs = Date.parse('2026-03-05T12:00:00.000Z');
const now = '2026-03-05T12:00:00.000Z';
const image = (usd: number, from: string): StartingPrice => ({ from, usd_per_image: usd });
const before: ModelPrice = {
  id: 'm',
  prices: [
    image(1, '2026-01-01T00:00:00.000Z'),
    image(2, '2026-03-05T00:00:00.000Z'),
    image(3, '2027-01-01T00:00:00.000Z'),
  ],
};
const [first, inForce, toCome] = before.prices as [StartingPrice, StartingPrice, StartingPrice];

function pricesWith(...prices: Parameters<typeof withPrices>[1]['prices']): StartingPrice[] {
  const changed = withPrices(before, { prices }, nowMs);
  if (changed instanceof Refusal) throw new Error(changed.message);
  return changed.prices;
}

describe('a change of prices', () => {
  it('replaces those to come and keeps those that have begun, for requests under way', () => {
    const later = image(9, '2028-01-01T00:00:00.000Z');
    expect(pricesWith(later)).toEqual([first, inForce, later]);
    expect(pricesWith()).toEqual([first, inForce]);
  });

  it('begins now without a moment', () => {
    expect(pricesWith({ usd_per_image: 4 }, toCome)).toEqual([first, inForce, image(4, now), toCome]);
  });

  it('is the same again if it is repeated with what it led to', () => {
    expect(pricesWith(first, inForce, toCome)).toEqual(before.prices);
  });

  it('does not begin in the past', () => {
    const past = image(2, '2026-03-01T00:00:00.000Z');
    const other = { ...inForce, usd_per_image: 7 };
    for (const price of [past, other, image(2, now)]) {
      const refused = withPrices(before, { prices: [toCome, price] }, nowMs);
      expect(refused).toMatchObject({ code: 'invalid_body', details: { param: 'prices.1.from' } });
    }
  });

  it('lets a price go that another has followed for a day', () => {
    const tomorrowMs = Date.parse('2026-03-06T00:00:00.000Z');
    expect(withPrices(before, { prices: [toCome] }, tomorrowMs - 1)).toEqual(before);
    expect(withPrices(before, { prices: [toCome] }, tomorrowMs)).toEqual({
      id: 'm',
      prices: [inForce, toCome],
    });
  });
});

describe('a feed of prices', () => {
  function feedOn(all: () => Promise<ModelPrice[]>) {
    const taken: (readonly ModelPrice[])[] = [];
    const told: string[] = [];
    const note = (message: string): void => void told.push(message);
    const log = { info: note, warn: note, error: note };
    const feed = new PriceFeed({ store: { all }, take: (prices) => void taken.push(prices), log });
    return { feed, taken, told };
  }

  it('reads when the epoch is another, and only then', async () => {
    const { feed, taken } = feedOn(async () => [before]);
    for (const epoch of ['', '', 'e1', 'e1', 'e2', '']) await feed.note(epoch);
    expect(taken).toEqual([[before], [before], [before], [before]]);
  });

  it('reads after a change of its own process', async () => {
    const { feed, taken } = feedOn(async () => [before]);
    await feed.changed();
    expect(taken).toEqual([[before]]);
  });

  it('keeps what it has, says so once, and tries again, if the store is away', async () => {
    let isAway = true;
    const { feed, taken, told } = feedOn(async () => {
      if (isAway) throw new StoreUnavailable('away');
      return [before];
    });
    await feed.note('e1');
    await feed.note('e1');
    await feed.changed();
    expect([taken, told.length]).toEqual([[], 1]);
    isAway = false;
    await feed.note('e1');
    expect(taken).toEqual([[before]]);
  });
});
