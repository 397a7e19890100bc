import type { Catalogue } from '../../config/catalogue.ts';
import { allPrices, type SourcedPrice } from '../../config/price-book.ts';
import type { ModelPrice } from '../records/model-price.ts';

/** The prices of a model in the form of the admin API: which one is in force, and which are to come. Pure. */
export function toPricesResponse(
  { id, prices }: ModelPrice,
  catalogue: Pick<Catalogue, 'kind' | 'prices'>,
  nowMs: number,
): object {
  const kind = catalogue.kind(id);
  const all = kind === null ? [] : allPrices(kind, prices, catalogue.prices(id));
  const now = inForce(all, nowMs);
  return {
    model: id,
    kind,
    in_force: now?.price ? shown(now) : null,
    to_come: all
      .filter((each) => each.fromMs > nowMs && inForce(all, each.fromMs) === each)
      .toSorted((a, b) => a.fromMs - b.fromMs)
      .map(shown),
    set: prices,
  };
}

/** The first that has begun, as in `priceAt`. */
function inForce(all: readonly SourcedPrice[], atMs: number): SourcedPrice | undefined {
  return all.find(({ fromMs }) => fromMs <= atMs);
}

function shown({ source, fromMs, field: { from: _from, ...amounts } }: SourcedPrice): object {
  const from = fromMs === -Infinity ? null : new Date(fromMs).toISOString();
  return { source, from, ...amounts };
}
