import { choose, chooseFull, chooseResting, type Target } from './choose.ts';
import type { Upstream } from './upstreams.ts';

/** Who is asked next, or waited for. */
export interface Step {
  kind: 'send' | 'wait';
  target: Target;
  upstream: Upstream;
}

export interface AttemptPlanOptions {
  asked: Target;
  /** Another model that may answer in its place; asked for once, when it is needed. */
  fallback: () => Target | null;
  /** The estimate of the request's input. */
  tokens: number;
}

/** To whom one request may still go: the attachments of its model, then those of its fallback. */
export class AttemptPlan {
  readonly asked: Target;
  readonly #tokens: number;
  readonly #fallback: () => Target | null;
  /** Undefined until it has been asked for. */
  #other: Target | null | undefined;

  constructor({ asked, fallback, tokens }: AttemptPlanOptions) {
    this.asked = asked;
    this.#fallback = fallback;
    this.#tokens = tokens;
  }

  /** The first of the model's own that works and has room: nothing more is needed as a rule. */
  first(nowMs: number): Upstream | null {
    return choose(this.asked.candidates, nowMs, this.#tokens);
  }

  /** Null where there is nobody left. */
  next(nowMs: number): Step | null {
    const { asked } = this;
    const tokens = this.#tokens;
    // One failure may be a request's own fault, and is not to give everybody another model.
    const own = this.first(nowMs) ?? chooseResting(asked.candidates.filter(restsBriefly), nowMs, tokens);
    if (own) return { kind: 'send', target: asked, upstream: own };
    const other = this.#otherTarget();
    const others = other && choose(other.candidates, nowMs, tokens);
    if (others) return { kind: 'send', target: other, upstream: others };
    for (const target of [asked, other]) {
      const upstream = target && chooseResting(target.candidates, nowMs, tokens);
      if (upstream) return { kind: 'send', target, upstream };
    }
    const target = asked.candidates.length > 0 ? asked : other;
    const upstream = target && chooseFull(target.candidates, nowMs, tokens);
    return upstream && { kind: 'wait', target, upstream };
  }

  #otherTarget(): Target | null {
    if (this.#other === undefined) this.#other = this.#fallback();
    return this.#other;
  }
}

function restsBriefly({ rest }: Upstream): boolean {
  return rest.failures === 1;
}
