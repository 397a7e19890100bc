import { dayOf } from '../base/days.ts';
import { figures } from '../base/figures.ts';
import { decodeEntry } from '../ledger/entry-text.ts';
import { countedModel, type EntryRecord } from '../ledger/entry.ts';
import { totalsFigures } from '../ledger/totals.ts';
import { addCharges } from './charges.ts';
import { idParts } from './checkpoint.ts';
import type { Queries } from './database.ts';
import { type PseudonymOf, pseudonymsIn } from './erasures.ts';
import type { Element } from './drained-store.ts';
import type { Partitions } from './partitions.ts';
import { type DrainedStream, fieldOf, fitsKey, isFigure, latestMs } from './drained-stream.ts';
import { usageColumns } from './sum-tables.ts';

type Row = Readonly<Record<string, string | number | boolean | null>>;

/** One element, decoded. */
interface Read {
  readonly entry: EntryRecord;
  readonly row: Row;
  readonly charges: string;
}

const figureColumns = figures.map(({ name }) => name);
const columns = [
  'admitted_at',
  'id',
  'closed_ms',
  'closed_seq',
  'status',
  'model_accepted',
  'stream',
  'duration_ms',
  'ttfb_ms',
  'cost_nano_usd',
  ...figureColumns,
  'request_id',
  'team',
  'user_id',
  'token',
  'session',
  'end_user',
  'tags',
  'endpoint',
  'model',
  'model_requested',
  'outcome',
  'error_code',
  'usage',
];
const insertEntries = `INSERT INTO entries (${columns.join(', ')})
  SELECT ${columns.join(', ')} FROM json_populate_recordset(NULL::entries, $1)
  ON CONFLICT DO NOTHING RETURNING id, admitted_at`;

const rowColumns = ['day', 'team', 'user_id', 'token', 'model', 'endpoint'];
const addSums = `INSERT INTO usage_days AS known (${[...rowColumns, ...usageColumns].join(', ')})
  SELECT ${[...rowColumns, ...usageColumns].join(', ')} FROM json_populate_recordset(NULL::usage_days, $1)
  ON CONFLICT (${rowColumns.join(', ')}) DO UPDATE SET
  ${usageColumns.map((name) => `${name} = known.${name} + excluded.${name}`).join(', ')}`;

/**
 * Entries of the ledger. An element may also have only what a supplement was charged: then it has no entry. `partitions`
 * makes room for months.
 */
export function drainedEntries(partitions: Pick<Partitions, 'cover'>): DrainedStream {
  return {
    name: 'entries',
    prepare: async (elements, lock) => {
      const times = elements.flatMap((element) => readEntry(element)?.entry.admittedAtMs ?? []);
      await partitions.cover([...new Set(times.map(dayOf))], lock);
    },
    insert: async (queries, elements) => {
      const { read, supplements, unreadable } = sorted(elements);
      const inserted = await insertNew(queries, withPseudonyms(read, await pseudonymsIn(queries)));
      await addToDays(queries, inserted);
      await addCharges(queries, [...inserted.map(chargesOf), ...supplements]);
      return unreadable;
    },
  };
}

function withPseudonyms(read: readonly Read[], pseudonymOf: PseudonymOf): readonly Read[] {
  return read.map((each) => {
    const pseudonym = pseudonymOf(each.entry, each.entry.admittedAtMs);
    return pseudonym === null ? each : { ...each, row: { ...each.row, user_id: pseudonym, end_user: null } };
  });
}

function chargesOf({ entry: { team }, charges }: Read): { team: string; charges: string } {
  return { team, charges };
}

function sorted(elements: readonly Element[]) {
  const read: Read[] = [];
  const supplements: { team: string; charges: string }[] = [];
  let unreadable = 0;
  for (const element of elements) {
    const team = fieldOf(element, 't');
    const entry = team === undefined ? readEntry(element) : null;
    if (entry !== null) read.push(entry);
    else if (team !== undefined && fitsKey([team]))
      supplements.push({ team, charges: fieldOf(element, 'c') ?? '' });
    else unreadable += 1;
  }
  return { read, supplements, unreadable };
}

/** Null if it is no entry that this gateway can have written. */
export function readEntry(element: Element): Read | null {
  const text = fieldOf(element, 'e');
  if (text === undefined) return null;
  const entry = decodeEntry(text);
  const numbers = [
    entry.admittedAtMs,
    entry.status,
    entry.duration_ms,
    entry.ttfb_ms ?? 0,
    entry.costNanoUsd ?? 0,
    ...figures.map(({ field }) => entry[field]),
  ];
  const { id, team, user, token_id, model, endpoint, session_id, end_user } = entry;
  const keys = [id, team, user, token_id, model, endpoint];
  const isEntry = id !== '' && team !== '' && numbers.every(isFigure) && fitsKey(keys);
  const isIndexed = fitsKey([session_id, end_user]);
  if (!isEntry || !isIndexed || entry.admittedAtMs > latestMs || entry.status > 999) return null;
  return { entry, row: rowOf(entry, element.id), charges: fieldOf(element, 'c') ?? '' };
}

function rowOf(entry: EntryRecord, id: string): Row {
  const { ms, seq } = idParts(id);
  const row: Record<string, string | number | boolean | null> = {
    admitted_at: new Date(entry.admittedAtMs).toISOString(),
    id: entry.id,
    closed_ms: ms,
    closed_seq: seq,
    status: entry.status,
    model_accepted: entry.model_accepted,
    stream: entry.stream,
    duration_ms: entry.duration_ms,
    ttfb_ms: entry.ttfb_ms,
    cost_nano_usd: entry.costNanoUsd,
    request_id: entry.request_id,
    team: entry.team,
    user_id: entry.user,
    token: entry.token_id,
    session: entry.session_id,
    end_user: entry.end_user,
    tags: entry.tags || null,
    endpoint: entry.endpoint,
    model: entry.model,
    model_requested: entry.model_requested,
    outcome: entry.outcome,
    error_code: entry.error_code,
    usage: entry.usage,
  };
  for (const { field, name } of figures) row[name] = entry[field];
  return row;
}

/** Those that Postgres did not have. */
async function insertNew(queries: Queries, read: readonly Read[]): Promise<Read[]> {
  if (read.length === 0) return [];
  const byKey = new Map<string, Read>();
  // A settlement that was sent again to a store that had forgotten it may be there twice: the first one counts.
  for (const each of read) {
    const key = keyOf(String(each.row['id']), each.entry.admittedAtMs);
    if (!byKey.has(key)) byKey.set(key, each);
  }
  const rows = JSON.stringify([...byKey.values()].map(({ row }) => row));
  const inserted = await queries.query<{ id: string; admitted_at: Date }>(insertEntries, [rows]);
  return inserted.flatMap(({ id, admitted_at: at }) => byKey.get(keyOf(id, at.getTime())) ?? []);
}

function keyOf(id: string, admittedAtMs: number): string {
  return `${admittedAtMs} ${id}`;
}

/** Adds entries to the sums of their days. */
async function addToDays(queries: Queries, read: readonly Read[]): Promise<void> {
  const days = new Map<string, Record<string, string | number>>();
  for (const { entry, row } of read) {
    const { team, user_id, token, endpoint } = row;
    const name = [dayOf(entry.admittedAtMs), team, user_id, token, countedModel(entry), endpoint];
    const key = JSON.stringify(name);
    const day = days.get(key) ?? newDay(name.map(String));
    days.set(key, day);
    totalsFigures(entry).forEach((figure, n) => {
      const column = usageColumns[n] ?? '';
      day[column] = Number(day[column]) + figure;
    });
  }
  if (days.size > 0) await queries.query(addSums, [JSON.stringify([...days.values()])]);
}

function newDay(name: readonly string[]): Record<string, string | number> {
  const named = rowColumns.map((column, n) => [column, name[n] ?? ''] as const);
  return Object.fromEntries([...named, ...usageColumns.map((column) => [column, 0] as const)]);
}
