import { z } from 'zod';
import { invalidBody, type Problem, type Refusal } from '../core/refusal.ts';
import { model, slug } from '../core/fields.ts';

/** What usage and requests can both be narrowed to. */
export const filters = {
  team: slug.exactOptional(),
  user: slug.exactOptional(),
  token: z
    .string()
    .regex(/^tok_[0-9A-Za-z]{1,64}$/, 'must be a token id such as tok_…')
    .exactOptional(),
  model: model.exactOptional(),
  endpoint: z
    .string()
    .regex(/^\/[A-Za-z0-9._/-]{1,127}$/, 'must be a path such as /v1/chat/completions')
    .exactOptional(),
};

/** A query as an object. A parameter given twice is refused rather than one of them believed. */
export function queryOf(search: URLSearchParams): Record<string, string> | Refusal {
  const query: Record<string, string> = {};
  const problems: Problem[] = [];
  for (const [key, value] of search) {
    if (Object.hasOwn(query, key)) problems.push({ param: key, message: `${key} is given more than once.` });
    query[key] = value;
  }
  return problems.length > 0 ? invalidBody(problems, 'invalid_request') : query;
}
