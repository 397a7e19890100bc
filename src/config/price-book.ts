import type { ModelKind } from '../base/model.ts';
import type { Price } from '../base/price.ts';
import type { Catalogue } from './catalogue.ts';
import { type DatedPrice, datedPrices, priceAt, type PriceField } from './catalogue-prices.ts';

/** Prices of a model that were set beside the catalogue; all of them have a `from`. */
export interface SetPrices {
  /** The model's. */
  id: string;
  prices: readonly PriceField[];
}

/**
 * The prices of models: those of the catalogue, and over them those that were set. A model's set prices count from the
 * first of them on; before that, the catalogue's do.
 */
export class PriceBook {
  readonly #catalogue: Pick<Catalogue, 'kind' | 'models' | 'prices'>;
  #prices: ReadonlyMap<string, readonly DatedPrice[]>;

  constructor(catalogue: Pick<Catalogue, 'kind' | 'models' | 'prices'>) {
    this.#catalogue = catalogue;
    this.#prices = this.#pricesWith([]);
  }

  /** Replaces all prices that were set. Those of models that the catalogue does not have count for nothing. */
  take(set: readonly SetPrices[]): void {
    this.#prices = this.#pricesWith(set);
  }

  /** What a model costs at a moment, ms; null: it is unpriced, not free. */
  readonly price = (model: string, atMs: number): Price | null =>
    priceAt(this.#prices.get(model) ?? none, atMs);

  #pricesWith(set: readonly SetPrices[]): Map<string, readonly DatedPrice[]> {
    const { kind, models, prices } = this.#catalogue;
    const all = new Map(models().map((model) => [model, prices(model)]));
    for (const { id, prices: own } of set) {
      const of = kind(id);
      if (of !== null) all.set(id, allPrices(of, own, prices(id)));
    }
    return all;
  }
}

const none: readonly never[] = [];

/** A price, and where it comes from. */
export interface SourcedPrice extends DatedPrice {
  source: 'api' | 'file';
}

/** All prices of a model: of those that have begun, the first one is in force. */
export function allPrices(
  kind: ModelKind,
  set: readonly PriceField[],
  file: readonly DatedPrice[],
): SourcedPrice[] {
  return [
    ...datedPrices(kind, set).map((each) => ({ ...each, source: 'api' as const })),
    ...file.map((each) => ({ ...each, source: 'file' as const })),
  ];
}
