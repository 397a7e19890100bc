import type { Log } from '../../base/log.ts';
import type { ModelPrice } from '../records/model-price.ts';
import type { PriceStore } from '../store/price-store.ts';

interface PriceFeedOptions {
  store: Pick<PriceStore, 'all'>;
  /** Gets all prices that are set, whenever they may have changed. */
  take: (prices: readonly ModelPrice[]) => void;
  log: Log;
}

/** Keeps what a process knows of prices as it is in the store. */
export class PriceFeed {
  readonly #options: PriceFeedOptions;
  /** The epoch of the prices that were read last; null: none were read. */
  #epoch: string | null = null;
  #isTold = false;

  constructor(options: PriceFeedOptions) {
    this.#options = options;
  }

  /** Reads the prices if they have another epoch by now. Never rejects: the next heartbeat tries again. */
  async note(epoch: string): Promise<void> {
    if (epoch === this.#epoch) return;
    const { store, take, log } = this.#options;
    try {
      take(await store.all());
      this.#epoch = epoch;
      this.#isTold = false;
    } catch (error) {
      if (!this.#isTold) log.warn('prices could not be read; those that were read last count', { error });
      this.#isTold = true;
    }
  }

  /** Reads the prices, which this process has changed. Never rejects, as above. */
  changed(): Promise<void> {
    const { store, take } = this.#options;
    return store.all().then(take, () => undefined);
  }
}
