import type { AttemptBound, Raise } from '../base/limit.ts';
import type { Counter, Span } from './window.ts';

/** A limit that applies to a request, and how much of it the request reserves. */
export interface AppliedLimit {
  id: string;
  span: Span;
  amount: number;
  /** Without what raises it. */
  max: number;
  /** Each adds to `max` while it lasts; absent: none. */
  raises?: readonly Raise[];
  /** It counts the request, whether or not it has room; absent: it holds. */
  observes?: true;
}

export interface AdmitRequest {
  /** Unique for the store's lifetime. Makes admitting and settling idempotent. */
  grant: string;
  team: string;
  /** The epoch at which the caller's identity was read. */
  epoch: string;
  /** By the store's clock. After this time nobody waits for the answer, so nothing is admitted (invariant 4). */
  notAfterMs: number;
  /** The caller's session, which must still exist; null for a user's token. */
  session: string | null;
  /** When the token expires, by the store's clock; Infinity if never. */
  expiresAtMs: number;
  /** What another process needs to close it as lost: see `open-record.ts`. */
  record: string;
  limits: readonly AppliedLimit[];
  /** Bounds on requests that were refunded; absent: none. */
  attempts?: readonly AttemptBound[];
  /** Its Idempotency-Key: the key's id and the call's fingerprint, with a space between them. Absent: none. */
  keyed?: string;
}

/** `counters` are in the order of the request's limits, of now. If it was admitted, they include it. */
export type Decision =
  /** `after`: attempts with its Idempotency-Key that broke, as `keyed-attempts.ts` has them; absent: none. */
  | { kind: 'admitted'; counters: readonly Counter[]; after?: string }
  | { kind: 'denied'; counters: readonly Counter[] }
  /** The team has changed since the identity was read, or the session is gone: read the identity again. */
  | { kind: 'stale' }
  | { kind: 'expired' }
  /** Too many others were refunded: the n-th bound of `attempts` has room again at `fitsMs`. */
  | { kind: 'attempts'; bound: number; fitsMs: number }
  | { kind: 'late' }
  /** Its Idempotency-Key is in use: by a call that is running, or by another one than this. */
  | { kind: 'in_progress' }
  | { kind: 'key_reused' }
  /** It was answered. `answer`: the sealed answer; null if that is not kept. */
  | { kind: 'answered'; attempts: string; answer: string | null };

export type AdmitReply =
  | {
      kind: 'decided';
      nowMs: number;
      incarnation: string;
      decisions: readonly Decision[];
      /** How many counters of end users were dropped, although they still counted, to make room; absent: none. */
      evicted?: number;
    }
  /** The store has no recent heartbeat of this process, so it may not admit anything (invariant 2). */
  | { kind: 'unknown_process' };

/** Corrects a limit's counter where the amount was reserved. */
export interface Adjustment {
  id: string;
  span: Span;
  /** As `Counter.at` is for what was reserved then. */
  at: number;
  delta: number;
  /** What the request is charged in all. Only limits of a day and a month need it, for their levels. */
  charged?: number;
  /** If levels of the limit are to be told; absent: none are. */
  watch?: LimitWatch;
  /** Of a limit that counts requests and has a watch: what was used of it when the request was admitted. */
  usedAtMost?: number;
}

/** What the store needs to know to tell that a limit has reached a level in a window: see `limit-watches.ts`. */
export interface LimitWatch {
  /** How much use reaches the lowest level that may not be told yet. */
  readonly least: number;
  /** The rest, as settle.lua reads it. */
  readonly text: string;
}

/** That a limit has reached a level, in percent. */
export interface ReachedLevel {
  /** The limit's id, and the window's number. */
  id: string;
  at: number;
  level: number;
  /** It is told by this settlement; false: it had been told. */
  isFirst: boolean;
}

/** What closing a grant tells: levels of limits with a watch that it has reached; null if the grant was closed already. */
export type Settled = readonly ReachedLevel[] | null;

/** What to add to a row of a day's totals, in the order of `usageFigures`. */
export interface TotalsDelta {
  /** `YYYY-MM-DD`, UTC. */
  day: string;
  /** Unix time, s. The retention begins here. */
  dayEndsAtS: number;
  /** Its name. With tags or an end user, a group separator (0x1d), the tags, a tab and the end user follow. */
  row: string;
  figures: readonly number[];
}

export interface Settlement {
  grant: string;
  /** The store's incarnation when the grant was given. */
  incarnation: string;
  team: string;
  adjustments: readonly Adjustment[];
  /** What limits of a day or month are charged, if records are kept: see `recorded-charges.ts`. Absent: nothing. */
  charges?: string;
  /** The upstream had the request, and it is refunded: counted there. Absent: nowhere. */
  refundedTo?: readonly AttemptBound[];
  /** What becomes of its Idempotency-Key; absent if it has none. */
  keyed?: KeyedEnd;
  /** Null for a cancelled admission, which leaves no entry. */
  closing: { entry: string; totals: TotalsDelta } | null;
}

/** What becomes of an Idempotency-Key, or of a response's items. */
export interface KeyedEnd {
  /** As in `AdmitRequest`. */
  key: string;
  /**
   * Free: the key may be used as if it had never been. Broken: the call may be tried again, and is told of this attempt.
   * Items: there is no such key; the items of a response are kept under the id of theirs.
   */
  as: 'free' | 'broken' | 'answered' | 'items';
  /** As `keyed-attempts.ts` has it; `-` if it is free. */
  attempt: string;
  /** The sealed answer or items; `''` if it is not kept. */
  answer: string;
}

export interface OpenRecord {
  grant: string;
  admittedAtMs: number;
  record: string;
}

export interface Beat {
  nowMs: number;
  incarnation: string;
  /** The epoch of the prices that the API has set; '' if it never set one. */
  prices: string;
  /** Processes whose heartbeat is older than the lease. */
  silent: readonly string[];
}
