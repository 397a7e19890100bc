import type { GatewayEvent } from '../base/event.ts';
import { isOfVisitor, onlyObserves, type Scope, type Window } from '../base/limit.ts';
import { type Grant, type LimitState, maxOf } from './grant.ts';
import { unitOf, useOf } from './limit-status.ts';
import type { LimitWatch, Settled } from './store.ts';
import { windowStartMs } from './window.ts';

/** A limit per day or month has reached a level. */
export interface LimitNotice {
  /** Percent. */
  level: number;
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

/** What this process knows of a limit in a window. */
interface Watched {
  at: number;
  /** With raises, in the store's unit. */
  max: number;
  observes: true | undefined;
  /** Those that may not be told yet, highest first. */
  levels: readonly number[];
  /** Null if none is left. */
  watch: LimitWatch | null;
}

/** Limits that this process remembers. When it has this many, it forgets all: the store knows what was told. */
const maxRemembered = 10_000;
/** Marks outlive their window by so long: what settles late must not tell a level again. */
const lateMs = 3_600_000;

/**
 * Has the store tell that a limit per day or month has reached a level, in the step that settles a request: once in its
 * window. Only what settled requests have used counts: most of what is reserved is given back. The sum of it is known to
 * the store alone, so each settlement takes along what is to be told, until this process hears that it was. Limits of
 * sessions and of end users are left out: they are there to be used up, and the store's marks would outlive a session.
 */
export class LimitWatches {
  readonly #levels: readonly number[];
  readonly #notify: (notice: LimitNotice) => void;
  readonly #known = new Map<string, Watched>();

  /** `notify`: called if a settlement of this process has told a level. */
  constructor(levels: readonly number[], notify: (notice: LimitNotice) => void) {
    this.#levels = levels.toSorted((a, b) => b - a);
    this.#notify = notify;
  }

  /** Gives the limits of a grant that is to be settled their watches. */
  put(grant: Grant): void {
    for (const state of grant.limits) {
      const { span } = state.applied;
      if ((span !== 'day' && span !== 'month') || isOfVisitor(state.scoped.scope)) continue;
      const { watch } = this.#watched(grant, state, span);
      // Requests are not estimated: what was used when this one was admitted is what it can reach.
      const isReached = state.scoped.limit.metric !== 'requests' || state.counter.used >= (watch?.least ?? 0);
      if (watch !== null && isReached) state.watch = watch;
    }
  }

  /** Takes what the store told of the settlement. */
  look(grant: Grant, settled: Settled): void {
    if (settled === null) return;
    for (const { id, at, level, isFirst } of settled) {
      const state = grant.limits.find(({ applied }) => applied.id === id);
      const { span } = state?.applied ?? {};
      if (state === undefined || (span !== 'day' && span !== 'month')) continue;
      const known = this.#known.get(id);
      const isHigher = (each: number): boolean => each > level;
      if (known?.at === at)
        this.#know(grant, state, { ...known, span, levels: known.levels.filter(isHigher) });
      if (isFirst) this.#notify({ level, ...noticeOf(grant, state, span) });
    }
  }

  #watched(grant: Grant, state: LimitState, span: 'day' | 'month'): Watched {
    const { at } = state.counter;
    const { id, observes } = state.applied;
    const max = maxOf(state);
    const known = this.#known.get(id);
    if (known?.at === at && known.max === max && known.observes === observes) return known;
    // What was told of a window stays told when its maximum changes.
    const levels = known?.at === at ? known.levels : this.#levels;
    return this.#know(grant, state, { at, max, observes, span, levels });
  }

  #know(
    grant: Grant,
    state: LimitState,
    { span, ...of }: Omit<Watched, 'watch'> & { span: 'day' | 'month' },
  ): Watched {
    if (this.#known.size >= maxRemembered) this.#known.clear();
    const watched = { ...of, watch: watchOf(noticeOf(grant, state, span), state, of) };
    this.#known.set(state.applied.id, watched);
    return watched;
  }
}

type Notice = Omit<LimitNotice, 'level'>;

/** The text for settle.lua: see its header. */
function watchOf(
  notice: Notice,
  state: LimitState,
  { at, max, levels }: Pick<Watched, 'at' | 'max' | 'levels'>,
): LimitWatch | null {
  const lowest = levels.at(-1);
  if (lowest === undefined || max === 0) return null; // nothing can be used of a limit of 0
  const least = (level: number): number => Math.ceil((max * level) / 100);
  const untilMs = notice.resetsAtMs + lateMs;
  const reached = levels.map((level) => `${level}:${least(level)}`).join();
  const unit = unitOf(state) === 1 ? 'u' : 'n';
  const data = JSON.stringify(eventData(notice, state));
  return { least: least(lowest), text: `${state.applied.id}:${at} ${untilMs} ${unit} ${reached} ${data}` };
}

/** The event but for what only the store knows. */
function eventData(
  { scope, user, token, resetsAtMs }: Notice,
  state: LimitState,
): Omit<GatewayEvent<'limit.reached'>['data'], 'level' | 'used'> {
  const { limit } = state.scoped;
  return {
    scope: scope as GatewayEvent<'limit.reached'>['data']['scope'],
    user,
    token,
    metric: limit.metric,
    window: limit.metric === 'concurrency' ? null : limit.window,
    max: maxOf(state) / unitOf(state),
    ...(limit.models === undefined ? {} : { models: limit.models }),
    enforced: !onlyObserves(limit),
    resets_at: new Date(resetsAtMs).toISOString(),
  };
}

function noticeOf({ request }: Grant, state: LimitState, window: 'day' | 'month'): Notice {
  const { scope, limit } = state.scoped;
  const { raised_by: raisedBy } = useOf(state);
  const isOf = (...scopes: Scope[]): boolean => scopes.includes(scope);
  return {
    scope,
    team: isOf('gateway') ? null : request.team,
    user: isOf('gateway', 'team') ? null : request.user,
    token: isOf('gateway', 'team', 'user') ? null : request.tokenId,
    metric: limit.metric,
    window,
    max: limit.max,
    ...(raisedBy === undefined ? {} : { raised_by: raisedBy }),
    ...(onlyObserves(limit) ? { enforce: false } : {}),
    resetsAtMs: windowStartMs(window, state.counter.at + 1),
  };
}
