import { decodeEntry } from '../ledger/entry-text.ts';
import { decodeOpen } from '../limits/open-record.ts';
import { chargesOfHeld } from '../limits/recorded-charges.ts';
import type { Keys } from '../store/keys.ts';
import { loadScript } from '../store/script.ts';
import type { Store } from '../store/store.ts';
import { newestWindows } from './charges.ts';
import type { Queries } from './database.ts';

const readCounters = loadScript(new URL('./read_counters.lua', import.meta.url));

/** What was charged to one limit in a window. */
interface Counted {
  readonly team: string;
  readonly field: string;
  readonly window_index: number;
  charged: number;
}

/**
 * Records what limits of days and months have been charged so far, from the store: when records begin, and when those in
 * Postgres are older than the store. What is in the stream after `lastId` is added when it is drained, and what open
 * requests hold when they are closed, so neither is counted here. Rejects with `StoreUnavailable`.
 */
export async function recordCounters(
  queries: Queries,
  { store, keys, lastId }: { store: Store; keys: Keys; lastId: string },
): Promise<void> {
  const { teams, entries, processes, counters, open } = keys;
  const reply = await store.run(readCounters, [teams, entries, processes], [counters(''), open(''), lastId]);
  const counted = countedIn(reply as [string[], string[], string[]]); // as the script says
  await queries.query('DELETE FROM counters');
  await queries.query(
    `INSERT INTO counters (team, field, window_index, charged)
     SELECT team, field, window_index, charged FROM json_populate_recordset(NULL::counters, $1)`,
    [JSON.stringify(counted)],
  );
}

/** Pure. */
export function countedIn([counters, charges, open]: readonly [string[], string[], string[]]): Counted[] {
  const later = newestWindows([...chargesIn(charges), ...open.map(heldIn)]);
  const unrecorded = new Map(later.map((counter) => [nameOf(counter), counter.charged]));
  return countersIn(counters).flatMap((counter) => {
    const charged = Math.max(0, counter.charged - (unrecorded.get(nameOf(counter)) ?? 0));
    return charged === 0 ? [] : [{ ...counter, charged }];
  });
}

/** A window's number belongs to it: what comes later for another window is not in its counter. */
function nameOf({ team, field, window_index: index }: Counted): string {
  return `${team} ${field} ${index}`;
}

/** Counters of what is open, whose index is 0, are left out. */
function countersIn(flat: readonly string[]): Counted[] {
  return inThrees(flat).flatMap(([team, field, text]) => {
    const [, index, sum] = /^(\d+) (\d+) \d+$/.exec(text) ?? [];
    return index === undefined || index === '0'
      ? []
      : [{ team, field, window_index: Number(index), charged: Number(sum) }];
  });
}

function chargesIn(flat: readonly string[]): { team: string; charges: string }[] {
  return inThrees(flat).map(([entry, team, charges]) => ({
    team: entry === '' ? team : decodeEntry(entry).team,
    charges,
  }));
}

function heldIn(text: string): { team: string; charges: string } {
  const tab = text.indexOf('\t');
  const { team, held } = decodeOpen(text.slice(tab + 1));
  return { team, charges: chargesOfHeld(held, Number(text.slice(0, tab))) };
}

function inThrees(flat: readonly string[]): [string, string, string][] {
  const threes: [string, string, string][] = [];
  for (let at = 0; at + 2 < flat.length; at += 3)
    threes.push([flat[at] ?? '', flat[at + 1] ?? '', flat[at + 2] ?? '']);
  return threes;
}
