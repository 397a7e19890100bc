import type { Tags } from '../base/tags.ts';

type Value = string | number | boolean | Date | readonly string[];

/** The conditions of a statement, with their values as parameters: no text of a caller is ever part of the SQL. */
export class Conditions {
  readonly values: Value[] = [];
  readonly #conditions: string[] = [];

  /** Adds a condition; each `?` in it stands for the next value. */
  add(condition: string, ...values: readonly Value[]): this {
    let at = 0;
    const numbered = condition.replaceAll('?', () => {
      this.values.push(values[at] ?? '');
      at += 1;
      return `$${this.values.length}`;
    });
    this.#conditions.push(numbered);
    return this;
  }

  /** Adds `column = value` for each value that is given. An empty text equals nothing: it stands for what is not known. */
  equal(
    columns: Readonly<Partial<Record<string, string>>>,
    wanted: Readonly<Record<string, string | undefined>>,
  ): this {
    for (const [name, value] of Object.entries(wanted)) {
      const column = columns[name];
      if (value !== undefined && column !== undefined) this.add(`${column} = NULLIF(?, '')`, value);
    }
    return this;
  }

  /** The `WHERE` clause; empty if there is no condition. */
  get where(): string {
    return this.#conditions.length === 0 ? '' : `WHERE ${this.#conditions.join(' AND ')}`;
  }
}

/** Adds that an entry has these tags. */
export function addTags(conditions: Conditions, tags: Readonly<Tags>): void {
  for (const [key, value] of Object.entries(tags)) {
    conditions.add("position(? IN ',' || tags || ',') > 0", `,${key}=${value},`);
  }
}
