export interface SumQuery<Group extends string> {
  /** Whole UTC days, `YYYY-MM-DD`, both included. */
  from: string;
  to: string;
  filters: Partial<Record<Exclude<Group, 'day'>, string>>;
  groupBy: readonly Group[];
  /** Only these teams, in addition to the filters; absent: all. */
  teams?: readonly string[];
}

/** The fields that identify a row of a day; null: not known. */
type RowName = Readonly<Record<string, string | null>>;

interface Parts {
  query: SumQuery<string>;
  /** In stored order. Figures that a row lacks count as 0; additional ones are ignored. */
  figures: readonly string[];
  /** The one that is a time, ms, 0 if unknown: the latest counts, and rows have it as RFC 3339 or null. */
  time?: string;
  decodeName: (name: string) => RowName;
}

/**
 * Sums days by group. A `Row` has the groups of the query and the figures. Without groups there is always exactly one
 * row; otherwise the rows are sorted by their groups.
 */
export class DaySums<Row> {
  readonly #parts: Parts;
  readonly #filters: readonly (readonly [field: string, wanted: string])[];
  readonly #sums = new Map<string, { group: RowName; sums: number[] }>();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#filters = Object.entries(parts.query.filters).flatMap(([field, wanted]) =>
      wanted === undefined ? [] : [[field, wanted] as const],
    );
    if (parts.query.groupBy.length === 0) this.#sumsOf({});
  }

  /** Adds the rows of a day (name in the store, figures) that pass the filters. */
  add(day: string, rows: Iterable<readonly [name: string, figures: readonly number[]]>): void {
    const { groupBy } = this.#parts.query;
    for (const [name, figures] of rows) {
      const row = this.#parts.decodeName(name);
      if (!this.#passes(row)) continue;
      const group = Object.fromEntries(groupBy.map((by) => [by, by === 'day' ? day : (row[by] ?? null)]));
      this.#add(this.#sumsOf(group), figures);
    }
  }

  /** Adds sums that another place has made of rows that pass the filters. `group` has the groups of the query. */
  addSums(group: RowName, added: readonly number[]): void {
    this.#add(this.#sumsOf(group), added);
  }

  /** The sums so far. */
  rows(): Row[] {
    const { figures, time } = this.#parts;
    const shown = (figure: string, sum: number): unknown => (figure === time ? timeOf(sum) : sum);
    return [...this.#sums.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, { group, sums }]) => {
        const named = Object.fromEntries(figures.map((figure, at) => [figure, shown(figure, sums[at] ?? 0)]));
        return { ...group, ...named } as Row; // has the groups and the figures that the caller named
      });
  }

  #passes(row: RowName): boolean {
    const { teams } = this.#parts.query;
    const { team = null } = row;
    if (teams !== undefined && (team === null || !teams.includes(team))) return false;
    return this.#filters.every(([field, wanted]) => row[field] === wanted);
  }

  #add(sums: number[], added: readonly number[]): void {
    const { figures: names, time } = this.#parts;
    for (let at = 0; at < sums.length; at += 1) {
      const [sum, figure] = [sums[at] ?? 0, added[at] ?? 0];
      sums[at] = names[at] === time ? Math.max(sum, figure) : sum + figure;
    }
  }

  #sumsOf(group: RowName): number[] {
    const name = this.#parts.query.groupBy.map((by) => group[by] ?? '').join('\t');
    const known = this.#sums.get(name);
    if (known) return known.sums;
    const sums = this.#parts.figures.map(() => 0);
    this.#sums.set(name, { group, sums });
    return sums;
  }
}

function timeOf(ms: number): string | null {
  return ms === 0 ? null : new Date(ms).toISOString();
}
