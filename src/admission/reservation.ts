import type { ScopedLimit } from '../core/identity.ts';
import type { Charge } from '../core/outcome.ts';
import type { JsonObject, ValidRequest } from '../core/request.ts';
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
 * body allows, else from `defaultOutputTokens`. Where a `tokens` limit applies and the body bounds nothing,
 * the bound is written into the body, lowered to what the smallest such limit can ever hold.
 */
export function reserve(
  request: ValidRequest,
  limits: readonly ScopedLimit[],
  defaultOutputTokens: number,
): Reservation {
  if (request.endpoint.kind === 'images') {
    return {
      body: written(request.body),
      reserved: { requests: 1, inputTokens: 0, outputTokens: 0, images: request.images },
    };
  }
  const smallest = request.outputBound === null ? smallestTokensLimit(limits, request.model) : null;
  const { body, bound } =
    smallest === null
      ? { body: written(request.body), bound: request.outputBound ?? defaultOutputTokens }
      : bounded(request, smallest, defaultOutputTokens);
  return {
    body,
    reserved: {
      requests: 1,
      inputTokens: estimateInput(body.length, request),
      outputTokens: bound * request.choices,
      images: 0,
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

/** The body with `max_tokens` written in. Where not even one token fits, the default: admission then says so. */
function bounded(
  request: ValidRequest,
  smallest: number,
  defaultOutputTokens: number,
): { body: Buffer; bound: number } {
  const withDefault = written({ ...request.body, max_tokens: defaultOutputTokens });
  const room = Math.floor((smallest - estimateInput(withDefault.length, request)) / request.choices);
  if (room < 1 || room >= defaultOutputTokens) return { body: withDefault, bound: defaultOutputTokens };
  return { body: written({ ...request.body, max_tokens: room }), bound: room };
}

function smallestTokensLimit(limits: readonly ScopedLimit[], model: string): number | null {
  let smallest: number | null = null;
  for (const { limit } of limitsOn(limits, model)) {
    if (limit.metric === 'tokens' && (smallest === null || limit.max < smallest)) smallest = limit.max;
  }
  return smallest;
}

function written(body: JsonObject): Buffer {
  return Buffer.from(JSON.stringify(body));
}
