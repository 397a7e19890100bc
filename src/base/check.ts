import type { z } from 'zod';
import { type ErrorCode, invalidBody, type Problem, type Refusal } from './refusal.ts';
import type { JsonObject, JsonValue } from './request.ts';

/** Checks a value by a schema. Returns it, or a refusal that names all problems. */
export function check<T>(
  schema: z.ZodType<T>,
  value: JsonObject | readonly JsonValue[] | Record<string, string>,
  code: ErrorCode = 'invalid_body',
): T | Refusal {
  const result = schema.safeParse(value, { error: describe });
  return result.success ? result.data : invalidBody(result.error.issues.flatMap(problemsOf), code);
}

function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => problem([...path, key], 'is not a field known here'));
  }
  return [problem(path, issue.message)];
}

/** Messages for what schemas do not word: a wrong type, or a missing value. */
function describe(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code !== 'invalid_type') return undefined;
  return issue.input === undefined ? 'is required' : `must be of type ${issue.expected}`;
}

function problem(path: readonly string[], message: string): Problem {
  const param = path.join('.');
  return { param, message: `${param} ${message}.` };
}
