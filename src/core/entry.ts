export type Outcome = 'ok' | 'error' | 'aborted' | 'lost';

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
  status: number;
  outcome: Outcome;
  error_code: string | null;
  input_tokens: number;
  output_tokens: number;
  images: number;
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
}

export type UsageRow = Partial<Record<UsageGroup, string>> & UsageFigures;

export interface EntryQuery {
  filters: Partial<
    Record<'team' | 'user' | 'token' | 'session' | 'end_user' | 'model' | 'endpoint' | 'outcome', string>
  >;
  limit: number;
  /** From `next_cursor` of the page before; null for the first page. */
  cursor: string | null;
}

/** Reading the ledger back. Methods reject with `StoreUnavailable`. */
export interface LedgerReader {
  usage(query: UsageQuery): Promise<UsageRow[]>;
  /** Newest closed first. */
  entries(query: EntryQuery): Promise<{ data: LedgerEntry[]; next_cursor: string | null }>;
  /** How many entries are kept, and since when (ms since the epoch; null where there are none): older ones were trimmed. */
  extent(): Promise<{ entries: number; oldestAtMs: number | null }>;
}
