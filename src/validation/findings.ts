import { invalidBody, type Problem, type Refusal } from '../base/refusal.ts';
import { type JsonObject, type JsonValue, isJsonObject } from '../base/request.ts';
import { caseVariants, type Documented } from './documented.ts';

/** The most problems an answer reports (contract 1.4); checking may stop there. */
const maxProblems = 50;
/** Paths inside free-form values are the caller's text, so they are cut. */
const maxParamLength = 200;

export interface ListBounds {
  min?: number;
  max: number;
  /** What the list holds, for the message: "messages". */
  of: string;
}

/** Collects what is wrong with a body, one problem a field. */
export class Findings {
  readonly problems: Problem[] = [];

  get full(): boolean {
    return this.problems.length >= maxProblems;
  }

  /** `expectation` continues a sentence that begins with the field: "must be …". */
  add(path: string, expectation: string): void {
    const param = path.length > maxParamLength ? `${path.slice(0, maxParamLength)}…` : path;
    if (this.full || this.problems.some((known) => known.param === param)) return;
    this.problems.push({ param, message: `${param} ${expectation}.` });
  }

  /** Checks the documented fields of one object, not what is inside them. */
  fields(level: Documented, value: JsonObject, path: string): void {
    for (const [key, documentedName] of caseVariants(level, value)) {
      this.add(joinPath(path, key), `differs from ${documentedName} only by case; write ${documentedName}`);
    }
    const result = level.schema.safeParse(value);
    if (result.success) return;
    for (const { path: inside, message } of result.error.issues) {
      this.add(joinPath(path, inside.join('.')), message);
    }
  }

  /** Checks an object with documented fields; null if it is not an object. */
  object(level: Documented, value: JsonValue | undefined, path: string): JsonObject | null {
    if (!isJsonObject(value)) {
      this.add(path, `${value === undefined ? 'is required and ' : ''}must be an object`);
      return null;
    }
    this.fields(level, value, path);
    return value;
  }

  /** The same, but the object may be absent or null. */
  optionalObject(level: Documented, value: JsonValue | undefined, path: string): JsonObject | null {
    return value === undefined || value === null ? null : this.object(level, value, path);
  }

  /** A list within its bounds, its items not checked yet; null otherwise. */
  list(value: JsonValue | undefined, path: string, { min = 0, max, of }: ListBounds): JsonValue[] | null {
    if ((value === undefined || value === null) && min === 0) return null;
    if (Array.isArray(value) && value.length >= min && value.length <= max) return value;
    const range = min === 0 ? `at most ${max}` : `${min} to ${max}`;
    this.add(path, `${value === undefined ? 'is required and ' : ''}must be an array of ${range} ${of}`);
    return null;
  }

  /** Null when nothing was found. */
  refusal(): Refusal | null {
    return this.problems.length === 0 ? null : invalidBody(this.problems);
  }
}

/** `messages` and `0` make `messages.0`. */
export function joinPath(path: string, key: string | number): string {
  return path === '' ? String(key) : `${path}.${key}`;
}
