import { figures, type FigureName } from '../base/figures.ts';
import { textCodec, withoutControls } from '../base/text-record.ts';
import type { SumQuery } from './day-sums.ts';
import { countedModel, type EntryRecord } from './entry.ts';

/** The fields that name a row of a day's totals. */
export type TotalsRow = {
  team: string;
  user: string;
  token: string;
  model: string;
  endpoint: string;
};

/** What each row of totals has. */
export const totalsGroups = ['day', 'team', 'user', 'token', 'model', 'endpoint'] as const;
export const usageGroups = [...totalsGroups, 'end_user'] as const;
/** What only the breakdown of totals has: see `breakdown.ts`. */
export type LabelGroup = 'end_user' | `tag:${string}`;
export type UsageGroup = (typeof totalsGroups)[number] | LabelGroup;
export type UsageQuery = SumQuery<UsageGroup>;

type UsageFigure = 'requests' | 'errors' | 'aborted' | 'lost' | 'cost_usd' | FigureName;
export type UsageFigures = Record<UsageFigure, number>;
export type UsageRow = Partial<Record<(typeof totalsGroups)[number], string>> &
  UsageFigures & { end_user?: string | null; [tag: `tag:${string}`]: string | null };

const listed = [
  'requests',
  'input_tokens',
  'output_tokens',
  'images',
  'errors',
  'aborted',
  'lost',
  'cost_usd',
  'search_units',
] as const satisfies readonly UsageFigure[];
/** Those that were added to the table of figures since. */
const appended = figures.filter(({ name }) => !(listed as readonly string[]).includes(name));

/** The figures of a row of totals in stored order: append only. */
export const usageFigures: readonly UsageFigure[] = [...listed, ...appended.map(({ name }) => name)];

/** What an entry adds to its row, in the order of `usageFigures`. Money is kept in nano-dollars. */
export function totalsFigures(entry: EntryRecord): number[] {
  const { outcome } = entry;
  const added = [
    1,
    entry.inputTokens,
    entry.outputTokens,
    entry.images,
    outcome === 'error' ? 1 : 0,
    outcome === 'aborted' ? 1 : 0,
    outcome === 'lost' ? 1 : 0,
    entry.costNanoUsd ?? 0,
    entry.searchUnits,
  ];
  for (const { field } of appended) added.push(entry[field]);
  // Trailing zeros change no sum, and a figure that a row lacks is read as 0.
  while (added.length > 1 && added.at(-1) === 0) added.pop();
  return added;
}

const codec = textCodec<TotalsRow>({ team: '', user: '', token: '', model: '', endpoint: '' }, [
  ['team', (row) => row.team, String],
  ['user', (row) => row.user, String],
  ['token', (row) => row.token, String],
  ['model', (row) => withoutControls(row.model), String],
  ['endpoint', (row) => row.endpoint, String],
]);
/** The row's name in the store. */
export const encodeTotalsRow: (row: TotalsRow) => string = codec.encode;

/** The row back from its name. */
export const decodeTotalsRow: (name: string) => TotalsRow = codec.decode;

/** The name of the row that an entry is summed in. */
export function totalsRowOf(entry: EntryRecord): string {
  const { team, user, token_id: token, endpoint } = entry;
  return encodeTotalsRow({ team, user, token, model: countedModel(entry), endpoint });
}
