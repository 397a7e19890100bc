import { dayOf } from '../base/days.ts';
import { decodeRefusalRow } from '../ledger/refusal-count.ts';
import type { Queries } from './database.ts';
import { type PseudonymOf, pseudonymsIn } from './erasures.ts';
import type { Element } from './drained-store.ts';
import { type DrainedStream, fieldOf, fitsKey, isFigure, latestMs } from './drained-stream.ts';

/** A batch as count_refusals.lua writes it. */
interface Batch {
  readonly process: string;
  readonly sequence: number;
  readonly counts: readonly Count[];
}

interface Count {
  readonly day: string;
  readonly row: string;
  readonly refused: number;
  readonly lastMs: number;
}

const names = ['day', 'team', 'user_id', 'token', 'endpoint', 'code', 'model', 'limit_name'];
const addRefusals = `INSERT INTO refusal_days AS known (${names.join(', ')}, refused, last_at)
  SELECT ${names.join(', ')}, refused, last_at FROM json_populate_recordset(NULL::refusal_days, $1)
  ON CONFLICT (${names.join(', ')}) DO UPDATE SET
    refused = known.refused + excluded.refused, last_at = greatest(known.last_at, excluded.last_at)`;

/** Counts of refused requests. A process numbers its batches, so the last number tells what is counted here. */
export const drainedRefusals: DrainedStream = {
  name: 'refusals',
  insert: async (queries, elements) => {
    const read = elements.map(readBatch);
    const batches = read.filter((batch) => batch !== null);
    const fresh = await newBatches(queries, batches);
    const counts = fresh.flatMap((batch) => batch.counts);
    await addToDays(queries, counts, await pseudonymsIn(queries));
    return read.length - batches.length;
  },
};

/** Null if it is none. */
export function readBatch(element: Element): Batch | null {
  const process = fieldOf(element, 'p') ?? '';
  const sequence = Number(fieldOf(element, 's'));
  const lines = (fieldOf(element, 'c') ?? '').split('\n');
  const counts: Count[] = [];
  for (let at = 0; at + 3 < lines.length; at += 4) {
    const [day = '', row = '', refused, lastMs] = lines.slice(at, at + 4);
    counts.push({ day, row, refused: Number(refused), lastMs: Number(lastMs) });
  }
  const isBatch = process !== '' && fitsKey([process]) && isFigure(sequence) && counts.every(isCount);
  return isBatch ? { process, sequence, counts } : null;
}

function isCount({ day, row, refused, lastMs }: Count): boolean {
  const dayMs = Date.parse(day);
  const isDay = /^\d{4}-/.test(day) && !Number.isNaN(dayMs) && dayOf(dayMs) === day;
  return isDay && fitsKey([row]) && isFigure(refused) && isFigure(lastMs) && lastMs <= latestMs;
}

/** Those that were not counted yet, which it notes as counted. */
async function newBatches(queries: Queries, batches: readonly Batch[]): Promise<Batch[]> {
  if (batches.length === 0) return [];
  const processes = [...new Set(batches.map(({ process }) => process))];
  const known = await queries.query<{ process: string; sequence: number }>(
    'SELECT process, sequence FROM refusal_batches WHERE process = ANY($1)',
    [processes],
  );
  const last = new Map(known.map(({ process, sequence }) => [process, sequence]));
  const fresh = batches.filter(({ process, sequence }) => {
    if (sequence <= (last.get(process) ?? 0)) return false;
    last.set(process, sequence);
    return true;
  });
  await queries.query(
    `INSERT INTO refusal_batches (process, sequence)
     SELECT * FROM unnest($1::text[], $2::bigint[])
     ON CONFLICT (process) DO UPDATE SET sequence = excluded.sequence, counted_at = now()`,
    [processes, processes.map((process) => last.get(process) ?? 0)],
  );
  return fresh;
}

async function addToDays(
  queries: Queries,
  counts: readonly Count[],
  pseudonymOf: PseudonymOf,
): Promise<void> {
  const days = new Map<string, { refused: number; lastMs: number; as: Record<string, string> }>();
  for (const { day, row, refused, lastMs } of counts) {
    const as = columnsOf(day, row);
    const who = { team: as['team'] ?? '', user: as['user_id'] ?? '' };
    as['user_id'] = pseudonymOf(who, lastMs) ?? who.user;
    const key = JSON.stringify(as);
    const known = days.get(key);
    days.set(key, {
      refused: refused + (known?.refused ?? 0),
      lastMs: Math.max(lastMs, known?.lastMs ?? 0),
      as,
    });
  }
  if (days.size === 0) return;
  const rows = [...days.values()].map(({ refused, lastMs, as }) => ({
    ...as,
    refused,
    last_at: new Date(lastMs).toISOString(),
  }));
  await queries.query(addRefusals, [JSON.stringify(rows)]);
}

function columnsOf(day: string, row: string): Record<string, string> {
  const { team, user, token, endpoint, code, model, limit } = decodeRefusalRow(row);
  const values = [day, team, user, token, endpoint, code, model, limit];
  return Object.fromEntries(names.map((name, n) => [name, values[n] ?? '']));
}
