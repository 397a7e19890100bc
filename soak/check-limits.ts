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
      title: 'Limits: each calendar window (n: the latest), and the fullest of those that slide',
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
  const { window: span } = limit;
  if (span === 'minute' || span === 'hour') return [slidingRow(counted, counts)];
  const windows = new Set(counts.map(({ entry }) => windowOf(span, entry)));
  return [...windows]
    .sort((a, b) => b - a)
    .map((window): Row => {
      const inWindow = counts.filter(({ entry }) => windowOf(span, entry) === window);
      const ofLedger = sum(inWindow, ({ entry }) => charged(entry, limit.metric));
      const ofUpstream = sum(inWindow, (each) => countedUpstream(each, limit.metric));
      const ofCounter = window === counter.at ? counter.used : null;
      const agrees =
        (ofCounter === null || ofCounter === ofLedger) && ofUpstream <= ofLedger && ofLedger <= limit.max;
      const label = counter.at === window ? 'n' : `n-${counter.at - window}`;
      return {
        name: `${nameOf(counted)}, ${label}`,
        figures: [limit.max, ofCounter ?? '-', ofLedger, ofUpstream],
        agrees,
      };
    });
}

/** The most that was charged, and that the upstream counted, of what was admitted within any one window's length. */
function slidingRow(counted: Counted, counts: readonly MatchedEntry[]): Row {
  const { limit } = counted;
  const lengthMs = limit.metric !== 'concurrency' && limit.window === 'hour' ? 3_600_000 : 60_000;
  const inOrder = counts
    .map((each) => ({ each, atMs: Date.parse(each.entry.time) }))
    .toSorted((a, b) => a.atMs - b.atMs);
  const most = (of: (each: MatchedEntry) => number): number => {
    let [held, fullest, from] = [0, 0, 0];
    for (const { each, atMs } of inOrder) {
      held += of(each);
      for (; (inOrder[from]?.atMs ?? atMs) <= atMs - lengthMs; from += 1) {
        const left = inOrder[from];
        if (left) held -= of(left.each);
      }
      fullest = Math.max(fullest, held);
    }
    return fullest;
  };
  const ofLedger = most(({ entry }) => charged(entry, limit.metric));
  const ofUpstream = most((each) => countedUpstream(each, limit.metric));
  return {
    name: `${nameOf(counted)}, fullest`,
    figures: [limit.max, '-', ofLedger, ofUpstream],
    agrees: ofUpstream <= ofLedger && ofLedger <= limit.max,
  };
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
  const agrees = counter.used === 0 && most <= limit.max;
  return { name: nameOf(counted), figures: [limit.max, counter.used, most], agrees };
}

function sum<T>(all: readonly T[], of: (each: T) => number): number {
  return all.reduce((total, each) => total + of(each), 0);
}
