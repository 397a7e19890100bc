import {
  decodeRefusalRow,
  type RefusalGroup,
  type RefusalQuery,
  type RefusalRow,
  type RefusedAs,
} from './refusal-count.ts';

/** Sums days of refusals by group. Without groups there is always one row; otherwise rows come sorted by their groups. */
export class RefusalSums {
  readonly #query: RefusalQuery;
  readonly #sums = new Map<string, RefusalRow>();

  constructor(query: RefusalQuery) {
    this.#query = query;
    if (query.groupBy.length === 0) this.#sumOf({});
  }

  /** Adds those of a day's rows (row name, how often) that pass the filters. */
  add(day: string, rows: Iterable<readonly [row: string, refused: number]>): void {
    for (const [name, refused] of rows) {
      const row = decodeRefusalRow(name);
      if (!this.#passes(row)) continue;
      const group: Partial<Record<RefusalGroup, string | null>> = {};
      for (const by of this.#query.groupBy) group[by] = by === 'day' ? day : row[by];
      this.#sumOf(group).refused += refused;
    }
  }

  /** The sums so far. */
  rows(): RefusalRow[] {
    return [...this.#sums.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  }

  #passes(row: RefusedAs): boolean {
    const { filters, teams } = this.#query;
    if (teams !== undefined && (row.team === null || !teams.includes(row.team))) return false;
    return (['team', 'user', 'token', 'endpoint', 'code'] as const).every(
      (field) => filters[field] === undefined || filters[field] === row[field],
    );
  }

  #sumOf(group: Partial<Record<RefusalGroup, string | null>>): RefusalRow {
    const name = this.#query.groupBy.map((by) => group[by] ?? '').join('\t');
    let sum = this.#sums.get(name);
    if (!sum) {
      sum = { ...group, refused: 0 };
      this.#sums.set(name, sum);
    }
    return sum;
  }
}
