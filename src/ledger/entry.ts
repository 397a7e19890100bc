import { namedFigures, type Figures, type NamedFigures } from '../base/figures.ts';
import type { Outcome } from '../base/outcome.ts';
import { nanoUsdPerUsd } from '../base/price.ts';
import { type Tags, tagsIn } from '../base/tags.ts';

/** The name in totals, and as a filter, of a model that only a caller has named and the upstream never accepted. */
export const unacceptedModel = '(not accepted)';

/** What a ledger entry has in every form. */
interface EntryBase {
  id: string;
  request_id: string;
  team: string;
  user: string;
  token_id: string;
  session_id: string | null;
  /** Whom the session was made for, as told by the site that made it. */
  end_user: string | null;
  endpoint: string;
  /** The model that answered. */
  model: string;
  /** The model that was asked for, if another one answered; else null. */
  model_requested: string | null;
  /** False if only the caller named the model: totals then count it under `unacceptedModel`. */
  model_accepted: boolean;
  status: number;
  outcome: Outcome;
  error_code: string | null;
  usage: 'reported' | 'estimated';
  stream: boolean;
  duration_ms: number;
  ttfb_ms: number | null;
}

/** One admitted request, as `/admin/requests` shows it (contract 1.6). */
export interface LedgerEntry extends EntryBase, NamedFigures {
  tags: Tags | null;
  /** When it was admitted, by the store's clock; RFC 3339 UTC. */
  time: string;
  /** Null if the model has no price. */
  cost_usd: number | null;
}

/** An entry as it is written: its time is a number, because formatting a date costs a third of a microsecond. */
export interface EntryRecord extends EntryBase, Figures {
  /** Its tags, as a text; '' if there are none. */
  tags: string;
  /** By the store's clock, ms. */
  admittedAtMs: number;
  /** Nano-dollars, whole; null if the model has no price. */
  costNanoUsd: number | null;
}

/** The entry as callers see it, its fields in the order of `entryResponse`. */
export function ledgerEntryOf(record: EntryRecord): LedgerEntry {
  return {
    id: record.id,
    request_id: record.request_id,
    time: new Date(record.admittedAtMs).toISOString(),
    team: record.team,
    user: record.user,
    token_id: record.token_id,
    session_id: record.session_id,
    end_user: record.end_user,
    endpoint: record.endpoint,
    model: record.model,
    model_requested: record.model_requested,
    model_accepted: record.model_accepted,
    status: record.status,
    outcome: record.outcome,
    error_code: record.error_code,
    ...namedFigures(record),
    cost_usd: record.costNanoUsd === null ? null : record.costNanoUsd / nanoUsdPerUsd,
    usage: record.usage,
    stream: record.stream,
    duration_ms: record.duration_ms,
    ttfb_ms: record.ttfb_ms,
    tags: tagsIn(record.tags),
  };
}

/** The model that totals count an entry under. */
export function countedModel({ model, model_accepted }: EntryRecord): string {
  return model_accepted ? model : unacceptedModel;
}
