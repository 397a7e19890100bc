import { dayMs, dayOf, daysBetween } from '../base/days.ts';
import { decodeRefusalRow } from '../ledger/refusal-count.ts';
import { decodeTotalsRow, totalsFigures, totalsRowOf } from '../ledger/totals.ts';
import type { Keys } from '../store/keys.ts';
import { nowMsOf, type Store } from '../store/store.ts';
import { type Checkpoints, compareIds } from './checkpoint.ts';
import type { Queries } from './database.ts';
import { type DayInStore, readDay } from './day-in-store.ts';
import { addTo, type Sums } from './differences.ts';
import { readEntry } from './drained-entries.ts';
import { readBatch } from './drained-refusals.ts';
import { storable } from './drained-stream.ts';
import { StreamTail } from './stream-tail.ts';
import { usageColumns } from './sum-tables.ts';

/** Postgres ends a transaction that is idle for long, so the store is read fast. */
const daysAtOnce = 16;

interface FirstSums {
  store: Store;
  keys: Keys;
  /** For how many days the store keeps sums. */
  retentionDays: number;
  /** How far the streams are drained in this transaction. */
  drained: Checkpoints;
}

/**
 * Records what the store has summed up so far, when records begin: entries that left the store before are in its sums
 * only. What is in the streams after `drained` is added when it is drained, so it is not counted here. Rejects with
 * `StoreUnavailable`.
 */
export async function recordFirstSums(queries: Queries, first: FirstSums): Promise<void> {
  const { store, keys, retentionDays } = first;
  const nowMs = nowMsOf(await store.attempt((client) => client.time()));
  // A clock that was set back may have left a day of tomorrow.
  const names = daysBetween(dayOf(nowMs - retentionDays * dayMs), dayOf(nowMs + dayMs));
  const days = new Map<string, DayInStore>();
  for (let at = 0; at < names.length; at += daysAtOnce) {
    const some = names.slice(at, at + daysAtOnce);
    const read = await Promise.all(some.map((day) => readDay(store, keys, day)));
    for (const [n, day] of read.entries()) days.set(some[n] ?? '', day);
  }
  await takeUndrained(first, days);
  for (const [day, { usage, refusals }] of days) {
    if (usage !== null) await replaceUsage(queries, day, usage);
    if (refusals !== null) await replaceRefusals(queries, day, refusals);
  }
}

/** Takes from the sums of each day what was in the streams, and not drained, when they were read. */
async function takeUndrained(
  { store, keys, drained }: FirstSums,
  days: ReadonlyMap<string, DayInStore>,
): Promise<void> {
  for await (const page of new StreamTail(store, keys.entries).oldestFirst(drained.entries.id)) {
    for (const element of page) {
      const entry = readEntry(element)?.entry;
      if (entry === undefined) continue;
      const day = days.get(dayOf(entry.admittedAtMs));
      if (!day?.usage || compareIds(element.id, day.entriesAt) > 0) continue;
      addTo(
        day.usage,
        totalsRowOf(entry),
        totalsFigures(entry).map((figure) => -figure),
      );
    }
  }
  for await (const page of new StreamTail(store, keys.refusalLog).oldestFirst(drained.refusals.id)) {
    for (const element of page) {
      for (const count of readBatch(element)?.counts ?? []) {
        const day = days.get(count.day);
        if (day?.refusals && compareIds(element.id, day.refusalsAt) <= 0)
          addTo(day.refusals, count.row, [-count.refused]);
      }
    }
  }
}

const usageNames = ['team', 'user_id', 'token', 'model', 'endpoint'];
const insertUsage = `INSERT INTO usage_days (day, ${[...usageNames, ...usageColumns].join(', ')})
  SELECT $1, ${[...usageNames, ...usageColumns].join(', ')} FROM json_populate_recordset(NULL::usage_days, $2)`;

async function replaceUsage(queries: Queries, day: string, sums: Sums): Promise<void> {
  const rows = [...sums].flatMap(([name, figures]) => {
    const { team, user, token, model, endpoint } = decodeTotalsRow(name);
    const named = { team, user_id: user, token, model: storable(model), endpoint };
    const summed = usageColumns.map((column, at) => [column, Math.max(0, figures[at] ?? 0)] as const);
    return (figures[0] ?? 0) <= 0 ? [] : [{ ...named, ...Object.fromEntries(summed) }];
  });
  await queries.query('DELETE FROM usage_days WHERE day = $1', [day]);
  await queries.query(insertUsage, [day, JSON.stringify(rows)]);
}

const refusalNames = ['team', 'user_id', 'token', 'endpoint', 'code', 'model', 'limit_name'];
const insertRefusals = `INSERT INTO refusal_days (day, ${refusalNames.join(', ')}, refused, last_at)
  SELECT $1, ${refusalNames.join(', ')}, refused, last_at FROM json_populate_recordset(NULL::refusal_days, $2)`;

async function replaceRefusals(queries: Queries, day: string, sums: Sums): Promise<void> {
  const rows = [...sums].flatMap(([name, [refused = 0, lastMs = 0]]) => {
    const { team, user, token, endpoint, code, model, limit } = decodeRefusalRow(name);
    const values = [team, user, token, endpoint, code, model, limit];
    const named = refusalNames.map((column, at) => [column, storable(values[at] ?? '')] as const);
    return refused <= 0
      ? []
      : [{ ...Object.fromEntries(named), refused, last_at: new Date(lastMs).toISOString() }];
  });
  await queries.query('DELETE FROM refusal_days WHERE day = $1', [day]);
  await queries.query(insertRefusals, [day, JSON.stringify(rows)]);
}
