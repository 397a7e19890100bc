/** Where sums are: in the store, in Postgres, and in the entries of Postgres, to be summed. */
export type Place = 'store' | 'sums' | 'entries';

/** The figures of rows, by the row's name in the store. */
export type Sums = Map<string, number[]>;

/** A figure of a row that is not the same in every place. */
export interface Difference {
  kind: 'usage' | 'refusals';
  /** UTC, `YYYY-MM-DD`. */
  day: string;
  row: Readonly<Record<string, string | null>>;
  figure: string;
  /** What each place says; null: it does not have the row; absent: it was not asked. */
  places: Partial<Record<Place, number | null>>;
}

interface Comparison extends Pick<Difference, 'kind' | 'day'> {
  figures: readonly string[];
  decodeName: (name: string) => Difference['row'];
  /** Null: it no longer has the day. */
  places: Readonly<Partial<Record<Place, Sums | null>>>;
}

/** What differs between places, and how many rows there are. Pure. */
export function differencesIn({ kind, day, figures, decodeName, places }: Comparison): {
  rows: number;
  differences: Difference[];
} {
  const asked = Object.entries(places).flatMap(([place, sums]) =>
    sums === null ? [] : [[place, sums] as const],
  );
  const names = new Set(asked.flatMap(([, sums]) => [...sums.keys()]));
  const differences: Difference[] = [];
  for (const name of [...names].sort()) {
    for (const [at, figure] of figures.entries()) {
      const said = asked.map(([place, sums]) => [place, figureOf(sums.get(name), at)] as const);
      const [[, first] = ['', null]] = said;
      if (said.every(([, sum]) => sum === first)) continue;
      differences.push({ kind, day, row: decodeName(name), figure, places: Object.fromEntries(said) });
    }
  }
  return { rows: names.size, differences };
}

/** A row that is not there differs in what it counts, the first figure; of the others it has none. */
function figureOf(sums: readonly number[] | undefined, at: number): number | null {
  return sums === undefined && at === 0 ? null : (sums?.[at] ?? 0);
}

export function addTo(all: Sums, name: string, figures: readonly number[]): void {
  const known = all.get(name) ?? [];
  for (const [at, figure] of figures.entries()) known[at] = (known[at] ?? 0) + figure;
  all.set(name, known);
}
