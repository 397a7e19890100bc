import type { z } from 'zod';
import { type ErrorCode, invalidBody, type Problem, type Refusal } from './refusal.ts';
import type { JsonObject } from './request.ts';

export type Checked<T> = { ok: true; value: T } | { ok: false; refusal: Refusal };

/** A value by a schema, or the refusal that names everything wrong with it. */
export function check<T>(
  schema: z.ZodType<T>,
  value: JsonObject | Record<string, string>,
  code: ErrorCode = 'invalid_body',
): Checked<T> {
  const result = schema.safeParse(value, { error: describe });
  if (result.success) return { ok: true, value: result.data };
  return { ok: false, refusal: invalidBody(result.error.issues.flatMap(problemsOf), code) };
}

function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => problem([...path, key], 'is not a field known here'));
  }
  return [problem(path, issue.message)];
}

/** For what the schemas leave unsaid: a wrong type, or nothing where something must be. */
function describe(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code !== 'invalid_type') return undefined;
  return issue.input === undefined ? 'is required' : `must be of type ${issue.expected}`;
}

function problem(path: readonly string[], message: string): Problem {
  const param = path.join('.');
  return { param, message: `${param} ${message}.` };
}
