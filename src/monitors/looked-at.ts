import type { Keys } from '../store/keys.ts';
import type { Store } from '../store/store.ts';

/** Which days and weeks a monitor has looked at, whichever process it ran in. Methods reject with `StoreUnavailable`. */
export class LookedAt {
  readonly #store: Store;
  readonly #keys: Pick<Keys, 'said'>;

  constructor(store: Store, keys: Pick<Keys, 'said'>) {
    this.#store = store;
    this.#keys = keys;
  }

  async has(monitor: string, period: string): Promise<boolean> {
    return (await this.#store.attempt((client) => client.get(this.#keyOf(monitor, period)))) !== null;
  }

  async note(monitor: string, period: string, untilMs: number): Promise<void> {
    const key = this.#keyOf(monitor, period);
    await this.#store.attempt((client) => client.set(key, '1', 'PXAT', untilMs, 'NX'));
  }

  /** The first of these that it has looked at; null if it has looked at none. */
  async latest(monitor: string, periods: readonly string[]): Promise<string | null> {
    const marks = await this.#store.attempt((client) =>
      Promise.all(periods.map((period) => client.get(this.#keyOf(monitor, period)))),
    );
    return periods.find((_, n) => marks[n] !== null) ?? null;
  }

  #keyOf(monitor: string, period: string): string {
    return this.#keys.said(`looked ${monitor} ${period}`);
  }
}
