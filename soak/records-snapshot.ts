import { type UsageFigures, usageFigures } from '../src/ledger/totals.ts';
import { Database } from '../src/records/database.ts';
import { nanoUsdPerUsd } from '../src/base/price.ts';

/** What Postgres has at the end: the figures of its entries, and of its sums. */
export interface RecordsSnapshot {
  entries: UsageFigures;
  sums: UsageFigures;
  /** How many elements it says were lost before they were drained. */
  missing: number;
}

const [requests, errors, aborted, lost] = [
  'count(*)',
  "count(*) FILTER (WHERE outcome = 'error')",
  "count(*) FILTER (WHERE outcome = 'aborted')",
  "count(*) FILTER (WHERE outcome = 'lost')",
];
/** How a figure of entries is counted; all others are sums of their column. */
const counted: Partial<Record<keyof UsageFigures, string>> = { requests, errors, aborted, lost };

export async function readRecords(url: string): Promise<RecordsSnapshot> {
  const database = new Database({ url, tls: null });
  const columnOf = (figure: keyof UsageFigures): string => (figure === 'cost_usd' ? 'cost_nano_usd' : figure);
  const ofEntries = usageFigures.map(
    (figure) => `${counted[figure] ?? `coalesce(sum(${columnOf(figure)}), 0)`} AS ${figure}`,
  );
  const ofDays = usageFigures.map((figure) => `coalesce(sum(${columnOf(figure)}), 0) AS ${figure}`);
  try {
    const [entries] = await database.query<UsageFigures>(`SELECT ${ofEntries.join(', ')} FROM entries`);
    const [sums] = await database.query<UsageFigures>(`SELECT ${ofDays.join(', ')} FROM usage_days`);
    const [gaps] = await database.query<{ missing: number }>(
      'SELECT coalesce(sum(missing), 0) AS missing FROM gaps',
    );
    if (!entries || !sums || !gaps) throw new Error('A query for sums gave no row.');
    return { entries: inDollars(entries), sums: inDollars(sums), missing: gaps.missing };
  } finally {
    await database.close();
  }
}

function inDollars(figures: UsageFigures): UsageFigures {
  return { ...figures, cost_usd: figures.cost_usd / nanoUsdPerUsd };
}
