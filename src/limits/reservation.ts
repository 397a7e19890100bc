import type { ScopedLimit } from '../identity/records/identity.ts';
import { onlyObserves, type StoredLimit } from '../base/limit.ts';
import { noCharge, type Charge } from '../base/outcome.ts';
import { dearest, nanoUsdPerUsd, type Price } from '../base/price.ts';
import type { JsonObject, ValidRequest } from '../base/request.ts';
import { written, writtenWith } from '../base/written-body.ts';
import { limitsOn } from './grant.ts';

const bytesPerToken = 4;

/** The body for the upstream, and what is reserved for it. */
export interface Reservation {
  body: Buffer;
  reserved: Charge;
}

/**
 * Reserves for a request (contract 1.4). The input is estimated from the bytes that are forwarded; the output is the
 * bound in the body, or `defaultOutputTokens`. If the body has no bound and a limit on tokens or money applies, the
 * bound is written into the body, but never more than the smallest such limit can hold. `nowMs`, an estimate of the store's
 * clock, tells which raises to reckon with.
 */
export function reserve(
  request: ValidRequest,
  limits: readonly ScopedLimit[],
  defaultOutputTokens: number,
  price: Price | null = null,
  nowMs = Infinity,
): Reservation {
  const { images, searchUnits = 0 } = request;
  if (images > 0 || searchUnits > 0) {
    // Billed per image or search unit: the upstream reports no tokens for these. Limits on tokens count a rerank's text.
    const body = written(request.body);
    const inputTokens = searchUnits > 0 ? estimateInput(body.length, request) : 0;
    return { body, reserved: { ...noCharge, requests: 1, images, searchUnits, inputTokens } };
  }
  const spent = request.outputBound === null ? limitsSpent(limits, request, nowMs) : [];
  const { body, bound } =
    spent.length === 0
      ? { body: written(request.body), bound: request.outputBound ?? defaultOutputTokens }
      : bounded(request, spent, { defaultOutputTokens, price: price && dearest(price) });
  return {
    body,
    reserved: {
      ...noCharge,
      requests: 1,
      inputTokens: estimateInput(body.length, request),
      outputTokens: bound * request.choices,
    },
  };
}

/** The input tokens of a body of `bytes`: text by its size, media by what they were estimated at. */
export function estimateInput(
  bytes: number,
  { mediaTokens, mediaBytes }: Pick<ValidRequest, 'mediaTokens' | 'mediaBytes'>,
): number {
  return Math.ceil(Math.max(0, bytes - mediaBytes) / bytesPerToken) + mediaTokens;
}

/** The body with an output bound. If not even one token fits, it is the default, and admission refuses the request. */
function bounded(
  request: ValidRequest,
  limits: readonly StoredLimit[],
  { defaultOutputTokens, price }: { defaultOutputTokens: number; price: Price | null },
): { body: Buffer; bound: number } {
  const field = request.endpoint.outputField ?? 'max_tokens';
  const withBound = boundInto(request.body, field);
  const withDefault = withBound(defaultOutputTokens);
  const inputTokens = estimateInput(withDefault.length, request);
  const most = Math.min(
    ...limits.map((limit) => maxOutputTokens(limit, { inputTokens, choices: request.choices, price })),
  );
  if (most < 1 || most >= defaultOutputTokens) return { body: withDefault, bound: defaultOutputTokens };
  return { body: withBound(most), bound: most };
}

/** Writes a body with a bound in it. One that does not have the field is written once. */
function boundInto(body: JsonObject, field: string): (bound: number) => Buffer {
  if (field in body) return (bound) => written({ ...body, [field]: bound });
  const bytes = written(body);
  return (bound) => writtenWith(bytes, field, bound);
}

/** The most output tokens per choice that a limit can hold in addition to the input. */
function maxOutputTokens(
  { metric, max }: StoredLimit,
  { inputTokens, choices, price }: { inputTokens: number; choices: number; price: Price | null },
): number {
  if (metric === 'tokens') return Math.floor((max - inputTokens) / choices);
  if (price === null || price.outputNanoUsd === 0) return Infinity;
  const leftNanoUsd = max * nanoUsdPerUsd - inputTokens * price.inputNanoUsd;
  return Math.floor(leftNanoUsd / (price.outputNanoUsd * choices));
}

/** The limits that output tokens count against and that hold, with what raises add to them. */
function limitsSpent(
  limits: readonly ScopedLimit[],
  { model, endpoint }: ValidRequest,
  nowMs: number,
): StoredLimit[] {
  return limitsOn(limits, { model, endpoint: endpoint.path })
    .filter(({ limit }) => (limit.metric === 'tokens' || limit.metric === 'cost_usd') && !onlyObserves(limit))
    .map((scoped) => raisedLimit(scoped, nowMs));
}

function raisedLimit({ limit, raises }: ScopedLimit, nowMs: number): StoredLimit {
  if (raises === undefined) return limit;
  const max = raises.reduce((sum, { by, untilMs }) => (nowMs < untilMs ? sum + by : sum), limit.max);
  return { ...limit, max };
}
