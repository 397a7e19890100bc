import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noCharge } from '../../../src/base/outcome.ts';
import { estimateInput, type Reservation, reserve } from '../../../src/limits/reservation.ts';
import type { ScopedLimit } from '../../../src/identity/records/identity.ts';
import { Refusal } from '../../../src/base/refusal.ts';
import type { JsonObject, ValidRequest } from '../../../src/base/request.ts';
import { chat } from '../../../src/validation/endpoints/chat.ts';
import { embeddings } from '../../../src/validation/endpoints/embeddings.ts';
import { rerank } from '../../../src/validation/endpoints/rerank.ts';
import { images } from '../../../src/validation/endpoints/images.ts';
import { scoped } from './samples.ts';

const catalogued = 4_096;
const noLimits: readonly ScopedLimit[] = [];
const model = 'claude-4-sonnet';

function valid(endpoint: typeof chat, body: JsonObject): ValidRequest {
  const verdict = endpoint.validate(body, () => null);
  if (verdict instanceof Refusal) throw new Error(JSON.stringify(verdict.details));
  return verdict;
}

function ofChat(more: JsonObject = {}): ValidRequest {
  return valid(chat, { model, messages: [{ role: 'user', content: 'Hello' }], ...more });
}

function tokens(max: number, models?: string[]): ScopedLimit {
  return scoped({ metric: 'tokens', window: 'day', max, ...(models ? { models } : {}) });
}

function bodyOf({ body }: Reservation): JsonObject {
  return JSON.parse(body.toString()) as JsonObject;
}

describe('estimateInput', () => {
  it('is a quarter of the bytes, rounded up', () => {
    expect(estimateInput(0, { mediaTokens: 0, mediaBytes: 0 })).toBe(0);
    expect(estimateInput(4, { mediaTokens: 0, mediaBytes: 0 })).toBe(1);
    expect(estimateInput(5, { mediaTokens: 0, mediaBytes: 0 })).toBe(2);
  });

  it('takes media at what they were estimated at, not by their bytes', () => {
    expect(estimateInput(1_000_100, { mediaTokens: 3_200, mediaBytes: 1_000_000 })).toBe(3_225);
  });

  it('is never negative', () => {
    expect(estimateInput(10, { mediaTokens: 0, mediaBytes: 11 })).toBe(0);
  });
});

describe('reserve', () => {
  it('estimates the input from the very bytes sent, in UTF-8', () => {
    const { body, reserved } = reserve(
      ofChat({ messages: [{ role: 'user', content: 'Grüße 😀' }] }),
      noLimits,
      1,
    );
    expect(body.toString()).toContain('Grüße 😀');
    expect(reserved.inputTokens).toBe(Math.ceil(body.length / 4));
  });

  it('leaves image URLs out, whatever their length', () => {
    const withUrl = (url: string): number =>
      reserve(
        ofChat({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] }),
        noLimits,
        1,
      ).reserved.inputTokens;
    const short = withUrl('data:image/png;base64,');
    expect(withUrl(`data:image/png;base64,${'A'.repeat(100_000)}`)).toBe(short);
    expect(short).toBeGreaterThanOrEqual(1_600);
  });

  it('takes the output bound of the body, times n', () => {
    expect(reserve(ofChat({ max_tokens: 50 }), noLimits, catalogued).reserved.outputTokens).toBe(50);
    expect(reserve(ofChat({ max_tokens: 50, n: 3 }), noLimits, catalogued).reserved.outputTokens).toBe(150);
    expect(
      reserve(ofChat({ max_tokens: 50, max_completion_tokens: 70 }), noLimits, catalogued).reserved
        .outputTokens,
    ).toBe(70);
  });

  it('takes the catalogue where the body bounds nothing, and leaves the body alone without tokens limits', () => {
    const requests = scoped({ metric: 'requests', window: 'day', max: 1 });
    const elsewhere = tokens(10, ['another-model']);
    const reservation = reserve(ofChat({ n: 2 }), [requests, elsewhere], 8_192);
    expect(reservation.reserved.outputTokens).toBe(16_384);
    expect(bodyOf(reservation)).not.toHaveProperty('max_tokens');
  });

  it('writes that figure in where a tokens limit applies', () => {
    const reservation = reserve(ofChat(), [tokens(1_000_000)], catalogued);
    expect(bodyOf(reservation)['max_tokens']).toBe(catalogued);
    expect(reservation.reserved.outputTokens).toBe(catalogued);
    expect(reservation.reserved.inputTokens).toBe(Math.ceil(reservation.body.length / 4));
  });

  it('writes it over a max_tokens of null', () => {
    const reservation = reserve(ofChat({ max_tokens: null }), [tokens(1_000_000)], catalogued);
    expect(bodyOf(reservation)['max_tokens']).toBe(catalogued);
  });

  it('reckons with raises that last, and not with limits that only observe', () => {
    const limit = tokens(100);
    const raises = [{ by: 400, untilMs: 1_000 }];
    const observed = { ...limit, limit: { ...limit.limit, enforce: false } };
    const boundAt = (nowMs: number): unknown =>
      bodyOf(reserve(ofChat(), [{ ...limit, raises }, observed], catalogued, null, nowMs))['max_tokens'];
    expect(boundAt(999)).toBeGreaterThan(400);
    expect(boundAt(1_000)).toBeLessThan(100);
    expect(bodyOf(reserve(ofChat(), [observed], catalogued))).not.toHaveProperty('max_tokens');
  });

  it('writes in less where the smallest tokens limit can never hold that beside the input', () => {
    const limits = [tokens(5_000), tokens(500), tokens(50, ['another-model'])];
    const reservation = reserve(ofChat(), limits, catalogued);
    const { inputTokens, outputTokens } = reservation.reserved;
    expect(bodyOf(reservation)['max_tokens']).toBe(outputTokens);
    expect(inputTokens + outputTokens).toBeLessThanOrEqual(500);
    expect(inputTokens + outputTokens).toBeGreaterThan(490);
  });

  it('never touches what the body itself bounds', () => {
    const reservation = reserve(ofChat({ max_completion_tokens: 4_000 }), [tokens(100)], catalogued);
    expect(bodyOf(reservation)).not.toHaveProperty('max_tokens');
    expect(reservation.reserved.outputTokens).toBe(4_000);
  });

  it('leaves it to admission to refuse what can never fit', () => {
    const { reserved } = reserve(ofChat(), [tokens(5)], catalogued);
    expect(reserved.inputTokens + reserved.outputTokens).toBeGreaterThan(5);
  });

  it('does not change the request', () => {
    const request = ofChat();
    const before = structuredClone(request.body);
    reserve(request, [tokens(500)], catalogued);
    expect(request.body).toEqual(before);
  });

  it('reserves no output for embeddings', () => {
    const request = valid(embeddings, { model: 'cohere-embed-multilingual', input: ['one', 'two'] });
    const { body, reserved } = reserve(request, [tokens(1_000)], catalogued);
    expect(reserved).toEqual({ ...noCharge, requests: 1, inputTokens: Math.ceil(body.length / 4) });
    expect(JSON.parse(body.toString())).not.toHaveProperty('max_tokens');
  });

  it('reserves images, and no tokens, for images', () => {
    const request = valid(images, { model: 'stable-image-ultra', prompt: 'A gate', n: 2 });
    const { body, reserved } = reserve(request, [tokens(1)], catalogued);
    expect(reserved).toEqual({ ...noCharge, requests: 1, images: 2 });
    expect(JSON.parse(body.toString())).not.toHaveProperty('max_tokens');
  });

  it('reserves search units for a rerank, and its text as tokens', () => {
    const documents = Array.from({ length: 101 }, () => 'a');
    const request = valid(rerank, { model: 'cohere-rerank-3-5', query: 'q', documents });
    const { body, reserved } = reserve(request, [tokens(1)], catalogued);
    const inputTokens = Math.ceil(body.length / 4);
    expect(reserved).toEqual({ ...noCharge, requests: 1, searchUnits: 2, inputTokens });
    expect(JSON.parse(body.toString())).toEqual(request.body);
  });

  it('writes in only what fits beside the input estimate of the bytes sent', () => {
    fc.assert(
      fc.property(
        fc.record({
          content: fc.string({ unit: 'grapheme', maxLength: 200 }),
          n: fc.integer({ min: 1, max: 5 }),
          maxes: fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 4 }),
          defaultOutput: fc.integer({ min: 1, max: 10_000 }),
        }),
        ({ content, n, maxes, defaultOutput }) => {
          const request = ofChat({ n, messages: [{ role: 'user', content }] });
          const smallest = Math.min(...maxes);
          const reservation = reserve(
            request,
            maxes.map((max) => tokens(max)),
            defaultOutput,
          );
          const { inputTokens, outputTokens } = reservation.reserved;
          expect(inputTokens).toBe(Math.ceil(reservation.body.length / 4));
          expect(bodyOf(reservation)['max_tokens']).toBe(outputTokens / n);
          // The least that could be asked for: one token a choice.
          if (inputTokens + n <= smallest) expect(inputTokens + outputTokens).toBeLessThanOrEqual(smallest);
          else expect(inputTokens + outputTokens).toBeGreaterThan(smallest);
        },
      ),
    );
  });
});
