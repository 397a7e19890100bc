import { invalidBody, type Refusal } from '../base/refusal.ts';
import type { JsonObject, ValidRequest } from '../base/request.ts';
import { numberIn } from './documented.ts';

/**
 * A request to a model that refuses `temperature` beside `top_p`, with one of them at most: of two the one that says
 * what goes without saying is left out. Pure.
 */
export function withOneOfSampling(request: ValidRequest): ValidRequest | Refusal {
  const { body, model } = request;
  const temperature = numberIn(body, 'temperature');
  const topP = numberIn(body, 'top_p');
  if (temperature === null || topP === null) return request;
  // Heroku's default, and OpenAI's.
  if (topP === 0.999 || topP === 1) return { ...request, body: without(body, 'top_p') };
  if (temperature === 1) return { ...request, body: without(body, 'temperature') };
  const message = `temperature and top_p cannot both be set for ${model}; leave one of them out.`;
  return invalidBody([{ param: 'temperature', message }]);
}

function without(body: JsonObject, field: string): JsonObject {
  const { [field]: _, ...rest } = body;
  return rest;
}
