import { isJsonObject, type JsonObject } from '../../base/request.ts';

/** Every endpoint's names for the most output tokens. */
const outputFields = ['max_tokens', 'max_completion_tokens', 'max_tokens_per_inference_request'];
const thinkingFields = ['thinking', 'extended_thinking'];
/** Less is no thinking budget at all. */
const minThinkingBudget = 1_024;

/**
 * Anthropic's words, OpenAI's, Bedrock's, and those that validators use. They say nothing of the input's length. Names are
 * bounded: an upstream may quote a caller's text that is one long name.
 */
const words = [
  /\bmax\w{0,30}_tokens\w{0,30}\W{1,5}\d+ > (\d+), which is the maximum/i,
  /\bmax\w{0,30}_tokens\w{0,30} is too large\b.{0,40}\bat most (\d+)/is,
  /\bmaximum tokens you requested exceeds the model limit of (\d+)/i,
  /\bmax\w{0,30}_tokens\w{0,30}.{0,60}\b(?:less than or equal to|no more than|at most|not exceed|<=|up to) (\d+)/is,
  /\bmax\w{0,30}_tokens\w{0,30}.{0,60}(?:\[\s*\d+\s*,\s*|\bbetween \d+ and |\bfrom \d+ to )(\d+)/is,
  /\bmax\w{0,30}_tokens\w{0,30}.{0,40}\bexceeds? (?:the |this )?(?:model(?:'s)? |maximum |allowed |output |token )*(?:limit|maximum)? ?(?:of )?\(?(\d+)/is,
];

/** The most output tokens that an upstream says it takes; null if it says nothing of that. */
export function boundSaid(said: string): number | null {
  for (const pattern of words) {
    const max = Number(pattern.exec(said)?.[1] ?? 0);
    if (max > 0 && max < Number.MAX_SAFE_INTEGER) return max;
  }
  return null;
}

export interface Lowered {
  body: JsonObject;
  /** Fields and their new values. */
  values: readonly (readonly [string, number])[];
}

/**
 * The body with no output bound over `max`. A thinking budget that was below the bound stays below it, or the upstream
 * would refuse that. Changes nothing of what the model can do.
 */
export function lowered(body: JsonObject, max: number): Lowered {
  const changes: JsonObject = {};
  const values: [string, number][] = [];
  let asked = 0;
  for (const field of outputFields) {
    const value = body[field];
    if (typeof value !== 'number' || value <= max) continue;
    asked = Math.max(asked, value);
    changes[field] = max;
    values.push([field, max]);
  }
  if (values.length === 0) return { body, values };
  for (const field of thinkingFields) {
    const thinking = body[field];
    const budget = isJsonObject(thinking) ? thinking['budget_tokens'] : null;
    if (!isJsonObject(thinking) || typeof budget !== 'number') continue;
    // A budget over the bound is for thinking between tool calls, which the bound of one answer does not hold.
    if (budget < max || budget >= asked || max <= minThinkingBudget) continue;
    changes[field] = { ...thinking, budget_tokens: max - 1 };
    values.push([`${field}.budget_tokens`, max - 1]);
  }
  return { body: { ...body, ...changes }, values };
}
