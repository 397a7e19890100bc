import type { Principal, ScopedLimit } from '../identity/records/identity.ts';
import {
  type AttemptBound,
  type CountedLimit,
  isOfVisitor,
  onlyObserves,
  type Raise,
  type StoredLimit,
} from '../base/limit.ts';
import type { Charge } from '../base/outcome.ts';
import { costNanoUsd, nanoUsdPerUsd, type Price } from '../base/price.ts';
import { Refusal } from '../base/refusal.ts';
import type { ValidRequest } from '../base/request.ts';
import { hasTags } from '../base/tags.ts';
import type { IdempotencyKey } from './idempotency-key.ts';
import type { OpenRequest } from './open-record.ts';
import type { AppliedLimit, LimitWatch } from './store.ts';
import type { Counter } from './window.ts';

/** A limit that applies to a request, with its counter. Headers, refusals and `/v1/me` are made from it. */
export interface LimitState {
  scoped: ScopedLimit;
  applied: AppliedLimit;
  counter: Counter;
  /** What raises it as of the counter: by how much in all, and when the first of these raises ends. Absent: nothing. */
  raised?: Raise;
  /** If its settlement may reach a level that is to be told; absent: none. */
  watch?: LimitWatch;
}

/** The permission to send one request. It must be settled exactly once. */
export interface Grant {
  id: string;
  /** The store's incarnation when the grant was given. */
  incarnation: string;
  /** By the store's clock, ms. */
  admittedAtMs: number;
  /** Every limit that applies, as it stood after this request was counted. */
  limits: readonly LimitState[];
  request: OpenRequest;
  /** The bounds that count it if it is refunded. */
  attempts: readonly AttemptBound[];
  /** The model's price; null if it has none. */
  price: Price | null;
  /** The call's Idempotency-Key; null: none. */
  key: IdempotencyKey | null;
  /** Attempts with that key that broke, as the store tells them; `''` or absent: none. */
  after?: string;
}

/** The limits of a caller that count a request with these tags. */
export function limitsTagged(
  { limits, tags: { inLimits } }: Pick<Principal, 'limits' | 'tags'>,
  tags: string,
): readonly ScopedLimit[] {
  if (!inLimits) return limits;
  return limits.filter(({ limit }) => limit.tags === undefined || hasTags(tags, limit.tags));
}

/** The limits that count a request for `model` at `endpoint`, of those that count its tags. */
export function limitsOn(
  limits: readonly ScopedLimit[],
  { model, endpoint }: { model: string; endpoint: string },
): readonly ScopedLimit[] {
  const isFor = ({ limit: { models, endpoints } }: ScopedLimit): boolean =>
    (models?.includes(model) ?? true) && (endpoints?.includes(endpoint) ?? true);
  return limits.every(isFor) ? limits : limits.filter(isFor);
}

/** Refuses a model without a price if a limit on money applies: without a price does not mean free. */
export function checkPriced(
  limits: readonly ScopedLimit[],
  { model, endpoint }: Pick<ValidRequest, 'model' | 'endpoint'>,
  price: Price | null,
): Refusal | null {
  if (price !== null) return null;
  const applying = limitsOn(limits, { model, endpoint: endpoint.path });
  const money = applying.find(({ limit }) => limit.metric === 'cost_usd' && !onlyObserves(limit));
  if (money === undefined) return null;
  const message = `A limit on money applies, but ${model} has no price here. Use a model that has one, or ask an administrator: \`tollgate prices set\` gives it one, and ${commandFor(money)} changes the limit.`;
  return new Refusal('model_unpriced', message, { param: 'model' });
}

/** The command that changes limits of a scope; who they belong to is for the administrator to fill in. */
function commandFor({ scope }: ScopedLimit): string {
  switch (scope) {
    case 'gateway':
      return '`tollgate settings set --limit …`';
    case 'team':
      return '`tollgate team set <team> --limit …`';
    case 'user':
      return '`tollgate user set <team> <user> --limit …`';
    case 'end_user':
      return '`--end-user-limit …` of `tollgate settings set`, `team set` or `token set`';
    case 'token':
    case 'session':
      return '`tollgate token set <team> <id> --limit …`';
  }
}

/** The limits that the caller may see. A page's visitor sees only the session's and their own. */
export function visibleLimits({ limits, request }: Pick<Grant, 'limits' | 'request'>): readonly LimitState[] {
  return request.sessionId === null ? limits : limits.filter(({ scoped }) => isOfVisitor(scoped.scope));
}

/** How much of one limit a request needs that reserves `reserved`. Money is in nano-dollars. */
export function applied(scoped: ScopedLimit, reserved: Charge, price: Price | null = null): AppliedLimit {
  const { limit, raises } = scoped;
  const { id, max } = limit;
  const plain: AppliedLimit =
    limit.metric === 'concurrency'
      ? { id, span: 'open', amount: 1, max }
      : { id, span: limit.window, amount: amountOf(limit, reserved, price), max: stored(limit, max) };
  if (raises !== undefined) plain.raises = raises.map((raise) => ({ ...raise, by: stored(limit, raise.by) }));
  if (onlyObserves(limit)) plain.observes = true;
  return plain;
}

/** An amount of a limit's metric as the store has it. */
function stored({ metric }: Pick<StoredLimit, 'metric'>, amount: number): number {
  return metric === 'cost_usd' ? Math.round(amount * nanoUsdPerUsd) : amount;
}

/** A limit as the store found it, with what raises it then. */
export function withCounter(state: LimitState, counter: Counter, nowMs: number): LimitState {
  state.counter = counter;
  const { raises } = state.applied;
  if (raises === undefined) return state;
  const running = raises.filter(({ untilMs }) => nowMs < untilMs);
  if (running.length === 0) return state;
  state.raised = {
    by: running.reduce((sum, { by }) => sum + by, 0),
    untilMs: Math.min(...running.map(({ untilMs }) => untilMs)),
  };
  return state;
}

/** How much a limit holds in all. */
export function maxOf({ applied: { max }, raised }: Pick<LimitState, 'applied' | 'raised'>): number {
  return raised === undefined ? max : max + raised.by;
}

/** The observe-only limits that had no room for a request. */
export function wouldRefuse({ limits }: Pick<Grant, 'limits'>): readonly LimitState[] {
  return limits.some(isOverObserved) ? limits.filter(isOverObserved) : none;
}

function isOverObserved(state: LimitState): boolean {
  return state.applied.observes === true && state.counter.used > maxOf(state);
}

const none: readonly never[] = [];

/** How much of a limit a charge uses. Money is in nano-dollars, and 0 if there is no price. */
export function amountOf(limit: CountedLimit, amounts: Charge, price: Price | null = null): number {
  switch (limit.metric) {
    case 'requests':
      return amounts.requests;
    case 'tokens': {
      const all = amounts.inputTokens + amounts.outputTokens;
      return limit.count_cached === false ? all - amounts.cacheReadTokens : all;
    }
    case 'images':
      return amounts.images;
    case 'cost_usd':
      return price === null ? 0 : costNanoUsd(price, amounts);
  }
}
