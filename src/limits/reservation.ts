import type { ScopedLimit } from '../identity/records/identity.ts';
import type { StoredLimit } from '../base/limit.ts';
import { noCharge, type Charge } from '../base/outcome.ts';
import { nanoUsdPerUsd, type Price } from '../base/price.ts';
import type { JsonObject, ValidRequest } from '../base/request.ts';
import { limitsOn } from './grant.ts';

const bytesPerToken = 4;
const tokensPerImagePart = 1_600;

/** What goes to the upstream, and what is set aside for it. */
export interface Reservation {
  body: Buffer;
  reserved: Charge;
}

/**
 * Reserves for a request (contract 1.4): the input estimated from the bytes sent on, the output from what the
 * body allows, else from `defaultOutputTokens`. Where a limit on tokens or money applies and the body bounds nothing,
 * the bound is written into the body, lowered to what the smallest such limit can ever hold.
 */
export function reserve(
  request: ValidRequest,
  limits: readonly ScopedLimit[],
  defaultOutputTokens: number,
  price: Price | null = null,
): Reservation {
  const { images, searchUnits = 0 } = request;
  if (images > 0 || searchUnits > 0) {
    // Billed by the piece: no tokens are reported for these.
    return {
      body: written(request.body),
      reserved: { ...noCharge, requests: 1, images, searchUnits },
    };
  }
  const spent = request.outputBound === null ? limitsSpent(limits, request) : [];
  const { body, bound } =
    spent.length === 0
      ? { body: written(request.body), bound: request.outputBound ?? defaultOutputTokens }
      : bounded(request, spent, { defaultOutputTokens, price });
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

/** Input tokens of a body of `bytes`: text by its bytes, image parts at a flat figure. */
export function estimateInput(
  bytes: number,
  { imageParts, imageUrlBytes }: Pick<ValidRequest, 'imageParts' | 'imageUrlBytes'>,
): number {
  return Math.ceil(Math.max(0, bytes - imageUrlBytes) / bytesPerToken) + imageParts * tokensPerImagePart;
}

/** The body with the bound of its output written in. Where not even one token fits, the default: admission then says so. */
function bounded(
  request: ValidRequest,
  limits: readonly StoredLimit[],
  { defaultOutputTokens, price }: { defaultOutputTokens: number; price: Price | null },
): { body: Buffer; bound: number } {
  const field = request.endpoint.outputField ?? 'max_tokens';
  const withDefault = written({ ...request.body, [field]: defaultOutputTokens });
  const inputTokens = estimateInput(withDefault.length, request);
  const rooms = limits.map((limit) => outputRoom(limit, { inputTokens, choices: request.choices, price }));
  const room = Math.min(...rooms);
  if (room < 1 || room >= defaultOutputTokens) return { body: withDefault, bound: defaultOutputTokens };
  return { body: written({ ...request.body, [field]: room }), bound: room };
}

/** Output tokens a choice that a limit can ever hold beside the input. */
function outputRoom(
  { metric, max }: StoredLimit,
  { inputTokens, choices, price }: { inputTokens: number; choices: number; price: Price | null },
): number {
  if (metric === 'tokens') return Math.floor((max - inputTokens) / choices);
  if (price === null || price.outputNanoUsd === 0) return Infinity;
  const leftNanoUsd = max * nanoUsdPerUsd - inputTokens * price.inputNanoUsd;
  return Math.floor(leftNanoUsd / (price.outputNanoUsd * choices));
}

/** The limits that output counts against. */
function limitsSpent(limits: readonly ScopedLimit[], { model, endpoint }: ValidRequest): StoredLimit[] {
  return limitsOn(limits, { model, endpoint: endpoint.path })
    .map(({ limit }) => limit)
    .filter(({ metric }) => metric === 'tokens' || metric === 'cost_usd');
}

function written(body: JsonObject): Buffer {
  return Buffer.from(JSON.stringify(body));
}
