import { hash, randomBytes } from 'node:crypto';
import type { Keys } from '../store/keys.ts';
import { loadScript } from '../store/script.ts';
import type { Store } from '../store/store.ts';
import { nowMsOf } from '../store/store.ts';
import { type Holder, parseHolder } from './holder.ts';

const takeLink = loadScript(new URL('./take_console_link.lua', import.meta.url));

const livesMs = 3_600_000;
const codeBytes = 20;

/**
 * Links that sign an administrator in to the console, once: for a terminal that holds ADMIN_KEY and a browser that should
 * not see it. The code stands in the fragment, which no browser sends. Methods reject with `StoreUnavailable`.
 */
export class ConsoleLinks {
  readonly #store: Store;
  readonly #keys: Keys;

  constructor(store: Store, keys: Keys) {
    this.#store = store;
    this.#keys = keys;
  }

  /** Makes a link at an origin; it works for an hour. */
  async make(holder: Holder, origin: string): Promise<{ url: string; expiresAtMs: number }> {
    const code = randomBytes(codeBytes).toString('hex');
    const key = this.#keys.consoleLink(hashOf(code));
    const expiresAtMs = await this.#store.attempt(async (client) => {
      const untilMs = nowMsOf(await client.time()) + livesMs;
      await client.set(key, JSON.stringify(holder), 'PXAT', untilMs, 'NX');
      return untilMs;
    });
    return { url: `${origin}/console#link=${code}`, expiresAtMs };
  }

  /** Whom a code signs in, the first time; then null. */
  async take(code: string): Promise<Holder | null> {
    const text = await this.#store.run(takeLink, [this.#keys.consoleLink(hashOf(code))], []);
    return typeof text === 'string' ? parseHolder(text) : null;
  }
}

function hashOf(code: string): string {
  return hash('sha256', code, 'base64url');
}
