import { tagIn } from '../base/tags.ts';
import type { GroupingsQuery } from './day-sums.ts';
import type { EntryRecord } from './entry.ts';
import { decodeTotalsRow, type LabelGroup, totalsRowOf, type UsageGroup } from './totals.ts';

/*
 * The breakdown of totals by tags and end user. Only requests that have either are in it: in rows of their own, beside
 * those of the totals, which count all requests. So what has no label is the rest: totals without breakdown. Whoever uses
 * neither has no such rows.
 */

/** In place of names that were given up, because a day had too many: see `store/lua/breakdown.lua`. */
export const otherNames = '(others)';

/** The tags of an entry and its end user; '' if it has neither. */
function labelOf({ tags, end_user: endUser }: Pick<EntryRecord, 'tags' | 'end_user'>): string {
  return tags === '' && endUser === null ? '' : `${tags}\t${endUser ?? ''}`;
}

/** The name of an entry's row of the breakdown; null if it has none. */
export function breakdownRowOf(entry: EntryRecord): string | null {
  const label = labelOf(entry);
  return label === '' ? null : `${totalsRowOf(entry)}\t${label}`;
}

/** The name of an entry's row as settling takes it: with its label, if it has one, behind a group separator. */
export function settledRowOf(entry: EntryRecord): string {
  const label = labelOf(entry);
  return label === '' ? totalsRowOf(entry) : `${totalsRowOf(entry)}\u001d${label}`;
}

/** What is added so that an entry of the breakdown, which totals have too, counts once. */
export function taken(figures: readonly number[]): number[] {
  return figures.map((figure) => -figure);
}

/** A row's name without its label: that of its row of totals. */
export function withoutLabel(name: string): string {
  return name.slice(0, name.lastIndexOf('\t', name.lastIndexOf('\t') - 1));
}

export function isLabel(group: UsageGroup): group is LabelGroup {
  return group === 'end_user' || group.startsWith('tag:');
}

/** The groups and filters of a query that only the breakdown has. */
export function labelsIn({ groupings, filters }: Pick<GroupingsQuery<UsageGroup>, 'groupings' | 'filters'>): {
  grouped: LabelGroup[];
  filtered: LabelGroup[];
} {
  const filtered = Object.keys(filters) as UsageGroup[]; // its keys are groups
  return { grouped: groupings.flat().filter(isLabel), filtered: filtered.filter(isLabel) };
}

/** Whether a query needs the breakdown. */
export function isBrokenDown(query: Pick<GroupingsQuery<UsageGroup>, 'groupings' | 'filters'>): boolean {
  const { grouped, filtered } = labelsIn(query);
  return grouped.length + filtered.length > 0;
}

/** How a query reads the names of rows, those of the breakdown included: with the tags that it asks for. */
export function namesFor(
  query: Pick<GroupingsQuery<UsageGroup>, 'groupings' | 'filters'>,
): (name: string) => Readonly<Record<string, string | null>> {
  const { grouped, filtered } = labelsIn(query);
  const labels = [...grouped, ...filtered];
  if (labels.length === 0) return decodeTotalsRow;
  return (name) => {
    const [tags = '', endUser = ''] = name.split('\t').slice(labelAt);
    const row: Record<string, string | null> = { ...decodeTotalsRow(name), end_user: endUser || null };
    for (const label of labels) {
      if (label !== 'end_user')
        row[label] = tags === otherNames ? tags : tagIn(tags, label.slice('tag:'.length));
    }
    return row;
  };
}

/** How many fields a row of totals has: the label comes behind them. */
const labelAt = 5;
