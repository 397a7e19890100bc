import type { Endpoint, JsonObject, JsonValue, ValidRequest } from '../../../src/base/request.ts';
import { Refusal, type Problem } from '../../../src/base/refusal.ts';

/** What the catalogue of these tests says: 4096 for one model, nothing for others. */
export function maxOutputTokens(model: string): number | null {
  return model === 'claude-3-5-sonnet' ? 4096 : null;
}

/** The valid request, or a failure that tells what was found. */
export function accepted(endpoint: Endpoint, body: JsonObject): ValidRequest {
  const verdict = endpoint.validate(body, maxOutputTokens);
  if (verdict instanceof Refusal) throw new Error(`refused: ${JSON.stringify(verdict.details)}`);
  return verdict;
}

/** The refusal of a body. */
export function refused(endpoint: Endpoint, body: JsonObject): Refusal {
  const verdict = endpoint.validate(body, maxOutputTokens);
  if (!(verdict instanceof Refusal)) throw new Error('accepted');
  return verdict;
}

/** Every problem of a refused body. */
export function problems(endpoint: Endpoint, body: JsonObject): readonly Problem[] {
  return refused(endpoint, body).details.problems ?? [];
}

/** The params of every problem, in order. */
export function params(endpoint: Endpoint, body: JsonObject): readonly string[] {
  return problems(endpoint, body).map(({ param }) => param);
}

/** A list of equal values. */
export function times(count: number, value: JsonValue): JsonValue[] {
  return Array.from({ length: count }, () => value);
}
