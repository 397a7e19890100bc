import type { ScopedLimit } from '../identity/records/identity.ts';
import type { CountedMetric } from '../base/limit.ts';
import type { Charge } from '../base/outcome.ts';
import { costNanoUsd, nanoUsdPerUsd, type Price } from '../base/price.ts';
import type { OpenRequest } from './open-record.ts';
import type { AppliedLimit } from './store.ts';
import type { Counter } from './window.ts';

/** A limit that applies to a request, with its counter: what headers, refusals and `/v1/me` are made of. */
export interface LimitState {
  scoped: ScopedLimit;
  applied: AppliedLimit;
  counter: Counter;
}

/** The leave to send one request, to be settled exactly once. */
export interface Grant {
  id: string;
  /** The store's incarnation that gave it. */
  incarnation: string;
  /** By the store's clock, ms. */
  admittedAtMs: number;
  /** Every limit that applies, as it stood once this request was counted. */
  limits: readonly LimitState[];
  request: OpenRequest;
  /** Of its model; null where it is unpriced. */
  price: Price | null;
}

/** The limits that count a request for `model` at `endpoint`. */
export function limitsOn(
  limits: readonly ScopedLimit[],
  { model, endpoint }: { model: string; endpoint: string },
): readonly ScopedLimit[] {
  const isFor = ({ limit: { models, endpoints } }: ScopedLimit): boolean =>
    (models?.includes(model) ?? true) && (endpoints?.includes(endpoint) ?? true);
  return limits.every(isFor) ? limits : limits.filter(isFor);
}

/** The limits that the caller is told of: the visitor of a page sees the session's own and nobody else's figures. */
export function limitsTold({ limits, request }: Pick<Grant, 'limits' | 'request'>): readonly LimitState[] {
  return request.sessionId === null ? limits : limits.filter(({ scoped }) => scoped.scope === 'session');
}

/** What a request that reserves `reserved` asks of one limit; of one on money in nano-dollars. */
export function applied({ limit }: ScopedLimit, reserved: Charge, price: Price | null = null): AppliedLimit {
  const { id, max } = limit;
  if (limit.metric === 'concurrency') return { id, span: 'open', amount: 1, max };
  return {
    id,
    span: limit.window,
    amount: amountOf(limit.metric, reserved, price),
    max: limit.metric === 'cost_usd' ? Math.round(max * nanoUsdPerUsd) : max,
  };
}

/** How much of a metric a charge is; of money in nano-dollars, nothing where there is no price. */
export function amountOf(metric: CountedMetric, amounts: Charge, price: Price | null = null): number {
  switch (metric) {
    case 'requests':
      return amounts.requests;
    case 'tokens':
      return amounts.inputTokens + amounts.outputTokens;
    case 'images':
      return amounts.images;
    case 'cost_usd':
      return price === null ? 0 : costNanoUsd(price, amounts);
  }
}
