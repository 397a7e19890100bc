import { describe, expect, it } from 'vitest';
import type { Endpoint, JsonObject } from '../../../src/base/request.ts';
import { agents } from '../../../src/validation/endpoints/agents.ts';
import { chat } from '../../../src/validation/endpoints/chat.ts';
import { messages } from '../../../src/validation/endpoints/messages.ts';
import { outputSizeRefusal } from '../../../src/validation/output-size.ts';
import { accepted } from './verdict.ts';

function refusedFor(endpoint: Endpoint, more: JsonObject, catalogued: number | null = null): string | null {
  const body = { ...endpoint.minimalBody, model: 'unknown', ...more };
  return outputSizeRefusal(accepted(endpoint, body), catalogued)?.details.param ?? null;
}

const thinking = (budget: number): JsonObject => ({ enabled: true, budget_tokens: budget });

describe('outputSizeRefusal', () => {
  it.each<[Endpoint, JsonObject, string | null]>([
    [chat, {}, null],
    [chat, { max_tokens: 1_000_000 }, null],
    [chat, { max_tokens: 1_000_001 }, 'max_tokens'],
    [chat, { max_tokens: Number.MAX_SAFE_INTEGER, n: 128 }, 'max_tokens'],
    [chat, { max_tokens: 5, max_completion_tokens: 1_000_001 }, 'max_completion_tokens'],
    [chat, { max_tokens: 1_000_000, n: 10 }, null],
    [chat, { max_tokens: 1_000_000, n: 11 }, 'max_tokens'],
    [chat, { max_completion_tokens: 100_000, n: 101 }, 'max_completion_tokens'],
    [chat, { extended_thinking: thinking(1_000_001) }, 'extended_thinking.budget_tokens'],
    [chat, { extended_thinking: thinking(1_000_000), n: 11 }, 'extended_thinking.budget_tokens'],
    [chat, { thinking: { type: 'enabled', budget_tokens: 1e15 } }, 'thinking.budget_tokens'],
    // Nothing of it is reserved: the bound is.
    [chat, { extended_thinking: thinking(1_000_001), max_tokens: 5 }, null],
    [messages, { max_tokens: 1_000_001 }, 'max_tokens'],
    [agents, { max_tokens_per_inference_request: 1_000_001 }, 'max_tokens_per_inference_request'],
    [agents, { max_tokens_per_inference_request: 1_000_000 }, null],
  ])('of %#: %j', (endpoint, more, param) => {
    expect(refusedFor(endpoint, more)).toBe(param);
  });

  it("leaves a model to the catalogue's bound if there is one", () => {
    expect(refusedFor(chat, { max_tokens: 2_000_000, n: 128 }, 2_000_000)).toBeNull();
  });

  it('says what the bound is, and what to do', () => {
    const said = (more: JsonObject): string | undefined =>
      outputSizeRefusal(accepted(chat, { ...chat.minimalBody, ...more }), null)?.message;
    expect(said({ max_tokens: 1e12 })).toBe('max_tokens must be at most 1000000.');
    expect(said({ max_tokens: 1e6, n: 20 })).toBe(
      'max_tokens times n must be at most 10000000; lower either.',
    );
  });
});
