import { z } from 'zod';

/**
 * Checks the value of a JSON file. Returns it, or all problems at once, each with its path inside the file. A problem
 * says what is expected, in the schema's own words or in those below, and never shows the value.
 */
export function checkFile<T>(
  schema: z.ZodType<T>,
  value: unknown,
): { ok: true; data: T } | { ok: false; problems: string[] } {
  const parsed = schema.safeParse(value, { error: expectation });
  if (parsed.success) return { ok: true, data: parsed.data };
  return { ok: false, problems: parsed.error.issues.map(problemOf) };
}

/** A schema that depends on the value. Its problems are told as those of any other part of the file. */
export function chosen<T>(choose: (value: unknown) => z.ZodType<T>): z.ZodType<T> {
  return z.unknown().transform((value, context) => {
    const parsed = choose(value).safeParse(value, { error: expectation });
    if (parsed.success) return parsed.data;
    for (const { path, message } of parsed.error.issues) {
      context.addIssue({ code: 'custom', path, message });
    }
    return z.NEVER;
  });
}

function problemOf(issue: z.core.$ZodIssue): string {
  const path = issue.path.length > 0 ? `${issue.path.map(String).join('.')}: ` : '';
  const inner = issue.code === 'invalid_key' ? issue.issues.map((each) => each.message).join('; ') : '';
  return `${path}${inner || issue.message}`;
}

const kinds: Partial<Record<z.core.$ZodInvalidTypeExpected, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  object: 'an object',
  record: 'an object',
};

/** Undefined if zod's words are good enough. */
function expectation(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${kinds[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `expected ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`;
    case 'unrecognized_keys':
      return `expected no field ${issue.keys.map((key) => JSON.stringify(key)).join(', ')}`;
    case 'too_small':
      return `expected ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`;
    case 'too_big':
      return `expected ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}`;
    default:
      return undefined;
  }
}
