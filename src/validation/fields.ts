import { z } from 'zod';
import { named } from '../base/fields.ts';
import { looksLikeCredential } from '../base/credential-text.ts';
import { isRecord } from '../base/request.ts';

/*
 * The kinds of field that endpoints share. Each has one phrase for what it expects, whatever is wrong with the value.
 * The value itself is never repeated. Optional fields may be null (contract 1.4).
 */

/** Says yes to values that the schema of a field accepts, in a fraction of its time. A no says nothing. */
export type QuickYes = (value: unknown) => boolean;

const quickYeses = new WeakMap<z.ZodType, QuickYes>();

/**
 * Notes the quick yes of a kind of field, which `isPlain` asks for. Only values that the schema accepts may get one; a
 * test compares them.
 */
function quickly<T extends z.ZodType>(type: T, yes: QuickYes): T {
  quickYeses.set(type, yes);
  return type;
}

/** The quick yes of a field; one that never says it if its kind has none. */
export function quickYesOf(type: z.ZodType): QuickYes {
  return quickYeses.get(type) ?? ((): boolean => false);
}

/** A field that may be absent or null. */
export function optional(type: z.ZodType): z.ZodType {
  const yes = quickYesOf(type);
  return quickly(type.nullish(), (value) => value === null || yes(value));
}

const isText: QuickYes = (value) => typeof value === 'string';

/** Anything at all: free-form, or checked by other code. */
export const anything = quickly(z.unknown(), () => true);

/** A field that must be absent, null or false. `remedy` continues a sentence that begins with the field. */
export function nothing(remedy: string): z.ZodType {
  const expected = { error: (): string => remedy };
  return optional(quickly(z.literal(false, expected), (value) => value === false));
}

/** Any JSON object; its fields are not checked. */
export const requiredObject = quickly(
  z.custom<object>((value) => isRecord(value), must('an object')).meta({ type: 'object' }),
  isRecord,
);
export const optionalObject = optional(requiredObject);

export const optionalFlag = optional(
  quickly(z.boolean(must('true or false')), (value) => typeof value === 'boolean'),
);
export const optionalNumber = optional(quickly(z.number(must('a number')), Number.isFinite));
export const requiredText = quickly(z.string(must('a string')), isText);
export const optionalText = optional(requiredText);
export const optionalTexts = z
  .array(z.string(must('a string')), must('an array of strings'))
  .max(100, must('an array of at most 100 strings'))
  .nullish();

const modelId = /^[A-Za-z0-9._:/-]{1,128}$/;
export const model = quickly(
  named(
    requiredMatch(
      modelId,
      'the id of a model: 1 to 128 letters, digits, dots, dashes, underscores, colons or slashes',
    ),
  ),
  (value) => typeof value === 'string' && modelId.test(value) && !looksLikeCredential(value),
);

export function requiredInteger(min: number, max = Number.MAX_SAFE_INTEGER): z.ZodType {
  const expected = must(`an integer${rangeOf(min, max)}`);
  return quickly(z.int(expected).min(min, expected).max(max, expected), (value) => {
    return Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max;
  });
}

export function optionalInteger(min: number, max?: number): z.ZodType {
  return optional(requiredInteger(min, max));
}

function rangeOf(min: number, max: number): string {
  if (max < Number.MAX_SAFE_INTEGER) return ` from ${min} to ${max}`;
  return min > Number.MIN_SAFE_INTEGER ? ` of at least ${min}` : '';
}

export function optionalNumberIn(min: number, max: number): z.ZodType {
  const expected = must(`a number from ${min} to ${max}`);
  return optional(
    quickly(z.number(expected).min(min, expected).max(max, expected), (value) => {
      return typeof value === 'number' && value >= min && value <= max;
    }),
  );
}

export function requiredChoice(choices: readonly string[]): z.ZodType {
  const names = new Set<unknown>(choices);
  return quickly(z.enum(choices, must(`one of ${choices.join(', ')}`)), (value) => names.has(value));
}

export function requiredMatch(pattern: RegExp, expectation: string): z.ZodString {
  const expected = must(expectation);
  return z.string(expected).regex(pattern, expected);
}

/** Text of a bounded number of characters. */
export function requiredTextOf(min: number, max = Infinity): z.ZodType {
  const expected = must(`a string ${lengthRange(min, max)}`);
  // JSON Schema counts characters as well.
  const schemaOf = { minLength: min, ...(max === Infinity ? {} : { maxLength: max }) };
  return quickly(
    z
      .string(expected)
      .refine((value) => hasLength(value, min, max), expected)
      .meta(schemaOf),
    (value) => typeof value === 'string' && hasLength(value, min, max),
  );
}

function lengthRange(min: number, max: number): string {
  if (max === Infinity) return min === 1 ? 'that is not empty' : `of at least ${min} characters`;
  return min === 0 ? `of at most ${max} characters` : `of ${min} to ${max} characters`;
}

/** Counts characters, not UTF-16 units: an emoji is one. Never looks at more than `max` of them. */
export function hasLength(value: string, min: number, max: number): boolean {
  if (value.length <= max) return value.length >= min;
  if (value.length > 2 * max) return false;
  return Array.from(value).length <= max;
}

function must(be: string): { error: (issue: { input?: unknown }) => string } {
  return {
    error: ({ input }) => (input === undefined ? `is required and must be ${be}` : `must be ${be}`),
  };
}
