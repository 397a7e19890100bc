import type { Scope, Window } from '../base/limit.ts';
import type { Grant, LimitState } from './grant.ts';
import type { Adjustment } from './store.ts';
import type { AdmissionStore } from './admission-store.ts';
import { windowStartMs } from './window.ts';

/** Percent of a limit at which it is said how much is used. */
const levels = [80, 100] as const;
export type NoticeLevel = (typeof levels)[number];

/** That a day's or month's limit is nearly used up, or is. */
export interface LimitNotice {
  level: NoticeLevel;
  scope: Scope;
  /** Whose limit it is; user and token only where it is theirs. */
  team: string | null;
  user: string | null;
  token: string | null;
  metric: string;
  window: Window;
  max: number;
  /** When the window ends, ms. */
  resetsAtMs: number;
}

/** Remembered in this process, so that the store is asked once a window; beyond this, forgotten. */
const maxRemembered = 10_000;

/**
 * Says once a window, of all processes, that a limit is used by 80 or 100 percent, counting what is reserved. Not of a
 * session's own: a visitor's allowance is there to be used up, and what is remembered of it would outlive the session.
 */
export class LimitNotices {
  readonly #store: Pick<AdmissionStore, 'sayOnce'>;
  readonly #say: (notice: LimitNotice) => void;
  readonly #said = new Set<string>();

  constructor({
    store,
    say,
  }: {
    store: Pick<AdmissionStore, 'sayOnce'>;
    say: (notice: LimitNotice) => void;
  }) {
    this.#store = store;
    this.#say = say;
  }

  /** Looks at the limits of a request that was settled with these corrections. */
  look(grant: Grant, adjustments: readonly Adjustment[]): void {
    for (const state of grant.limits) {
      const { span } = state.applied;
      if ((span !== 'day' && span !== 'month') || state.scoped.scope === 'session') continue;
      const correction = adjustments.find(({ id }) => id === state.applied.id)?.delta ?? 0;
      for (const level of reached(state, correction)) this.#sayOnce(grant, state, level);
    }
  }

  #sayOnce(grant: Grant, state: LimitState, level: NoticeLevel): void {
    const { id, span } = state.applied;
    if (span !== 'day' && span !== 'month') return;
    const what = `${id}:${state.counter.index}:${level}`;
    if (this.#said.has(what)) return;
    if (this.#said.size >= maxRemembered) this.#said.clear();
    this.#said.add(what);
    const resetsAtMs = windowStartMs(span, state.counter.index + 1);
    this.#store.sayOnce(what, resetsAtMs).then(
      (first) => {
        if (first) this.#say(noticeOf(grant, state, { level, window: span, resetsAtMs }));
      },
      () => this.#said.delete(what), // the next request tries again
    );
  }
}

/** The levels a limit has come to. Pure. */
export function reached({ applied, counter }: LimitState, correction: number): NoticeLevel[] {
  const used = counter.current + correction;
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
