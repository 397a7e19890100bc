import type { Series } from './parts/chart.ts';
import type { Range } from './parts/range.ts';

/* Rows of the API's usage, as a chart takes them. Pure. */

export type Group = 'team' | 'user' | 'token' | 'model' | 'endpoint' | 'end_user' | `tag:${string}`;

/** Null: requests without an end user or without the tag. */
export interface UsageRow extends Partial<
  Record<Exclude<Group, `tag:${string}` | 'end_user'> | 'day', string>
> {
  end_user?: string | null;
  [tag: `tag:${string}`]: string | null;
  requests: number;
  input_tokens: number;
  output_tokens: number;
  images: number;
  errors: number;
  aborted: number;
  lost: number;
  cost_usd: number;
}

/** What a chart of usage can be of. */
export type FigureName = 'cost_usd' | 'requests' | 'input_tokens' | 'output_tokens';

interface SeriesOptions {
  range: Range;
  by: Group | null;
  figure: FigureName;
}

/** The rows of days as one series a group; `by` null: one for all. */
export function seriesOf(rows: readonly UsageRow[], { range, by, figure }: SeriesOptions): Series[] {
  const days = daysIn(range);
  const found = new Map<string, Map<string, number>>();
  for (const row of rows) {
    const name =
      by === null
        ? 'All'
        : [row.team === undefined || by === 'team' ? '' : `${row.team}/`, row[by] ?? 'none'].join('');
    const values = found.get(name) ?? new Map<string, number>();
    values.set(row.day ?? '', row[figure]);
    found.set(name, values);
  }
  return [...found].map(([name, values]) => ({ name, values: days.map((day) => values.get(day) ?? 0) }));
}

/** Every day of a range, `YYYY-MM-DD`. */
export function daysIn({ from, to }: Range): string[] {
  const days: string[] = [];
  for (let at = Date.parse(from); at <= Date.parse(to); at += 86_400_000)
    days.push(new Date(at).toISOString().slice(0, 10));
  return days;
}
