import { figures, type FigureField, type FigureName } from '../base/figures.ts';
import { type EntryRecord, type LedgerEntry, ledgerEntryOf } from '../ledger/entry.ts';
import type { PlacedRow } from './joined-page.ts';

/** A row of the table `entries`. */
export interface EntryRow extends Record<FigureName, number> {
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
  tags: string | null;
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

/** An entry with the id of its element in the store's stream. */
export function placedEntry(row: EntryRow): PlacedRow<LedgerEntry> {
  return { cursor: `${row.closed_ms}-${row.closed_seq}`, row: ledgerEntryOf(entryOf(row)) };
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
    tags: row.tags ?? '',
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
