import { dayMs, dayOf, daysBetween } from '../base/days.ts';
import type { GroupingsQuery } from '../ledger/day-sums.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { RefusalGroup, RefusalRow } from '../ledger/refusal-count.ts';
import { usageFigures, type UsageFigures, type UsageGroup, type UsageRow } from '../ledger/totals.ts';

/** What an overview can be of: whole UTC days up to today. */
export const periods = ['today', '7d', '30d', 'month'] as const;
export type PeriodName = (typeof periods)[number];

export interface Period {
  name: PeriodName;
  /** Days, `YYYY-MM-DD`, both included. */
  from: string;
  to: string;
}

/** Figures of usage, and how many requests were refused. */
export type Figures = UsageFigures & { refused: number };

/** The sums of a period, as the reports of usage and refusals have them. */
export interface OverviewSums {
  figures: Figures;
  /** Every day of the period, also one without requests. */
  series: ({ day: string } & Figures)[];
  /** Those that cost most first; of the same cost, those with more tokens, then with more requests. */
  topUsers: UsageRow[];
  topModels: UsageRow[];
  /** The most frequent codes first. */
  refusals: { code: string; refused: number }[];
  /** How many requests each team has sent, refused ones included. */
  askedBy: ReadonlyMap<string, number>;
}

const mostTop = 10;

/** The days of a period. `month` is the calendar month so far. */
export function periodOf(name: PeriodName, nowMs: number): Period {
  const to = dayOf(nowMs);
  switch (name) {
    case 'today':
      return { name, from: to, to };
    case '7d':
      return { name, from: dayOf(nowMs - 6 * dayMs), to };
    case '30d':
      return { name, from: dayOf(nowMs - 29 * dayMs), to };
    case 'month':
      return { name, from: `${to.slice(0, 7)}-01`, to };
  }
}

const usageGroupings: GroupingsQuery<UsageGroup>['groupings'] = [[], ['day'], ['team', 'user'], ['model']];
const refusalGroupings: GroupingsQuery<RefusalGroup>['groupings'] = [[], ['day'], ['code'], ['team']];

/** Reads the sums of a period: the days of usage once, and those of refusals once. */
export async function overviewSums(
  ledger: Pick<Ledger, 'groupedUsage' | 'groupedRefusals'>,
  { from, to }: Period,
): Promise<OverviewSums> {
  const [usage, refused] = await Promise.all([
    ledger.groupedUsage({ from, to, filters: {}, groupings: usageGroupings }),
    ledger.groupedRefusals({ from, to, filters: {}, groupings: refusalGroupings }),
  ]);
  const [[used] = [], usedByDay = [], byUser = [], byModel = []] = usage;
  const [[allRefused] = [], refusedByDay = [], byCode = [], byTeam = []] = refused;
  const usedOn = new Map(usedByDay.map(({ day = '', ...figures }) => [day, figures]));
  const refusedOn = new Map(refusedByDay.map(({ day = '', refused: count }) => [day, count]));
  return {
    figures: { ...(used ?? noUsage), refused: allRefused?.refused ?? 0 },
    series: daysBetween(from, to).map((day) => ({
      day,
      ...(usedOn.get(day) ?? noUsage),
      refused: refusedOn.get(day) ?? 0,
    })),
    topUsers: dearestFirst(byUser, mostTop),
    topModels: dearestFirst(byModel, mostTop),
    refusals: byCode
      .map(({ code, refused: count }) => ({ code: code ?? '', refused: count }))
      .sort((a, b) => b.refused - a.refused),
    askedBy: askedBy(byUser, byTeam),
  };
}

const noUsage = Object.fromEntries(usageFigures.map((name) => [name, 0])) as UsageFigures; // has every name

/** So many rows: those that cost most first; of the same cost, those with more tokens, then with more requests. */
export function dearestFirst(rows: readonly UsageRow[], most: number): UsageRow[] {
  const tokens = (row: UsageRow): number => row.input_tokens + row.output_tokens;
  // Sorting is stable: what is the same in all of these stays in the order of the names.
  return rows
    .toSorted((a, b) => b.cost_usd - a.cost_usd || tokens(b) - tokens(a) || b.requests - a.requests)
    .slice(0, most);
}

function askedBy(used: readonly UsageRow[], refused: readonly RefusalRow[]): Map<string, number> {
  const asked = new Map<string, number>();
  const count = (team: string, requests: number): unknown =>
    asked.set(team, (asked.get(team) ?? 0) + requests);
  for (const { team, requests } of used) count(team ?? '', requests);
  for (const { team, refused: requests } of refused) count(team ?? '', requests);
  return asked;
}
