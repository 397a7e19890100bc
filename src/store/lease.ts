import type { Keys } from './keys.ts';
import { loadScript } from './script.ts';
import type { Store } from './store.ts';

const scripts = {
  take: loadScript(new URL('./take_lease.lua', import.meta.url)),
  release: loadScript(new URL('./release_lease.lua', import.meta.url)),
};

/**
 * The right to do what only one process may do at a time. What it does in the store under the lease checks the fence
 * (`lua/holds_lease.lua`): a process that stood still meanwhile cannot go on. Methods reject with `StoreUnavailable`.
 */
export class StoreLease {
  readonly #store: Store;
  readonly #key: string;
  readonly #owner: string;
  readonly #leaseMs: number;

  /** `owner` is unique among all processes, past ones included. */
  constructor(
    store: Store,
    keys: Pick<Keys, 'lease'>,
    { what, owner, leaseMs }: { what: string; owner: string; leaseMs: number },
  ) {
    this.#store = store;
    this.#key = keys.lease(what);
    this.#owner = owner;
    this.#leaseMs = leaseMs;
  }

  /** Takes the lease, or renews it: the fence; null if another process has it. */
  async take(): Promise<string | null> {
    const fence = await this.#store.run(scripts.take, [this.#key], [this.#leaseMs, this.#owner]);
    return typeof fence === 'string' ? fence : null;
  }

  /** Lets another process take it at once. */
  async release(): Promise<void> {
    await this.#store.run(scripts.release, [this.#key], [this.#owner]);
  }
}
