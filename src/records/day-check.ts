import { setTimeout as sleep } from 'node:timers/promises';
import { dayOf } from '../base/days.ts';
import { decodeRefusalRow, refusalFigures } from '../ledger/refusal-count.ts';
import { decodeTotalsRow, totalsFigures, totalsRowOf, usageFigures } from '../ledger/totals.ts';
import type { Keys } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { compareIds } from './checkpoint.ts';
import { readDay } from './day-in-store.ts';
import { entryUsage, recordedRefusals, recordedUsage } from './day-rows.ts';
import { addTo, type Difference, differencesIn, type Sums } from './differences.ts';
import { readEntry } from './drained-entries.ts';
import { readBatch } from './drained-refusals.ts';
import { RecordsUnavailable } from './records-unavailable.ts';
import type { Seam } from './seam.ts';

/** A drain may come between the two readings, some milliseconds apart. While a backlog is drained, it often does. */
const maxAttempts = 60;
/** The longest of pauses of any length: with equal ones, the readings might keep step with the drains. */
const maxPauseMs = 200;

export interface CheckedDay {
  /** How many rows were compared. */
  rows: number;
  differences: Difference[];
}

/** The part of a stream that the store's sums have and those of Postgres do not. */
interface Undrained {
  after: string;
  until: string;
}

/** Compares the sums of days in the store, in Postgres, and of the entries in Postgres, row by row. */
export class DayCheck {
  readonly #store: Store;
  readonly #keys: Keys;
  readonly #seam: Seam;

  constructor(store: Store, keys: Keys, seam: Seam) {
    this.#store = store;
    this.#keys = keys;
    this.#seam = seam;
  }

  /** As of one moment. `hasEntries`: Postgres should have every entry of the day. Rejects with `StoreUnavailable`. */
  check(day: string, hasEntries: boolean): Promise<CheckedDay> {
    return this.#seam.inTurn(async () => {
      for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
        const checked = await this.#attempt(day, hasEntries);
        if (checked !== null) return checked;
        await sleep(Math.random() * maxPauseMs);
      }
      throw new RecordsUnavailable('Postgres is being brought up to date all the time.');
    });
  }

  /** Null if something was drained between the readings. */
  async #attempt(day: string, hasEntries: boolean): Promise<CheckedDay | null> {
    const store = await readDay(this.#store, this.#keys, day);
    const { position, recorded } = await this.#seam.snapshot(async (queries) => ({
      usage: await recordedUsage(queries, day),
      entries: hasEntries ? await entryUsage(queries, day) : null,
      refusals: await recordedRefusals(queries, day),
    }));
    const { entries, refusals } = position.checkpoints;
    if (isLater(entries.id, store.entriesAt) || isLater(refusals.id, store.refusalsAt)) return null;
    await this.#addEntries(day, { after: entries.id, until: store.entriesAt }, recorded);
    await this.#addRefusals(day, { after: refusals.id, until: store.refusalsAt }, recorded.refusals);
    const isWhole =
      (await this.#seam.isWhole('entries', entries.id)) &&
      (await this.#seam.isWhole('refusals', refusals.id));
    if (!isWhole) return null;
    const usage = differencesIn({
      kind: 'usage',
      day,
      figures: usageFigures,
      decodeName: decodeTotalsRow,
      places: { store: store.usage, sums: recorded.usage, entries: recorded.entries },
    });
    const refused = differencesIn({
      kind: 'refusals',
      day,
      figures: refusalFigures,
      decodeName: decodeRefusalRow,
      places: { store: store.refusals, sums: recorded.refusals },
    });
    return {
      rows: usage.rows + refused.rows,
      differences: [...usage.differences, ...refused.differences],
    };
  }

  async #addEntries(
    day: string,
    { after, until }: Undrained,
    { usage, entries }: { usage: Sums; entries: Sums | null },
  ): Promise<void> {
    for await (const page of this.#seam.tail('entries').oldestFirst(after, until)) {
      for (const element of page) {
        const entry = readEntry(element)?.entry;
        if (entry === undefined || dayOf(entry.admittedAtMs) !== day) continue;
        for (const sums of entries === null ? [usage] : [usage, entries]) {
          addTo(sums, totalsRowOf(entry), totalsFigures(entry));
        }
      }
    }
  }

  async #addRefusals(day: string, { after, until }: Undrained, sums: Sums): Promise<void> {
    for await (const page of this.#seam.tail('refusals').oldestFirst(after, until)) {
      for (const element of page) {
        for (const count of readBatch(element)?.counts ?? []) {
          if (count.day !== day) continue;
          const [refused = 0, lastMs = 0] = sums.get(count.row) ?? [];
          sums.set(count.row, [refused + count.refused, Math.max(lastMs, count.lastMs)]);
        }
      }
    }
  }
}

/** Whether a stream was drained further than to `until`. One that is gone has nothing that could be. */
function isLater(checkpoint: string, until: string): boolean {
  return until !== '0-0' && compareIds(checkpoint, until) > 0;
}
