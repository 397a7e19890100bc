import type { Catalogue } from '../config/catalogue.ts';
import { noCharge, type ForwardOutcome } from '../base/outcome.ts';
import { isDearer } from '../base/price.ts';
import type { ValidRequest } from '../base/request.ts';
import type { Principal } from '../identity/records/identity.ts';
import type { Admission } from '../limits/admission.ts';
import { charge } from '../limits/charge.ts';
import { type Grant, limitsTagged, type LimitState } from '../limits/grant.ts';
import { reserve } from '../limits/reservation.ts';
import { neededBesides } from '../limits/supplement.ts';
import { fallbackFor, type Replaceable } from '../models/fallbacks.ts';
import type { Fitting } from '../models/fitted.ts';
import type { Target } from '../upstream/attempt-plan.ts';
import type { Upstreams } from '../upstream/upstreams.ts';

interface FallbackParts extends Fitting {
  catalogue: Catalogue;
  upstreams: Upstreams;
  admission: Admission;
}

interface FallbackOptions {
  request: Omit<Replaceable, 'sent'>;
  grant: Grant;
  /** Whether the caller's policy and limits allow a request. */
  mayUse: (request: ValidRequest) => boolean;
  /** The output to reserve if the body has no bound, tokens. */
  outputBound: (request: ValidRequest) => number;
}

/**
 * The model that may answer in the place of the one that was asked for. It costs no more, unless the team allows that. If
 * limits count it for what the grant does not hold, they are asked first, in a call of their own.
 */
export class Fallback {
  readonly #parts: FallbackParts;
  readonly #options: FallbackOptions;
  #model: string | null = null;
  /** What limits hold for it besides the grant. */
  #supplement: Grant | null = null;
  #isOver = false;

  constructor(parts: FallbackParts, options: FallbackOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** What was sent, as the fallback takes it; null if it may not answer. */
  target(sent: Buffer): Target | null {
    const { request, grant, mayUse, outputBound } = this.#options;
    const found = fallbackFor(this.#parts, { ...request, sent });
    if (found === null || !mayUse(found.request) || !this.#mayCost(found.request.model)) return null;
    const { model, endpoint, adjusted = nothingAdjusted } = found.request;
    this.#model = model;
    const limits = limitsTagged(request.principal, grant.request.tags);
    const price = this.#priceOf(model);
    const bound = outputBound(found.request);
    const { body, reserved } = reserve(found.request, limits, bound, price, grant.admittedAtMs);
    const asked = { model, endpoint: endpoint.path, reserved, price };
    const needed = neededBesides(grant, limits, asked);
    const admit = needed.length === 0 ? null : () => this.#admit(request.principal, needed);
    return { model, isModelKnown: true, candidates: found.candidates, body, adjusted, admit };
  }

  /** Settles what was held besides the grant, which itself is settled apart. */
  settle(outcome: ForwardOutcome): void {
    this.#isOver = true;
    const supplement = this.#supplement;
    if (supplement === null || this.#model === null) return;
    const { grant } = this.#options;
    const isUsed = outcome.sentTo?.model === this.#model;
    const charged = isUsed ? charge(outcome, grant.request) : noCharge;
    this.#parts.admission.settleBesides(supplement, grant, charged, this.#priceOf(this.#model));
  }

  /** Never rejects. */
  async #admit(principal: Principal, needed: readonly LimitState[]): Promise<boolean> {
    const { admission } = this.#parts;
    const { grant } = this.#options;
    const supplement = await admission.admitBesides(principal, grant, needed);
    if (supplement === null) return false;
    if (this.#isOver) admission.settleBesides(supplement, grant, noCharge, null);
    else this.#supplement = supplement;
    return true;
  }

  /** A price that is not known may be any. */
  #mayCost(model: string): boolean {
    const { principal, model: asked } = this.#options.request;
    if (principal.identity.team.dearer_fallback) return true;
    const [own, other] = [this.#priceOf(asked), this.#priceOf(model)];
    return own !== null && other !== null && !isDearer(other, own);
  }

  /** At the time of the request. */
  #priceOf(model: string): ReturnType<Catalogue['price']> {
    return this.#parts.catalogue.price(model, this.#options.grant.admittedAtMs);
  }
}

const nothingAdjusted: readonly never[] = [];
