import type { Keys } from '../store/keys.ts';
import { loadScript } from '../store/script.ts';
import type { Store } from '../store/store.ts';
import type { Sums } from './differences.ts';

const dayOfSums = loadScript(new URL('./day_of_sums.lua', import.meta.url));

/** The sums of a day in the store, and how far its streams were then. */
export interface DayInStore {
  /** Ids of the newest elements; `0-0`: there is no such stream. */
  entriesAt: string;
  refusalsAt: string;
  /** Null if the store does not have the day, or no longer. */
  usage: Sums | null;
  refusals: Sums | null;
}

/** Reads a day in one step. Rejects with `StoreUnavailable`. */
export async function readDay(store: Store, keys: Keys, day: string): Promise<DayInStore> {
  const { totals, refusals, entries, refusalLog } = keys;
  const reply = await store.run(dayOfSums, [totals(day), refusals(day), entries, refusalLog], []);
  const [entriesAt, refusalsAt, usage, refused] = reply as [string, string, string[], string[]]; // as it says
  return { entriesAt, refusalsAt, usage: sumsIn(usage), refusals: sumsIn(refused) };
}

function sumsIn(flat: readonly string[]): Sums | null {
  if (flat.length === 0) return null;
  const sums: Sums = new Map();
  for (let at = 0; at + 1 < flat.length; at += 2) {
    sums.set(flat[at] ?? '', (flat[at + 1] ?? '').split(' ').map(Number));
  }
  return sums;
}
