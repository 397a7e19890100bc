import { z } from 'zod';
import { ExactNumber } from '../base/exact-number.ts';
import { type JsonObject, isJsonObject } from '../base/request.ts';
import { anything, type QuickYes, quickYesOf } from './fields.ts';

/** An object whose fields Heroku documents: their types and their spelling. */
export interface Documented {
  schema: z.ZodType;
  /** Every field, including those that other code checks. */
  fields: Readonly<Record<string, z.ZodType>>;
  names: ReadonlySet<string>;
  quick: ReadonlyMap<string, QuickField>;
  /** How many fields must be there. */
  required: number;
  /** Folded spelling → documented spelling. */
  folded: ReadonlyMap<string, string>;
}

/** How a field is checked without its schema. */
export interface QuickField {
  yes: QuickYes;
  isRequired: boolean;
}

/**
 * Describes the fields of an object. Unknown fields pass untouched, unless they are another spelling of a documented
 * one: some parsers (Go's encoding/json) take `Max_Tokens` for `max_tokens`, and would read what was never checked.
 */
export function documented(fields: Record<string, z.ZodType>): Documented {
  const names = Object.keys(fields);
  const checked = Object.entries(fields).filter(([, type]) => type !== anything);
  const quick = new Map(
    Object.entries(fields).map(([name, type]): [string, QuickField] => [
      name,
      { yes: quickYesOf(type), isRequired: !type.safeParse(undefined).success },
    ]),
  );
  return {
    schema: z.object(Object.fromEntries(checked)),
    fields,
    names: new Set(names),
    quick,
    required: [...quick.values()].filter(({ isRequired }) => isRequired).length,
    folded: new Map(names.map((name) => [fold(name), name])),
  };
}

/** The object's schema in the OpenAPI document. `byCode` has the schemas of the fields that other code checks. */
export function schemaOf(
  { fields }: Documented,
  byCode: Readonly<Record<string, z.ZodType>> = {},
): z.ZodType {
  const shown = Object.entries(fields).map(([name, type]): [string, z.ZodType] => [
    name,
    byCode[name] ?? (type === anything ? anything.optional() : type),
  ]);
  return z.looseObject(Object.fromEntries(shown));
}

/** From here on doubles skip integers: what is sent on would not be what was sent in. */
const unsafeMagnitude = 2 ** 53;

export function isSafe(number: number): boolean {
  return number < unsafeMagnitude && number > -unsafeMagnitude;
}

/**
 * Whether an object has plainly nothing wrong with its documented fields, as nearly all have: no name to be corrected, no
 * number to be made plain, nothing that the schema would refuse. A short chat is checked in two fifths of the time. The
 * schema remains the definition: a no says nothing.
 */
export function isPlain(level: Documented, value: JsonObject): boolean {
  const { quick, required } = level;
  let found = 0;
  for (const key in value) {
    const field = value[key];
    const check = quick.get(key);
    if (check === undefined) {
      if (respelled(level, key) !== undefined) return false;
      continue;
    }
    if (!check.yes(field) || field instanceof ExactNumber) return false;
    if (typeof field === 'number' && !isSafe(field)) return false;
    if (check.isRequired) found++;
  }
  return found === required;
}

/** The documented name that a key is another spelling of; undefined if there is none. */
export function respelled({ folded }: Documented, key: string): string | undefined {
  const end = key.indexOf('\0'); // where a reader written in C ends it
  return folded.get(fold(key)) ?? (end > 0 ? folded.get(fold(key.slice(0, end))) : undefined);
}

const none: readonly never[] = [];

const visibleAscii = /^[!-~]*$/;
/** What is not seen: control and format characters, and those that Unicode says may be ignored (UAX 44). */
const unseen = /[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
/** Much longer than any documented name. Further characters may only be unseen ones. */
const maxLength = 128;

/**
 * The spelling that a lax reader may take a key for: trimmed, without what is not seen, in Unicode's compatibility form
 * (NFKC), and without case.
 */
function fold(key: string): string {
  if (visibleAscii.test(key)) return withoutCase(key);
  const seen = key.replaceAll(unseen, '').trim();
  return seen.length > maxLength ? '' : withoutCase(seen.normalize('NFKC').trim());
}

/** Both ways, since U+017F (ſ) becomes an S only in upper case and U+212A (K) a k only in lower case. */
function withoutCase(key: string): string {
  return key.toUpperCase().toLowerCase();
}

/** A field that has been checked to be a number, or is absent or null. */
export function numberIn(object: JsonObject, key: string): number | null {
  const value = object[key];
  return typeof value === 'number' ? value : null;
}

/** A field that has been checked to be a string; empty if it is not one. */
export function textIn(object: JsonObject, key: string): string {
  const value = object[key];
  return typeof value === 'string' ? value : '';
}

/** The objects in a list; none if the field is not a list. */
export function objectsIn(object: JsonObject, key: string): readonly JsonObject[] {
  const value = object[key];
  return Array.isArray(value) ? value.filter(isJsonObject) : none;
}
