import { isOfVisitor, type Limit, limitName, onlyObserves, type Scope } from '../base/limit.ts';
import { nanoUsdPerUsd } from '../base/price.ts';
import { longestRetryAfterS, noRetry, Refusal, retryAfter, secondsUntil } from '../base/refusal.ts';
import { tagText } from '../base/tags.ts';
import { type LimitState, maxOf } from './grant.ts';
import { raisedAs, remaining, resetsAt } from './limit-status.ts';
import { fitsAtMs } from './window.ts';

/**
 * The 429 for a request that does not fit (contract 1.5). If it exceeds several limits, the 429 names the one that
 * keeps it waiting longest. `limits` must be as the store found them. A page's visitor (`toSession`) sees only the
 * figures of the session's limits and of their own.
 */
export function limitRefusal(
  limits: readonly LimitState[],
  nowMs: number,
  { toSession = false } = {},
): Refusal {
  let worst: { state: LimitState; fitsMs: number } | null = null;
  for (const state of limits) {
    if (onlyObserves(state.scoped.limit)) continue;
    const fitsMs = fitsMsOf(state, nowMs);
    if (fitsMs > nowMs && (!worst || fitsMs > worst.fitsMs)) worst = { state, fitsMs };
  }
  if (!worst)
    return new Refusal('rate_limit_exceeded', 'Too many requests at once; try again.', {
      headers: retryAfter(1),
    });
  const { state, fitsMs } = worst;
  const { scoped, applied } = state;
  const hidden = toSession && !isOfVisitor(scoped.scope);
  const countedLimit = { scope: scoped.scope, limit: limitName(scoped.limit) };
  const details = hidden ? { countedLimit } : { countedLimit, limit: refusedLimit(state) };
  const whose = hidden
    ? 'a limit this session shares with others'
    : `the ${inWords(scoped.scope)}'s limit of ${unit(state)}`;
  const code =
    applied.span === 'day' || applied.span === 'month' ? 'insufficient_quota' : 'rate_limit_exceeded';
  if (fitsMs === Infinity) {
    return new Refusal(code, neverFits(state, whose, hidden), { ...details, headers: noRetry });
  }
  const afterS = secondsUntil(fitsMs, nowMs);
  const when = afterS <= longestRetryAfterS ? `in ${afterS} s` : `at ${new Date(fitsMs).toISOString()}`;
  const shown = (amount: number): string => formatAmount(scoped.limit, amount);
  const figures = hidden ? '' : `: ${shown(remaining(state))} left, ${shown(applied.amount)} needed`;
  const message = `This request does not fit ${whose}${figures}. Try again ${when}.`;
  const shouldRetry = code === 'rate_limit_exceeded' && afterS <= longestRetryAfterS;
  return new Refusal(code, message, { ...details, headers: retryAfter(afterS, shouldRetry) });
}

function inWords(scope: Scope): string {
  return scope === 'end_user' ? 'end user' : scope;
}

/** When a request fits a limit of which raises may end before. */
function fitsMsOf({ applied, counter, raised }: LimitState, nowMs: number): number {
  const { span, amount, max, raises } = applied;
  if (raised !== undefined && raises !== undefined) {
    let raisedMax = max + raised.by;
    const running = raises.filter(({ untilMs }) => nowMs < untilMs);
    for (const { by, untilMs } of running.toSorted((a, b) => a.untilMs - b.untilMs)) {
      const fitsMs = fitsAtMs(span, counter, { amount, max: raisedMax, nowMs });
      if (fitsMs < untilMs) return fitsMs;
      raisedMax -= by;
    }
  }
  return fitsAtMs(span, counter, { amount, max, nowMs });
}

function refusedLimit(state: LimitState): NonNullable<Refusal['details']['limit']> {
  const { limit, scope } = state.scoped;
  return {
    scope,
    metric: limit.metric,
    window: limit.metric === 'concurrency' ? null : limit.window,
    max: limit.max,
    resets_at: resetsAt(state),
    ...raisedAs(state),
  };
}

/** A limit in words, such as `50 requests an hour for claude-4-5-haiku`. */
function unit(state: LimitState): string {
  const { limit } = state.scoped;
  const counted = limit.metric === 'concurrency' ? 'requests' : limit.metric;
  const span =
    limit.metric === 'concurrency' ? 'at a time' : `${limit.window === 'hour' ? 'an' : 'a'} ${limit.window}`;
  const [model, ...others] = limit.models ?? [];
  const models =
    model === undefined ? '' : ` for ${model}${others.length > 0 ? ` and ${others.length} more` : ''}`;
  const endpoints = limit.endpoints === undefined ? '' : ` at ${limit.endpoints.join(', ')}`;
  const tagged = limit.tags === undefined ? '' : ` with ${tagText(limit.tags)}`;
  const amount =
    limit.metric === 'cost_usd'
      ? `$${limit.max}`
      : `${limit.max} ${limit.max === 1 ? counted.slice(0, -1) : counted}`;
  const without =
    limit.metric === 'tokens' && limit.count_cached === false ? ' (cache reads not counted)' : '';
  return `${amount} ${span}${without}${models}${endpoints}${tagged}${raisedText(state)}`;
}

function raisedText({ scoped: { limit }, raised }: LimitState): string {
  if (raised === undefined) return '';
  return ` (raised by ${formatAmount(limit, raised.by)} until ${new Date(raised.untilMs).toISOString()})`;
}

/** An amount for people: nano-dollars are shown as dollars. */
function formatAmount({ metric }: Limit, amount: number): string {
  return metric === 'cost_usd' ? `$${amount / nanoUsdPerUsd}` : String(amount);
}

function neverFits(state: LimitState, whose: string, hidden: boolean): string {
  const { scoped, applied } = state;
  const { metric } = scoped.limit;
  // What fits the raised limit alone does not fit before the raise ends.
  const max = applied.amount > maxOf(state) ? maxOf(state) : applied.max;
  const canShrink = (metric === 'tokens' || metric === 'cost_usd') && max > 0;
  const shown = (amount: number): string => formatAmount(scoped.limit, amount);
  const remedy = canShrink
    ? 'lower max_tokens (of a response: max_output_tokens) or shorten the input'
    : 'ask an administrator to raise it';
  const figures = hidden ? '' : `, limit is ${shown(max)}`;
  return `This request reserves ${shown(applied.amount)}${figures}; ${remedy}: it can never fit ${whose}.`;
}
