import type { Counter, Span } from './window.ts';

/** One limit a request is checked against, and how much of it the request reserves. */
export interface AppliedLimit {
  id: string;
  span: Span;
  amount: number;
  max: number;
}

export interface AdmitRequest {
  /** Unique in the store's life; makes admitting and settling idempotent. */
  grant: string;
  team: string;
  /** The epoch of the identity the request was checked with. */
  epoch: string;
  /** By the store's clock: later than this nobody waits for the answer any more (invariant 4). */
  notAfterMs: number;
  /** The session it comes from, which must be there still; null for a user's token. */
  session: string | null;
  /** When the token expires, by the store's clock; Infinity if never. */
  expiresAtMs: number;
  /** What a sweeper needs to close it as lost: `open-record.ts`. */
  record: string;
  limits: readonly AppliedLimit[];
}

/** `counters` are in the order of the request's limits, after the request was counted, or as found when denied. */
export type Decision =
  | { kind: 'admitted'; counters: readonly Counter[] }
  | { kind: 'denied'; counters: readonly Counter[] }
  /** The team changed since the identity was read, or the session is gone: read it again. */
  | { kind: 'stale' }
  | { kind: 'expired' }
  | { kind: 'late' };

export type AdmitReply =
  | { kind: 'decided'; nowMs: number; incarnation: string; decisions: readonly Decision[] }
  /** The process has no fresh heartbeat in the store, so nothing of it may be admitted (invariant 2). */
  | { kind: 'unknown_process' };

/** A correction of a counter in the window where the amount was reserved. */
export interface Adjustment {
  id: string;
  index: number;
  delta: number;
}

/** A row of a day's totals and what to add to it, in the order of `usageFigures`. */
export interface TotalsDelta {
  /** `YYYY-MM-DD`, UTC. */
  day: string;
  /** Unix time, s: from here the days are counted for which it is kept. */
  dayEndsAtS: number;
  row: string;
  figures: readonly number[];
}

export interface Settlement {
  grant: string;
  /** The store's incarnation when the grant was given. */
  incarnation: string;
  team: string;
  adjustments: readonly Adjustment[];
  /** Null for a cancelled admission: given back without a trace. */
  closing: { entry: string; totals: TotalsDelta } | null;
}

export interface OpenRecord {
  grant: string;
  admittedAtMs: number;
  record: string;
}

export interface Beat {
  nowMs: number;
  incarnation: string;
  /** Processes whose heartbeat is older than the lease. */
  silent: readonly string[];
}
