import type { Call } from './calls.ts';
import type { Evidence, MatchedEntry } from './evidence.ts';
import type { Row, Table } from './findings.ts';

/** Each admitted request has exactly one entry, each entry has a request, and the two agree. */
export function checkEntries({ snapshot: { entries, open }, calls, seen, matched }: Evidence): Table[] {
  const entered = new Set(entries.map(({ request_id: id }) => id));
  const ids = new Set(entries.map(({ id }) => id));
  const outcomes = new Map(entries.map(({ request_id: id, outcome }) => [id, outcome]));
  const lost = matched.filter(({ entry }) => entry.outcome === 'lost');
  const rows: Row[] = [
    row('open at the end; expected', open, 0),
    row('entries; distinct ids', entries.length, ids.size),
    row('entries; distinct requests', entries.length, entered.size),
    every('entries; of a call', matched, ({ call }) => call !== undefined),
    every('requests at the upstream; with an entry', seen, ({ requestId }) => entered.has(requestId)),
    every('entries of what must have been sent; seen by the upstream', matched.filter(mustBeSent), isTaken),
    every(
      'whole answers; `ok`, or `lost` if the process died before it settled',
      calls.filter(isAnswered),
      (call) => ['ok', 'lost'].includes(outcomes.get(call.requestId) ?? ''),
    ),
    every('`ok`; with the usage the upstream reported', matched.filter(isOk), hasReportedUsage),
    every(
      'calls turned away; without an entry, or `lost` if the process died before it refunded them',
      calls.filter(wasTurnedAway),
      ({ requestId }) => ['lost', undefined].includes(outcomes.get(requestId)),
    ),
    every(
      '`lost`; of a process that was killed',
      lost,
      ({ call }) => typeof call?.instance.killedMs === 'number',
    ),
    every('`lost`; charged the whole reservation', lost, isChargedWhole),
  ];
  return [{ title: 'One entry each', columns: ['all', 'good'], rows }];
}

function every<T>(name: string, all: readonly T[], isGood: (each: T) => boolean): Row {
  return row(name, all.length, all.filter(isGood).length);
}

function row(name: string, all: number, good: number): Row {
  return { name, figures: [all, good], agrees: all === good };
}

function isAnswered({ ended }: Call): boolean {
  return ended?.how === 'answered';
}

/** Refused before it was admitted, or never connected: it must not be charged. */
function wasTurnedAway({ ended }: Call): boolean {
  if (ended?.how === 'not connected') return true;
  if (ended?.how !== 'refused') return false;
  return ['rate_limit_exceeded', 'insufficient_quota', 'store_unavailable'].includes(ended.code);
}

function isOk({ entry }: MatchedEntry): boolean {
  return entry.outcome === 'ok';
}

/** Not cut short by its caller or its process, and not refused by the upstream. */
function mustBeSent({ entry: { outcome, error_code: code } }: MatchedEntry): boolean {
  return outcome === 'ok' || (outcome === 'error' && code === 'upstream_error');
}

function isTaken({ seen }: MatchedEntry): boolean {
  return seen?.taken === true;
}

function hasReportedUsage({ entry, seen }: MatchedEntry): boolean {
  if (!seen?.usage) return false;
  const { input, output } = seen.usage;
  return entry.input_tokens === input && entry.output_tokens === output && entry.images === seen.images;
}

function isChargedWhole({ entry, call }: MatchedEntry): boolean {
  if (!call) return false;
  const { inputTokens, outputTokens, images } = call.reserves;
  return (
    entry.input_tokens === inputTokens && entry.output_tokens === outputTokens && entry.images === images
  );
}
