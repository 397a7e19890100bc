import { z } from 'zod';
import { invalidBody, type Problem, type Refusal } from '../base/refusal.ts';
import { unacceptedModel } from '../ledger/entry.ts';
import { model, slug } from '../base/fields.ts';

/** What usage, requests and refusals can all be narrowed to. Plain text: nothing in it stands for anything else. */
export const whoFilters = {
  team: slug.exactOptional(),
  user: slug.exactOptional(),
  token: z
    .string()
    .regex(/^tok_[0-9A-Za-z]{1,64}$/, 'must be a token id such as tok_…')
    .exactOptional(),
};

/** What usage and requests can both be narrowed to. */
export const filters = {
  ...whoFilters,
  model: z
    .string()
    .refine(
      (text) => text === unacceptedModel || model.safeParse(text).success,
      `must be a model id: 1 to 128 of A-Z, a-z, 0-9 and . _ : / -; or ${unacceptedModel}`,
    )
    .exactOptional(),
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
