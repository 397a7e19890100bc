import { invalidBody, type Problem, type Refusal } from '../base/refusal.ts';
import { type JsonObject, type JsonValue, isJsonObject } from '../base/request.ts';
import { ExactNumber } from '../base/exact-number.ts';
import { type Documented, isPlain, isSafe, respelled } from './documented.ts';

/** The most problems an answer reports (contract 1.4); checking may stop there. */
const maxProblems = 50;
/** Paths inside free-form values are the caller's text, so they are cut. */
const maxParamLength = 200;

export interface ListBounds {
  /** If absent, so may be the list. */
  min?: number;
  max: number;
  /** What the list holds, for the message: "messages". */
  of: string;
}

export interface ObjectList extends ListBounds {
  level: Documented;
  /** Whether there is nothing to check inside the fields of an object, as in most. */
  isFlat?: (object: JsonObject) => boolean;
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

  /** The same in a sentence of its own. */
  report(param: string, message: string): void {
    if (this.full || this.problems.some((known) => known.param === param)) return;
    this.problems.push({ param, message });
  }

  /** Checks the documented fields of one object, not what is inside them. Their numbers become plain ones, in place. */
  fields(level: Documented, value: JsonObject, path: string): void {
    if (isPlain(level, value)) return;
    for (const key in value) {
      const field = value[key];
      if (!level.names.has(key)) this.#checkSpelling(level, key, path);
      else if (typeof field === 'number') this.#checkSize(field, path, key);
      else if (field instanceof ExactNumber) {
        value[key] = field.value;
        this.#checkSize(field.value, path, key);
      }
    }
    const result = level.schema.safeParse(value);
    if (result.success) return;
    for (const { path: inside, message } of result.error.issues) {
      this.add(joinPath(path, inside.join('.')), message);
    }
  }

  #checkSpelling(level: Documented, key: string, path: string): void {
    const name = respelled(level, key);
    if (name !== undefined) {
      this.add(
        joinPath(path, key),
        `differs from ${name} only by case, blanks, or characters that are alike or not seen; write ${name}`,
      );
    }
  }

  /** The gateway reads the numbers of documented fields: they must be what every other reader takes them for. */
  #checkSize(number: number, path: string, key: string): void {
    if (isSafe(number)) return;
    this.add(joinPath(path, key), 'must be smaller than 2^53 in size; send it as a string');
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

  /** A list within its bounds, its items not checked yet; empty if it is absent or wrong. */
  list(value: JsonValue | undefined, path: string, { min, max, of }: ListBounds): readonly JsonValue[] {
    const isAbsent = value === undefined || value === null;
    if (isAbsent && min === undefined) return none;
    if (Array.isArray(value) && value.length >= (min ?? 0) && value.length <= max) return value;
    const range = min ? `${min} to ${max}` : `at most ${max}`;
    this.add(path, `${isAbsent ? 'is required and ' : ''}must be an array of ${range} ${of}`);
    return none;
  }

  /** Checks a list of objects with documented fields; `check` looks into each. Stops once enough was found. */
  objects(
    list: ObjectList,
    value: JsonValue | undefined,
    path: string,
    check?: (object: JsonObject, path: string) => void,
  ): void {
    const items = this.list(value, path, list);
    for (let index = 0; index < items.length && !this.full; index += 1) {
      const item = items[index];
      if (isJsonObject(item) && list.isFlat?.(item) && isPlain(list.level, item)) continue; // without its path
      const itemPath = joinPath(path, index);
      const object = this.object(list.level, item, itemPath);
      if (object) check?.(object, itemPath);
    }
  }

  /** Checks a list of strings. */
  strings(value: JsonValue | undefined, path: string, bounds: ListBounds): void {
    for (const [index, item] of this.list(value, path, bounds).entries()) {
      if (typeof item !== 'string') this.add(joinPath(path, index), 'must be a string');
    }
  }

  /** Null if nothing was found. */
  refusal(): Refusal | null {
    return this.problems.length === 0 ? null : invalidBody(this.problems);
  }
}

const none: readonly never[] = [];

/** `messages` and `0` make `messages.0`. */
export function joinPath(path: string, key: string | number): string {
  return path === '' ? String(key) : `${path}.${key}`;
}
