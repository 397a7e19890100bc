import { invalidBody, type Refusal } from '../base/refusal.ts';
import type { JsonObject, ValidRequest } from '../base/request.ts';
import { numberIn } from './documented.ts';

/** Of a model whose bound nobody knows: far more than any writes, and little enough that sums of it stay exact. */
const maxOutputTokens = 1_000_000;
/** The same for all choices together. */
const maxTotalTokens = 10_000_000;

/**
 * Refuses an output bound beyond all reason: it would be reserved, and charged if the process dies. `catalogued` is the
 * catalogue's bound of the model; if there is one, that is what holds. Pure.
 */
export function outputSizeRefusal(request: ValidRequest, catalogued: number | null): Refusal | null {
  const { body, choices, outputBound, thinkingTokens = 0 } = request;
  const asked = outputBound ?? thinkingTokens;
  if (catalogued !== null || (asked <= maxOutputTokens && asked * choices <= maxTotalTokens)) return null;
  const param = fieldOf(asked, body, request.endpoint.outputField);
  const message =
    asked > maxOutputTokens
      ? `${param} must be at most ${maxOutputTokens}.`
      : `${param} times n must be at most ${maxTotalTokens}; lower either.`;
  return invalidBody([{ param, message }]);
}

function fieldOf(asked: number, body: JsonObject, outputField = 'max_tokens'): string {
  const fields = [outputField, 'max_completion_tokens'];
  const budget = 'budget_tokens';
  return (
    fields.find((field) => numberIn(body, field) === asked) ??
    `${body['extended_thinking'] ? 'extended_thinking' : 'thinking'}.${budget}`
  );
}
