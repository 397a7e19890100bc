import { randomBytes } from 'node:crypto';
import { nowMsOf, type Store } from './store.ts';
import { StoreUnavailable } from './store-unavailable.ts';

const hourMs = 3_600_000;
const livesMs = 3 * hourMs;
const keyBytes = 32;

/**
 * Secrets for what lives for minutes: one an hour, random, the same for every process. They are not derived from ADMIN_KEY,
 * because anybody may ask for what they make, and could then guess at it. Rejects with `StoreUnavailable`.
 */
export class HourlySecrets {
  readonly #store: Store;
  readonly #keyOf: (hour: string) => string;

  constructor(store: Store, keyOf: (hour: string) => string) {
    this.#store = store;
    this.#keyOf = keyOf;
  }

  /** The secret of an hour, counted from the epoch. It is made when it is first asked for. */
  async of(hour: number): Promise<string> {
    const key = this.#keyOf(String(hour));
    const secret = await this.#store.attempt(async (client) => {
      const known = await client.get(key);
      if (known !== null) return known;
      const untilMs = nowMsOf(await client.time()) + livesMs;
      await client.set(key, randomBytes(keyBytes).toString('base64url'), 'PXAT', untilMs, 'NX');
      return client.get(key); // another process may have been faster
    });
    // A full store may have evicted it just now.
    if (secret === null) throw new StoreUnavailable('The store does not keep what it was given.');
    return secret;
  }

  /** The hour of a time, ms. */
  static hourAt(nowMs: number): number {
    return Math.floor(nowMs / hourMs);
  }
}
