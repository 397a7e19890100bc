import type { Outcome } from '../base/outcome.ts';

/** A model's name in totals, and as a filter, where only a caller has said it and the upstream never accepted it. */
export const unacceptedModel = '(not accepted)';

/** One admitted request, as `/admin/requests` shows it: contract 1.6. */
export interface LedgerEntry {
  id: string;
  request_id: string;
  /** When it was admitted, by the store's clock; RFC 3339 UTC. */
  time: string;
  team: string;
  user: string;
  token_id: string;
  session_id: string | null;
  /** Whom the session was made for, as the site that made it says. */
  end_user: string | null;
  endpoint: string;
  model: string;
  /** The model that was asked for, where another one answered. */
  model_requested?: string | null;
  /** False where only the caller said the model's name: totals count it under `unacceptedModel`. Absent: true. */
  model_accepted?: boolean;
  status: number;
  outcome: Outcome;
  error_code: string | null;
  input_tokens: number;
  output_tokens: number;
  images: number;
  /** What a rerank is billed in. */
  search_units: number;
  /** Null where the model has no price. */
  cost_usd: number | null;
  usage: 'reported' | 'estimated';
  stream: boolean;
  duration_ms: number;
  ttfb_ms: number | null;
}

/** An entry as it is written: its time a number, since a date in words costs a third of a microsecond a request. */
export interface EntryRecord extends Omit<LedgerEntry, 'time' | 'cost_usd'> {
  /** Nano-dollars, whole. */
  costNanoUsd: number | null;
  /** By the store's clock, ms. */
  admittedAtMs: number;
}

/** In the order in which the store keeps them; money is kept in nano-dollars. */
export const usageFigures = [
  'requests',
  'input_tokens',
  'output_tokens',
  'images',
  'errors',
  'aborted',
  'lost',
  'cost_usd',
  'search_units',
] as const;
export type UsageFigures = Record<(typeof usageFigures)[number], number>;

export const usageGroups = ['day', 'team', 'user', 'token', 'model', 'endpoint'] as const;
export type UsageGroup = (typeof usageGroups)[number];

export interface UsageQuery {
  /** Whole UTC days, `YYYY-MM-DD`, both included. */
  from: string;
  to: string;
  filters: Partial<Record<Exclude<UsageGroup, 'day'>, string>>;
  groupBy: readonly UsageGroup[];
  /** These teams alone, whatever the filters say; absent: all. */
  teams?: readonly string[];
}

export type UsageRow = Partial<Record<UsageGroup, string>> & UsageFigures;

export interface EntryQuery {
  /** Plain text, compared whole. A model is the one the totals count the request under. */
  filters: Partial<
    Record<'team' | 'user' | 'token' | 'session' | 'end_user' | 'model' | 'endpoint' | 'outcome', string>
  >;
  /** By when it was admitted, ms since the epoch. */
  admitted?: { fromMs?: number | undefined; beforeMs?: number | undefined };
  limit: number;
  /** From `next_cursor` of the page before; null for the first page. */
  cursor: string | null;
  /** These teams alone, whatever the filters say; absent: all. */
  teams?: readonly string[];
}

/** Reading the ledger back. Methods reject with `StoreUnavailable`. */
export interface LedgerReader {
  usage(query: UsageQuery): Promise<UsageRow[]>;
  /** Newest closed first. A page may be short, or empty, while there are more: `next_cursor` says so. */
  entries(query: EntryQuery): Promise<{ data: LedgerEntry[]; next_cursor: string | null }>;
  /** How many entries are kept, and since when (ms since the epoch; null where there are none): older ones were trimmed. */
  extent(): Promise<{ entries: number; oldestAtMs: number | null }>;
}
