import { stateOf } from './circuit-breaker.ts';
import type { Upstream } from './upstream.ts';

/** A model, the attachments that serve it, and the request as it is written for it. */
export interface Target {
  readonly model: string;
  /** Whether configuration or an upstream's list has the model, not only a caller. */
  readonly isModelKnown: boolean;
  /** In the order of their turns, without those that were tried in vain. */
  candidates: readonly Upstream[];
  body: Buffer;
  /** What was changed of what the caller asked for, as `x-tollgate-adjusted` says it. */
  adjusted: readonly string[];
  /**
   * Asks the limits for what this model needs besides what is reserved; false: it may not answer. Null if nothing is
   * needed, or it was asked. Never rejects.
   */
  admit: (() => Promise<boolean>) | null;
}

/** The upstream to send to next, or to wait for. */
export interface Step {
  kind: 'send' | 'wait';
  target: Target;
  upstream: Upstream;
}

export interface AttemptPlanOptions {
  asked: Target;
  /** Another model that may answer to what was asked; called once, when it is needed. */
  fallback: (sent: Buffer) => Target | null;
  /** Whose request it is. */
  team: string;
  /** The estimate of the request's input. */
  tokens: number;
}

/** What choosing an upstream needs to know of a request. */
type Asking = Pick<AttemptPlanOptions, 'team' | 'tokens'>;
type Asked = Pick<Target, 'model' | 'candidates'>;

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
    return chooseWorking(this.#request.asked, nowMs, this.#request);
  }

  /** The fallback may not answer. */
  dropFallback(): void {
    this.#fallback = null;
  }

  /** Nothing is sent again: the bodies are not needed any more. */
  letGoOfBodies(): void {
    this.#request.asked.body = noBody;
    if (this.#fallback) this.#fallback.body = noBody;
  }

  /** Null if nobody is left. */
  next(nowMs: number): Step | null {
    const { asked, fallback, team } = this.#request;
    const own = this.first(nowMs) ?? chooseOpen(failedOnce(asked, nowMs, team), nowMs, this.#request);
    if (own) return { kind: 'send', target: asked, upstream: own };
    if (this.#fallback === undefined) this.#fallback = fallback(asked.body);
    const other = this.#fallback;
    const ofOther = other && chooseWorking(other, nowMs, this.#request);
    if (ofOther) return { kind: 'send', target: other, upstream: ofOther };
    for (const target of [asked, other]) {
      const upstream = target && chooseOpen(target, nowMs, this.#request);
      if (upstream) return { kind: 'send', target, upstream };
    }
    const target = asked.candidates.length > 0 ? asked : other;
    const upstream = target && chooseExhausted(target.candidates, nowMs, this.#request);
    return upstream && { kind: 'wait', target, upstream };
  }
}

const noBody = Buffer.alloc(0);

/** Of those that work and have quota, the one with the most if that is known of them; else the first in turn. Pure. */
export function chooseWorking(
  { model, candidates }: Asked,
  nowMs: number,
  { team, tokens }: Asking,
): Upstream | null {
  let best: Upstream | null = null;
  let most = 0;
  for (const upstream of candidates) {
    if (stateOf(upstream.breaker(model, team, nowMs), nowMs) === 'open') continue;
    const remaining = upstream.quota.remaining(nowMs, tokens, team);
    if (remaining === 0) continue;
    const hasMore = remaining > most && remaining !== Infinity && most !== Infinity;
    if (best !== null && !hasMore) continue;
    best = upstream;
    most = remaining;
  }
  return best;
}

/** Of those that have quota, the one whose circuit breaker closes first. Pure. */
export function chooseOpen(
  { model, candidates }: Asked,
  nowMs: number,
  { team, tokens }: Asking,
): Upstream | null {
  return soonest(candidates, (upstream) => {
    const isExhausted = upstream.quota.remaining(nowMs, tokens, team) === 0;
    return isExhausted ? Infinity : upstream.breaker(model, team, nowMs).openUntilMs;
  });
}

/** The one that is expected to have quota first. Pure. */
export function chooseExhausted(
  candidates: readonly Upstream[],
  nowMs: number,
  { team, tokens }: Asking,
): Upstream | null {
  return soonest(candidates, ({ quota }) => quota.availableAtMs(nowMs, tokens, team));
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

/** A single failure may be chance, which is no reason for another model. */
function failedOnce({ model, candidates }: Asked, nowMs: number, team: string): Asked {
  const once = candidates.filter((upstream) => upstream.breaker(model, team, nowMs).failures === 1);
  return { model, candidates: once };
}
