import { randomBytes } from 'node:crypto';
import type { Keys } from '../store/keys.ts';
import { nowMsOf, type Store } from '../store/store.ts';

const hourMs = 3_600_000;
const livesMs = 3 * hourMs;
const keyBytes = 32;

/**
 * The secrets that seal sign-ins under way: one an hour, random, the same for every process. They are not derived from
 * ADMIN_KEY, because anybody may begin a sign-in, and could then guess at it. Rejects with `StoreUnavailable`.
 */
export class SignInKeys {
  readonly #store: Store;
  readonly #keys: Keys;
  readonly #known = new Map<number, string>();

  constructor(store: Store, keys: Keys) {
    this.#store = store;
    this.#keys = keys;
  }

  /** The secret of an hour, counted from the epoch. It is made when it is first asked for. */
  async of(hour: number): Promise<string> {
    const known = this.#known.get(hour);
    if (known !== undefined) return known;
    const key = this.#keys.consoleSignInKey(String(hour));
    const secret = await this.#store.attempt(async (client) => {
      const untilMs = nowMsOf(await client.time()) + livesMs;
      await client.set(key, randomBytes(keyBytes).toString('base64url'), 'PXAT', untilMs, 'NX');
      return client.get(key);
    });
    if (secret === null) return this.of(hour); // it has just expired
    for (const old of this.#known.keys()) if (old < hour - 1) this.#known.delete(old);
    this.#known.set(hour, secret);
    return secret;
  }

  /** The hour of a time, ms. */
  static hourAt(nowMs: number): number {
    return Math.floor(nowMs / hourMs);
  }
}
