import { z } from 'zod';
import { check } from './check.ts';
import type { OperationDocs } from './operation-docs.ts';
import { invalidBody, type Problem, type Refusal } from './refusal.ts';

/*
 * The query parameters of an operation. What is not among them is refused, not ignored: whoever sends `dry_run=true` or
 * a filter must not get an answer that pays no heed to it.
 */

const none = z.strictObject({});

/** Longer names are not repeated in answers: somebody may have pasted a token there. */
const maxShownName = 32;

/**
 * The refusal of parameters that an operation does not have, and of those given more than once. Null if there are none.
 * `url` is a URL, or a path with its query.
 */
export function queryRefusal(query: OperationDocs['query'], url: string): Refusal | null {
  if (query === 'ignored' || !url.includes('?')) return null;
  const schema = query ?? none;
  const problems = new Map<string, Problem>();
  const seen = new Set<string>();
  for (const name of parametersIn(url).keys()) {
    if (!Object.hasOwn(schema.shape, name)) problems.set(name, unknown(name, schema));
    else if (seen.has(name)) problems.set(name, { param: name, message: `${name} is given more than once.` });
    seen.add(name);
  }
  return problems.size === 0 ? null : invalidBody([...problems.values()], 'invalid_request');
}

/** The query of a URL or a path, by a schema. */
export function checkQuery<T>(schema: z.ZodObject & z.ZodType<T>, url: string): T | Refusal {
  return (
    queryRefusal(schema, url) ?? check<T>(schema, Object.fromEntries(parametersIn(url)), 'invalid_request')
  );
}

function parametersIn(url: string): URLSearchParams {
  const at = url.indexOf('?');
  return new URLSearchParams(at === -1 ? '' : url.slice(at));
}

function unknown(name: string, { shape }: z.ZodObject): Problem {
  const param = name.length > maxShownName ? `${name.slice(0, maxShownName)}…` : name;
  const known = Object.keys(shape);
  const instead = known.length === 0 ? 'this path takes none here' : `there are ${known.join(', ')}`;
  return { param, message: `${JSON.stringify(param)} is not a query parameter: ${instead}.` };
}
