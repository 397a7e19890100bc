import { stateOf } from './circuit-breaker.ts';
import type { Upstream } from './upstream.ts';

/** A model, the attachments that serve it, and the request as it is written for it. */
export interface Target {
  readonly model: string;
  /** In the order of their turns, without those that were tried in vain. */
  candidates: readonly Upstream[];
  body: Buffer;
  /** What was changed of what the caller asked for, as `x-tollgate-adjusted` says it. */
  adjusted: readonly string[];
}

/** The upstream to send to next, or to wait for. */
export interface Step {
  kind: 'send' | 'wait';
  target: Target;
  upstream: Upstream;
}

export interface AttemptPlanOptions {
  asked: Target;
  /** Another model that may answer instead; called once, when it is needed. */
  fallback: () => Target | null;
  /** The estimate of the request's input. */
  tokens: number;
}

/** Who may still be asked: the attachments of the request's model, then those of its fallback. Time is an argument. */
export class AttemptPlan {
  readonly #request: AttemptPlanOptions;
  /** Undefined until it is needed. */
  #fallback: Target | null | undefined;

  constructor(request: AttemptPlanOptions) {
    this.#request = request;
  }

  /** The upstream of the model that works and has quota; usually nothing more is needed. */
  first(nowMs: number): Upstream | null {
    return chooseWorking(this.#request.asked.candidates, nowMs, this.#request.tokens);
  }

  /** Null if nobody is left. */
  next(nowMs: number): Step | null {
    const { asked, fallback, tokens } = this.#request;
    // A single failure may be the request's own fault, which is no reason to give everybody another model.
    const own = this.first(nowMs) ?? chooseOpen(asked.candidates.filter(failedOnce), nowMs, tokens);
    if (own) return { kind: 'send', target: asked, upstream: own };
    if (this.#fallback === undefined) this.#fallback = fallback();
    const other = this.#fallback;
    const ofOther = other && chooseWorking(other.candidates, nowMs, tokens);
    if (ofOther) return { kind: 'send', target: other, upstream: ofOther };
    for (const target of [asked, other]) {
      const upstream = target && chooseOpen(target.candidates, nowMs, tokens);
      if (upstream) return { kind: 'send', target, upstream };
    }
    const target = asked.candidates.length > 0 ? asked : other;
    const upstream = target && chooseExhausted(target.candidates, nowMs, tokens);
    return upstream && { kind: 'wait', target, upstream };
  }
}

/** Of those that work and have quota, the one with the most if that is known of them; else the first in turn. Pure. */
export function chooseWorking(
  candidates: readonly Upstream[],
  nowMs: number,
  tokens: number,
): Upstream | null {
  let best: Upstream | null = null;
  let most = 0;
  for (const upstream of candidates) {
    if (stateOf(upstream.breaker, nowMs) === 'open') continue;
    const remaining = upstream.quota.remaining(nowMs, tokens);
    if (remaining === 0) continue;
    const hasMore = remaining > most && remaining !== Infinity && most !== Infinity;
    if (best !== null && !hasMore) continue;
    best = upstream;
    most = remaining;
  }
  return best;
}

/** Of those that have quota, the one whose circuit breaker closes first. Pure. */
export function chooseOpen(candidates: readonly Upstream[], nowMs: number, tokens: number): Upstream | null {
  return soonest(candidates, ({ quota, breaker }) =>
    quota.remaining(nowMs, tokens) === 0 ? Infinity : breaker.openUntilMs,
  );
}

/** The one that is expected to have quota first. Pure. */
export function chooseExhausted(
  candidates: readonly Upstream[],
  nowMs: number,
  tokens: number,
): Upstream | null {
  return soonest(candidates, ({ quota }) => quota.availableAtMs(nowMs, tokens));
}

/** The first of those with the least time; null if all are Infinity. */
function soonest(candidates: readonly Upstream[], timeMs: (upstream: Upstream) => number): Upstream | null {
  let best: Upstream | null = null;
  let bestMs = Infinity;
  for (const upstream of candidates) {
    const ms = timeMs(upstream);
    if (ms >= bestMs) continue;
    best = upstream;
    bestMs = ms;
  }
  return best;
}

function failedOnce({ breaker }: Upstream): boolean {
  return breaker.failures === 1;
}
