import { applies, charged, nameOf, windowOf } from './accounts.ts';
import type { Counted } from './store-snapshot.ts';
import type { Row, Table } from './findings.ts';
import { mostAtOnce } from './overlap.ts';
import type { Evidence, MatchedEntry } from './evidence.ts';

/**
 * Each limit's counter against what the ledger charged it, window by window, and both against what the upstream
 * counted. Requests, images and concurrency must never have exceeded the limit; nor tokens, since this
 * upstream never uses more than was reserved.
 */
export function checkLimits({ snapshot, matched }: Evidence): Table[] {
  const windows = snapshot.limits.flatMap((counted) => windowRows(counted, matched));
  const atOnce = snapshot.limits
    .filter(({ limit }) => limit.metric === 'concurrency')
    .map((counted) => concurrencyRow(counted, matched));
  return [
    {
      title: 'Limits, each window (n: the latest)',
      columns: ['max', 'counter', 'ledger', 'upstream'],
      rows: windows,
    },
    {
      title: 'Concurrency (left: still counted at the end)',
      columns: ['max', 'left', 'most at once'],
      rows: atOnce,
    },
  ];
}

function windowRows(counted: Counted, matched: readonly MatchedEntry[]): Row[] {
  const { limit, counter } = counted;
  if (limit.metric === 'concurrency') return [];
  const counts = matched.filter(({ entry }) => applies(counted, entry));
  const windows = new Set(counts.map(({ entry }) => windowOf(counted, entry)));
  return [...windows]
    .sort((a, b) => b - a)
    .map((window): Row => {
      const inWindow = counts.filter(({ entry }) => windowOf(counted, entry) === window);
      const ofLedger = sum(inWindow, ({ entry }) => charged(entry, limit.metric));
      const ofUpstream = sum(inWindow, (each) => countedUpstream(each, limit.metric));
      const ofCounter = counterOf(counter, window);
      const agrees =
        (ofCounter === null || ofCounter === ofLedger) && ofUpstream <= ofLedger && ofLedger <= limit.max;
      const label = counter.index === window ? 'n' : `n-${counter.index - window}`;
      return {
        name: `${nameOf(counted)}, ${label}`,
        figures: [limit.max, ofCounter ?? '-', ofLedger, ofUpstream],
        agrees,
      };
    });
}

/** A counter keeps its current window and the previous one; null for any other. */
function counterOf({ index, current, previous }: Counted['counter'], window: number): number | null {
  if (window === index) return current;
  return window === index - 1 ? previous : null;
}

function countedUpstream({ seen }: MatchedEntry, metric: Counted['limit']['metric']): number {
  if (!seen?.taken) return 0;
  switch (metric) {
    case 'requests':
      return 1;
    case 'images':
      return seen.images;
    case 'tokens':
      return seen.usage ? seen.usage.input + seen.usage.output : 0;
    case 'cost_usd': // no model here has a price
    case 'concurrency':
      return 0;
  }
}

function concurrencyRow(counted: Counted, matched: readonly MatchedEntry[]): Row {
  const { limit, counter } = counted;
  const most = mostAtOnce(matched.filter(({ entry }) => applies(counted, entry)));
  const agrees = counter.current === 0 && most <= limit.max;
  return { name: nameOf(counted), figures: [limit.max, counter.current, most], agrees };
}

function sum<T>(all: readonly T[], of: (each: T) => number): number {
  return all.reduce((total, each) => total + of(each), 0);
}
