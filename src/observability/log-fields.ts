import { maxFieldBytes, type LineBudget } from './line-budget.ts';

type Scalar = string | number | boolean | null;
type Tidy = { [name: string]: Scalar | { [name: string]: string } };
type Redact = (text: string) => string;

const maxFields = 30;
const maxStackBytes = 3_000;

/** The fields that may be logged, cleaned of secrets and cut. */
export function tidyFields(
  fields: Readonly<Record<string, unknown>>,
  budget: LineBudget,
  redact: Redact,
): Tidy {
  const tidy: Tidy = {};
  for (const [name, value] of Object.entries(fields).slice(0, maxFields)) {
    if (typeof value === 'string') tidy[name] = budget.take(redact(value), maxFieldBytes);
    else if (isPlain(value)) tidy[name] = value;
    else if (value instanceof Error) tidy[name] = tidyError(value, budget, redact);
  }
  return tidy;
}

function isPlain(value: unknown): value is number | boolean | null {
  return typeof value === 'number' || typeof value === 'boolean' || value === null;
}

function tidyError(error: Error, budget: LineBudget, redact: Redact): { [name: string]: string } {
  const text = (value: string, maxBytes: number): string => budget.take(redact(value), maxBytes);
  const code = 'code' in error && typeof error.code === 'string' ? { code: text(error.code, 100) } : {};
  const cause =
    error.cause instanceof Error ? { cause: text(`${error.cause.name}: ${error.cause.message}`, 500) } : {};
  return {
    name: text(error.name, 100),
    message: text(error.message, 1_000),
    ...code,
    ...cause,
    stack: text(error.stack ?? '', maxStackBytes),
  };
}
