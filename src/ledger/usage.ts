import { nanoUsdPerUsd } from '../base/price.ts';
import { decodeTotalsRow, type TotalsRow } from './entry-text.ts';
import { usageFigures, type UsageFigures, type UsageGroup, type UsageQuery, type UsageRow } from './entry.ts';

/** A day's rows as the store keeps them: row name → figures, in the order of `usageFigures`. */
export interface DayTotals {
  day: string;
  rows: Iterable<readonly [row: string, figures: readonly number[]]>;
}

/** Sums days by group. Without groups there is always one row; otherwise rows come sorted by their groups. */
export class UsageSums {
  readonly #query: UsageQuery;
  readonly #sums = new Map<string, UsageRow>();

  constructor(query: UsageQuery) {
    this.#query = query;
    if (query.groupBy.length === 0) this.#sumOf({});
  }

  /** Adds those of a day's rows that pass the filters. */
  add({ day, rows }: DayTotals): void {
    for (const [name, figures] of rows) {
      const row = decodeTotalsRow(name);
      if (!this.#passes(row)) continue;
      const group: Partial<Record<UsageGroup, string>> = {};
      for (const by of this.#query.groupBy) group[by] = by === 'day' ? day : row[by];
      const sum = this.#sumOf(group);
      usageFigures.forEach((figure, n) => {
        sum[figure] += figures[n] ?? 0;
      });
    }
  }

  /** The sums so far. */
  rows(): UsageRow[] {
    return [...this.#sums.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, row]) => ({ ...row, cost_usd: row.cost_usd / nanoUsdPerUsd }));
  }

  #passes(row: TotalsRow): boolean {
    const { filters, teams } = this.#query;
    if (teams !== undefined && !teams.includes(row.team)) return false;
    return (['team', 'user', 'token', 'model', 'endpoint'] as const).every(
      (field) => filters[field] === undefined || filters[field] === row[field],
    );
  }

  #sumOf(group: Partial<Record<UsageGroup, string>>): UsageRow {
    const name = this.#query.groupBy.map((by) => group[by]).join('\t');
    let sum = this.#sums.get(name);
    if (!sum) {
      const zeros = Object.fromEntries(usageFigures.map((figure) => [figure, 0])) as UsageFigures;
      sum = { ...group, ...zeros };
      this.#sums.set(name, sum);
    }
    return sum;
  }
}
