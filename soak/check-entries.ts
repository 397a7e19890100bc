import type { Call } from './calls.ts';
import type { Evidence, Told } from './evidence.ts';
import type { Row, Table } from './findings.ts';

/** Each admitted request has exactly one entry, each entry is of a request, and it says what was seen of it. */
export function checkEntries({ books: { entries, open }, calls, seen, told }: Evidence): Table[] {
  const entered = new Set(entries.map(({ request_id: id }) => id));
  const ids = new Set(entries.map(({ id }) => id));
  const outcomes = new Map(entries.map(({ request_id: id, outcome }) => [id, outcome]));
  const lost = told.filter(({ entry }) => entry.outcome === 'lost');
  const rows: Row[] = [
    row('open in the end; none', open, 0),
    row('entries; their ids', entries.length, ids.size),
    row('entries; the requests they are of', entries.length, entered.size),
    every('entries; of a call', told, ({ call }) => call !== undefined),
    every('requests at the upstream; with an entry', seen, ({ requestId }) => entered.has(requestId)),
    every('entries of what must have been sent; seen by the upstream', told.filter(mustBeSent), isTaken),
    every(
      'whole answers; `ok`, or `lost` where the process died before it settled',
      calls.filter(isAnswered),
      (call) => ['ok', 'lost'].includes(outcomes.get(call.requestId) ?? ''),
    ),
    every('`ok`; with the usage the upstream reported', told.filter(isOk), tellsUsage),
    every(
      'calls turned away; without an entry, or `lost` where the process died before it gave back',
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

/** Refused before it was admitted, or never connected: nothing of it may be charged. */
function wasTurnedAway({ ended }: Call): boolean {
  if (ended?.how === 'not connected') return true;
  if (ended?.how !== 'refused') return false;
  return ['rate_limit_exceeded', 'insufficient_quota', 'store_unavailable'].includes(ended.code);
}

function isOk({ entry }: Told): boolean {
  return entry.outcome === 'ok';
}

/** Not cut short by its caller or its process, and not refused by the upstream. */
function mustBeSent({ entry: { outcome, error_code: code } }: Told): boolean {
  return outcome === 'ok' || (outcome === 'error' && code === 'upstream_error');
}

function isTaken({ seen }: Told): boolean {
  return seen?.taken === true;
}

function tellsUsage({ entry, seen }: Told): boolean {
  if (!seen?.usage) return false;
  const { input, output } = seen.usage;
  return entry.input_tokens === input && entry.output_tokens === output && entry.images === seen.images;
}

function isChargedWhole({ entry, call }: Told): boolean {
  if (!call) return false;
  const { inputTokens, outputTokens, images } = call.reserves;
  return (
    entry.input_tokens === inputTokens && entry.output_tokens === outputTokens && entry.images === images
  );
}
