interface Range<Group extends string> {
  /** Whole UTC days, `YYYY-MM-DD`, both included. */
  from: string;
  to: string;
  filters: Partial<Record<Exclude<Group, 'day'>, string>>;
  /** Only these teams, in addition to the filters; absent: all. */
  teams?: readonly string[];
}

export interface SumQuery<Group extends string> extends Range<Group> {
  groupBy: readonly Group[];
}

/** The same days grouped in several ways, from one reading of them. */
export interface GroupingsQuery<Group extends string> extends Range<Group> {
  /** No two are the same. */
  groupings: readonly (readonly Group[])[];
}

/** A query as one of several groupings. */
export function onlyGrouping<Group extends string>({
  groupBy,
  ...range
}: SumQuery<Group>): GroupingsQuery<Group> {
  return { ...range, groupings: [groupBy] };
}

/** The fields that identify a row of a day; null: not known. */
type RowName = Readonly<Record<string, string | null>>;

interface Parts {
  query: GroupingsQuery<string>;
  /** In stored order. Figures that a row lacks count as 0; additional ones are ignored. */
  figures: readonly string[];
  /** The one that is a time, ms, 0 if unknown: the latest counts, and rows have it as RFC 3339 or null. */
  time?: string;
  decodeName: (name: string) => RowName;
  /** Rows with this value are not counted; absent: all are. */
  apart?: readonly [field: string, value: string];
}

/** The sums of one grouping, by the texts of their groups. */
interface Grouping {
  readonly by: readonly string[];
  readonly sums: Map<string, { group: RowName; sums: number[] }>;
}

/**
 * Sums days by group, in each grouping of the query. A `Row` has the groups of its grouping and the figures. Without
 * groups there is always exactly one row; otherwise the rows are sorted by their groups.
 */
export class DaySums<Row> {
  readonly #parts: Parts;
  readonly #filters: readonly (readonly [field: string, wanted: string])[];
  readonly #groupings: readonly Grouping[];

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#filters = Object.entries(parts.query.filters).flatMap(([field, wanted]) =>
      wanted === undefined ? [] : [[field, wanted] as const],
    );
    this.#groupings = parts.query.groupings.map((by) => ({ by, sums: new Map() }));
    for (const grouping of this.#groupings) if (grouping.by.length === 0) this.#sumsOf(grouping, '', {});
  }

  /** Adds the rows of a day (name in the store, figures) that pass the filters. */
  add(day: string, rows: Iterable<readonly [name: string, figures: readonly number[]]>): void {
    for (const [name, figures] of rows) {
      const row = this.#parts.decodeName(name);
      if (!this.#passes(row)) continue;
      for (const grouping of this.#groupings) this.#add(this.#sumsOf(grouping, day, row), figures);
    }
  }

  /** Adds sums that another place has made of rows that pass the filters. `row` has the groups of that grouping. */
  addSums(grouping: number, row: RowName, added: readonly number[]): void {
    const found = this.#groupings[grouping];
    if (found) this.#add(this.#sumsOf(found, row['day'] ?? '', row), added);
  }

  /** The sums so far, of each grouping. */
  rows(): Row[][] {
    return this.#groupings.map((grouping) => this.#rowsOf(grouping));
  }

  #rowsOf({ by, sums }: Grouping): Row[] {
    const { figures, time } = this.#parts;
    const shown = (figure: string, sum: number): unknown => (figure === time ? timeOf(sum) : sum);
    // Of what is not broken down, nothing may be left: then there is no row.
    const counts = ({ sums: own }: { sums: readonly number[] }): boolean => own.some((sum) => sum > 0);
    return [...sums.entries()]
      .filter(([, row]) => by.length === 0 || counts(row))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, { group, sums: own }]) => {
        const named = Object.fromEntries(figures.map((figure, at) => [figure, shown(figure, own[at] ?? 0)]));
        return { ...group, ...named } as Row; // has the groups and the figures that the caller named
      });
  }

  #passes(row: RowName): boolean {
    const {
      query: { teams },
      apart,
    } = this.#parts;
    if (apart && row[apart[0]] === apart[1]) return false;
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

  #sumsOf({ by, sums }: Grouping, day: string, row: RowName): number[] {
    const valueOf = (group: string): string | null => (group === 'day' ? day : (row[group] ?? null));
    const name = by.map((group) => valueOf(group) ?? '').join('\t');
    const known = sums.get(name);
    if (known) return known.sums;
    const made = this.#parts.figures.map(() => 0);
    sums.set(name, { group: Object.fromEntries(by.map((group) => [group, valueOf(group)])), sums: made });
    return made;
  }
}

function timeOf(ms: number): string | null {
  return ms === 0 ? null : new Date(ms).toISOString();
}
