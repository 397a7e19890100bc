import type { Scope, Window } from '../base/limit.ts';
import type { Grant, LimitState } from './grant.ts';
import type { Adjustment } from './store.ts';
import type { AdmissionStore } from './admission-store.ts';
import { windowStartMs } from './window.ts';

/** A notice is sent when this percentage of a limit is used. */
const levels = [80, 100] as const;
export type NoticeLevel = (typeof levels)[number];

/** A limit per day or month is nearly or completely used up. */
export interface LimitNotice {
  level: NoticeLevel;
  scope: Scope;
  /** Whose limit it is. User and token are null if it is the team's; all are null if it is the gateway's. */
  team: string | null;
  user: string | null;
  token: string | null;
  metric: string;
  window: Window;
  max: number;
  /** When the window ends, ms. */
  resetsAtMs: number;
}

/** Notices this process remembers, so that it asks the store once per window. When it has this many, it forgets all. */
const maxRemembered = 10_000;

/**
 * Gives notice that a limit is 80 or 100 percent used, reservations included. Only one process does so, once per
 * window. Limits of sessions are left out: they are there to be used up, and the store's mark would outlive the
 * session.
 */
export class LimitNotices {
  readonly #store: Pick<AdmissionStore, 'claimNotice'>;
  readonly #notify: (notice: LimitNotice) => void;
  readonly #seen = new Set<string>();

  constructor(store: Pick<AdmissionStore, 'claimNotice'>, notify: (notice: LimitNotice) => void) {
    this.#store = store;
    this.#notify = notify;
  }

  /** Checks the limits of a request that was settled with these corrections. */
  look(grant: Grant, adjustments: readonly Adjustment[]): void {
    for (const state of grant.limits) {
      if (state.scoped.scope === 'session') continue;
      const { span } = state.applied;
      if (span !== 'day' && span !== 'month') continue;
      const correction = adjustments.find(({ id }) => id === state.applied.id)?.delta ?? 0;
      for (const level of reached(state, correction)) this.#notifyOnce(grant, state, { level, window: span });
    }
  }

  #notifyOnce(
    grant: Grant,
    state: LimitState,
    when: Pick<LimitNotice, 'level'> & { window: 'day' | 'month' },
  ): void {
    const { at } = state.counter;
    const notice = `${state.applied.id}:${at}:${when.level}`;
    if (this.#seen.has(notice)) return;
    if (this.#seen.size >= maxRemembered) this.#seen.clear();
    this.#seen.add(notice);
    const resetsAtMs = windowStartMs(when.window, at + 1);
    this.#store.claimNotice(notice, resetsAtMs).then(
      (isFirst) => {
        if (isFirst) this.#notify(noticeOf(grant, state, { ...when, resetsAtMs }));
      },
      () => this.#seen.delete(notice), // the next request tries again
    );
  }
}

/** The levels that a limit has reached. Pure. */
export function reached({ applied, counter }: LimitState, correction: number): NoticeLevel[] {
  const used = counter.used + correction;
  if (applied.max === 0) return [];
  return levels.filter((level) => used * 100 >= applied.max * level);
}

function noticeOf(
  { request }: Grant,
  { scoped: { scope, limit } }: LimitState,
  when: Pick<LimitNotice, 'level' | 'window' | 'resetsAtMs'>,
): LimitNotice {
  const isOf = (...scopes: Scope[]): boolean => scopes.includes(scope);
  return {
    ...when,
    scope,
    team: isOf('gateway') ? null : request.team,
    user: isOf('gateway', 'team') ? null : request.user,
    token: isOf('gateway', 'team', 'user') ? null : request.tokenId,
    metric: limit.metric,
    max: limit.max,
  };
}
