import { dayMs, dayOf } from '../base/days.ts';
import { nanoUsdPerUsd } from '../base/price.ts';
import type { JsonObject, JsonValue } from '../base/request.ts';
import { plain } from './cells.ts';
import { CommandFailed, exitCodes } from './command-failed.ts';

/* Sums of a report, put together and put in order here: the API sums by days. */

/** What the command line adds up days to. */
export const periods = ['week', 'month'] as const;
export type Period = (typeof periods)[number];

/** The rows of days as rows of weeks or months, in the order in which they first come. */
export function byPeriod(
  rows: readonly JsonObject[],
  period: Period,
  groups: readonly string[],
): JsonObject[] {
  const sums = new Map<string, JsonObject>();
  for (const { day, ...row } of rows) {
    const dated = { [period]: startOf(period, plain(day)), ...row };
    const key = JSON.stringify(groups.map((group) => dated[group] ?? null));
    const sum = sums.get(key);
    sums.set(key, sum ? added(sum, dated, groups) : dated);
  }
  return [...sums.values()];
}

/** The Monday of a day's week, or the month, such as `2026-01`. */
function startOf(period: Period, day: string): string {
  if (period === 'month') return day.slice(0, 'YYYY-MM'.length);
  const atMs = Date.parse(day);
  return dayOf(atMs - ((new Date(atMs).getUTCDay() + 6) % 7) * dayMs);
}

/** The sum of rows, without their groups. */
export function totalOf(rows: readonly JsonObject[], groups: readonly string[]): JsonObject {
  const [first = {}, ...more] = rows;
  return more.reduce((sum, row) => added(sum, row, groups), first);
}

/** Two rows in one: numbers are added up, of times the later one counts. Groups stay those of the first row. */
function added(sum: JsonObject, row: JsonObject, groups: readonly string[]): JsonObject {
  const entries = Object.entries(sum).map(([name, value]): [string, JsonValue] => [
    name,
    groups.includes(name) ? value : addedValue(name, value, row[name] ?? null),
  ]);
  return Object.fromEntries(entries);
}

function addedValue(name: string, one: JsonValue, other: JsonValue): JsonValue {
  if (typeof one === 'number' && typeof other === 'number') {
    return name === 'cost_usd' ? (nano(one) + nano(other)) / nanoUsdPerUsd : one + other;
  }
  return typeof one === 'string' && typeof other === 'string' && one > other ? one : (other ?? one);
}

/** Whole nano-dollars, as the ledger adds them up: sums of dollars would not be exact. */
function nano(usd: number): number {
  return Math.round(usd * nanoUsdPerUsd);
}

/** Rows by a column: figures and times from the largest on, names from A on; the other way round after a minus. */
export function sorted(rows: readonly JsonObject[], by: string, columns: readonly string[]): JsonObject[] {
  const isReversed = by.startsWith('-');
  const asked = isReversed ? by.slice(1) : by;
  const column = columns.find((name) => name === asked || name.replace(/_(?:tokens|usd)$/, '') === asked);
  if (column === undefined) {
    throw new CommandFailed(`--sort takes one of ${columns.join(', ')}.`, exitCodes.misused);
  }
  const direction = isReversed ? -1 : 1;
  return rows.toSorted((a, b) => direction * compared(a[column] ?? null, b[column] ?? null));
}

function compared(a: JsonValue, b: JsonValue): number {
  if (typeof a === 'number' && typeof b === 'number') return b - a;
  const [one, other] = [plain(a), plain(b)];
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
