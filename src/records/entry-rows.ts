import { figures, type FigureField, type FigureName } from '../base/figures.ts';
import { type EntryRecord, type LedgerEntry, ledgerEntryOf, unacceptedModel } from '../ledger/entry.ts';
import type { EntryQuery } from '../ledger/ledger.ts';
import { idParts } from './checkpoint.ts';
import { Conditions } from './conditions.ts';
import type { Queries } from './database.ts';
import type { PlacedRow } from './joined-page.ts';

/** A row of `entries`. */
interface EntryRow extends Record<FigureName, number> {
  closed_ms: number;
  closed_seq: number;
  admitted_at: Date;
  id: string;
  request_id: string;
  team: string;
  user_id: string;
  token: string;
  session: string | null;
  end_user: string | null;
  endpoint: string;
  model: string;
  model_requested: string | null;
  model_accepted: boolean;
  status: number;
  outcome: EntryRecord['outcome'];
  error_code: string | null;
  usage: EntryRecord['usage'];
  stream: boolean;
  duration_ms: number;
  ttfb_ms: number | null;
  cost_nano_usd: number | null;
}

/** The columns of filters, but for the model. */
const filterColumns = {
  team: 'team',
  user: 'user_id',
  token: 'token',
  session: 'session',
  end_user: 'end_user',
  endpoint: 'endpoint',
  outcome: 'outcome',
};

/** A page of entries, the last closed first. Rejects with `RecordsUnavailable`. */
export async function recordedEntries(
  queries: Queries,
  { filters, teams, admitted, cursor, limit }: EntryQuery,
): Promise<PlacedRow<LedgerEntry>[]> {
  const { model, ...others } = filters;
  const conditions = new Conditions().equal(filterColumns, others);
  if (model === unacceptedModel) conditions.add('NOT model_accepted');
  else if (model !== undefined) conditions.add('model = ? AND model_accepted', model);
  if (teams !== undefined) conditions.add('team = ANY(?)', teams);
  if (admitted?.fromMs !== undefined) conditions.add('admitted_at >= ?', new Date(admitted.fromMs));
  if (admitted?.beforeMs !== undefined) conditions.add('admitted_at < ?', new Date(admitted.beforeMs));
  if (cursor !== null) {
    const { ms, seq } = idParts(cursor);
    conditions.add('(closed_ms, closed_seq) < (?, ?)', ms, seq);
  }
  const rows = await queries.query<EntryRow>(
    `SELECT * FROM entries ${conditions.where} ORDER BY closed_ms DESC, closed_seq DESC LIMIT ${limit}`,
    conditions.values,
  );
  return rows.map((row) => ({
    cursor: `${row.closed_ms}-${row.closed_seq}`,
    row: ledgerEntryOf(entryOf(row)),
  }));
}

function entryOf(row: EntryRow): EntryRecord {
  const measured = Object.fromEntries(figures.map(({ field, name }) => [field, row[name]]));
  return {
    id: row.id,
    request_id: row.request_id,
    team: row.team,
    user: row.user_id,
    token_id: row.token,
    session_id: row.session,
    end_user: row.end_user,
    endpoint: row.endpoint,
    model: row.model,
    model_requested: row.model_requested,
    model_accepted: row.model_accepted,
    status: row.status,
    outcome: row.outcome,
    error_code: row.error_code,
    ...(measured as Record<FigureField, number>), // has every field
    usage: row.usage,
    stream: row.stream,
    duration_ms: row.duration_ms,
    ttfb_ms: row.ttfb_ms,
    admittedAtMs: row.admitted_at.getTime(),
    costNanoUsd: row.cost_nano_usd,
  };
}
