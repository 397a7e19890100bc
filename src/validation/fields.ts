import { z } from 'zod';
import { named } from '../base/fields.ts';
import { isRecord } from '../base/request.ts';

/*
 * The kinds of field that endpoints share. Each has one phrase for what it expects, whatever is wrong with the value.
 * The value itself is never repeated. Optional fields may be null (contract 1.4).
 */

/** Anything at all: free-form, or checked by other code. */
export const anything = z.unknown();

/** Any JSON object; its fields are not checked. */
export const requiredObject = z
  .custom<object>((value) => isRecord(value), must('an object'))
  .meta({ type: 'object' });
export const optionalObject = requiredObject.nullish();

export const optionalFlag = z.boolean(must('true or false')).nullish();
export const optionalNumber = z.number(must('a number')).nullish();
export const optionalText = z.string(must('a string')).nullish();
export const optionalTexts = z
  .array(z.string(must('a string')), must('an array of strings'))
  .max(100, must('an array of at most 100 strings'))
  .nullish();
export const requiredText = z.string(must('a string'));

export const model = named(
  requiredMatch(
    /^[A-Za-z0-9._:/-]{1,128}$/,
    'the id of a model: 1 to 128 letters, digits, dots, dashes, underscores, colons or slashes',
  ),
);

export function requiredInteger(min: number, max = Number.MAX_SAFE_INTEGER): z.ZodType {
  const expected = must(`an integer${rangeOf(min, max)}`);
  return z.int(expected).min(min, expected).max(max, expected);
}

export function optionalInteger(min: number, max?: number): z.ZodType {
  return requiredInteger(min, max).nullish();
}

function rangeOf(min: number, max: number): string {
  if (max < Number.MAX_SAFE_INTEGER) return ` from ${min} to ${max}`;
  return min > Number.MIN_SAFE_INTEGER ? ` of at least ${min}` : '';
}

export function optionalNumberIn(min: number, max: number): z.ZodType {
  const expected = must(`a number from ${min} to ${max}`);
  return z.number(expected).min(min, expected).max(max, expected).nullish();
}

export function requiredChoice(choices: readonly string[]): z.ZodType {
  return z.enum(choices, must(`one of ${choices.join(', ')}`));
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
  return z
    .string(expected)
    .refine((value) => hasLength(value, min, max), expected)
    .meta(schemaOf);
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
