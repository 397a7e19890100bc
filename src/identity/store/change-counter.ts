import type { Keys } from '../../store/keys.ts';
import { loadScript } from '../../store/script.ts';
import type { Store } from '../../store/store.ts';
import type { ChangeBounds } from '../records/bounds.ts';

const countChange = loadScript(new URL('./count_change.lua', import.meta.url));

/** Whether a change was counted; if not, which bound it met and when there is room again, ms by the store's clock. */
export type CountedChange =
  { kind: 'counted' } | { kind: 'minute' | 'day'; max: number; freeAtMs: number; nowMs: number };

/** Counts the changes that each administrator makes, over all processes. Methods reject with `StoreUnavailable`. */
export class ChangeCounter {
  readonly #store: Store;
  readonly #keys: Keys;

  constructor(store: Store, keys: Keys) {
    this.#store = store;
    this.#keys = keys;
  }

  /** Counts a change of `who`: root, an administrator's id, or a team, for its holders. Works in a full store. */
  async count(who: string, { perMinute, perDay }: ChangeBounds): Promise<CountedChange> {
    const reply = await this.#store.run(countChange, [this.#keys.changes(who)], [perMinute, perDay ?? '']);
    const [now, kind, freeAt] = Array.isArray(reply) ? reply.map(String) : [];
    if (kind !== 'minute' && kind !== 'day') return { kind: 'counted' };
    const max = kind === 'minute' ? perMinute : (perDay ?? 0);
    return { kind, max, freeAtMs: Number(freeAt), nowMs: Number(now) };
  }
}
