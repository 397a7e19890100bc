import { type LedgerEntry } from '../src/ledger/entry.ts';
import { usageFigures, type UsageFigures, type UsageRow } from '../src/ledger/totals.ts';
import type { Evidence } from './evidence.ts';
import type { Row, Table } from './findings.ts';

/**
 * `/admin/usage` against the sums of the entries: the sums over all rows, and each row that differs. Postgres's entries
 * and its sums against both.
 */
export function checkTotals({ snapshot: { entries, totals }, records }: Evidence): Table[] {
  const sums = new Map<string, UsageFigures>();
  for (const entry of entries) {
    const row = sums.get(rowOf(entry)) ?? zeros();
    for (const figure of usageFigures) row[figure] += figureOf(entry, figure);
    sums.set(rowOf(entry), row);
  }
  const reported = new Map(totals.map((total) => [nameOf(total), total]));
  const rows = [...new Set([...sums.keys(), ...reported.keys()])];
  const byFigure = usageFigures.map((figure): Row => {
    const ofLedger = entries.reduce((sum, entry) => sum + figureOf(entry, figure), 0);
    const ofTotals = totals.reduce((sum, total) => sum + total[figure], 0);
    const kept = [records.entries[figure], records.sums[figure]];
    const agrees = [ofTotals, ...kept].every((sum) => sameFigure(sum, ofLedger));
    return { name: figure, figures: [ofLedger, ofTotals, ...kept], agrees };
  });
  const gap: Row = {
    name: 'missing in Postgres',
    figures: ['', '', records.missing, ''],
    agrees: records.missing === 0,
  };
  const differing = rows
    .flatMap((row) =>
      usageFigures.map((figure): Row => {
        const [ofLedger, ofTotals] = [sums.get(row)?.[figure] ?? 0, reported.get(row)?.[figure] ?? 0];
        return {
          name: `${row}: ${figure}`,
          figures: [ofLedger, ofTotals, '', ''],
          agrees: ofLedger === ofTotals,
        };
      }),
    )
    .filter(({ agrees }) => !agrees);
  const title = `All of it (${rows.length} rows of totals)`;
  const columns = ['ledger', 'totals', 'pg entries', 'pg sums'];
  return [{ title, columns, rows: [...byFigure, gap, ...differing] }];
}

function rowOf({ time, team, user, token_id: token, model, endpoint }: LedgerEntry): string {
  return [time.slice(0, 10), team, user, token, model, endpoint].join(' ');
}

function nameOf({ day, team, user, token, model, endpoint }: UsageRow): string {
  return [day, team, user, token, model, endpoint].join(' ');
}

function figureOf(entry: LedgerEntry, figure: keyof UsageFigures): number {
  switch (figure) {
    case 'requests':
      return 1;
    case 'errors':
      return entry.outcome === 'error' ? 1 : 0;
    case 'aborted':
    case 'lost':
      return entry.outcome === figure ? 1 : 0;
    default:
      return entry[figure] ?? 0;
  }
}

/** Dollars are summed as floating-point numbers, in whatever order: they agree to a nano-dollar. */
function sameFigure(a: number, b: number): boolean {
  return Math.abs(a - b) < 1e-9;
}

function zeros(): UsageFigures {
  return Object.fromEntries(usageFigures.map((figure) => [figure, 0])) as UsageFigures; // has every figure
}
