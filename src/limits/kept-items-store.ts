import type { Keys } from '../store/keys.ts';
import { loadScript } from '../store/script.ts';
import type { Store } from '../store/store.ts';
import { texts } from './admission-texts.ts';

const script = loadScript(new URL('./kept_items.lua', import.meta.url));

/** Reads the items of responses; they are written with settlements. */
export class KeptItemsStore {
  readonly #store: Store;
  readonly #prefix: string;

  constructor(store: Store, keys: Keys) {
    this.#store = store;
    this.#prefix = keys.keyed('items:');
  }

  /** The sealed items of each of these responses, `''` if none are kept. Rejects with `StoreUnavailable`. */
  async read(ids: readonly string[]): Promise<readonly string[]> {
    return texts(await this.#store.run(script, [], [this.#prefix, ...ids]));
  }
}
