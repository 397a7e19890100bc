import { isOfVisitor, onlyObserves, type Scope, type Window } from '../base/limit.ts';
import { type Grant, type LimitState, maxOf } from './grant.ts';
import { useOf } from './limit-status.ts';
import type { Settled } from './store.ts';
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
  /** What raises add to `max` now; absent: nothing. */
  raised_by?: number;
  /** False: it only observes; absent: it holds. */
  enforce?: false;
  /** When the window ends, ms. */
  resetsAtMs: number;
}

/** Notices this process remembers, so that it asks the store once per window. When it has this many, it forgets all. */
const maxRemembered = 10_000;

/**
 * Gives notice that a limit is 80 or 100 percent used by requests that are settled. What is only reserved does not count:
 * most of it is given back. Only one process gives notice, once per window. Limits of sessions and of end
 * users are left out: they are there to be used up, and the store's marks would outlive a session.
 */
export class LimitNotices {
  readonly #store: Pick<AdmissionStore, 'claimNotice'>;
  readonly #notify: (notice: LimitNotice) => void;
  readonly #seen = new Set<string>();

  constructor(store: Pick<AdmissionStore, 'claimNotice'>, notify: (notice: LimitNotice) => void) {
    this.#store = store;
    this.#notify = notify;
  }

  /** Checks the limits of a request that was settled, of which the store told this. */
  look(grant: Grant, settled: Settled): void {
    for (const state of grant.limits) {
      if (isOfVisitor(state.scoped.scope)) continue;
      const { span } = state.applied;
      if (span !== 'day' && span !== 'month') continue;
      const used = settledUse(state, settled ?? []);
      for (const level of reached(used, maxOf(state)))
        this.#notifyOnce(grant, state, { level, window: span });
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

/** How much of a limit is used by settled requests, as far as this settlement tells. Requests are not estimated. */
function settledUse({ scoped, applied, counter }: LimitState, settled: NonNullable<Settled>): number {
  const told = settled.find(({ id }) => id === applied.id);
  if (scoped.limit.metric !== 'requests') return told?.used ?? 0;
  return told ? 0 : counter.used; // it was corrected only if it was given back
}

/** The levels that a limit has reached. Pure. */
export function reached(used: number, max: number): NoticeLevel[] {
  if (max === 0) return [];
  return levels.filter((level) => used * 100 >= max * level);
}

function noticeOf(
  { request }: Grant,
  state: LimitState,
  when: Pick<LimitNotice, 'level' | 'window' | 'resetsAtMs'>,
): LimitNotice {
  const { scope, limit } = state.scoped;
  const { raised_by: raisedBy } = useOf(state);
  const isOf = (...scopes: Scope[]): boolean => scopes.includes(scope);
  return {
    ...when,
    scope,
    team: isOf('gateway') ? null : request.team,
    user: isOf('gateway', 'team') ? null : request.user,
    token: isOf('gateway', 'team', 'user') ? null : request.tokenId,
    metric: limit.metric,
    max: limit.max,
    ...(raisedBy === undefined ? {} : { raised_by: raisedBy }),
    ...(onlyObserves(limit) ? { enforce: false } : {}),
  };
}
