/**
 * The children of a metric, made once for each combination of labels: prom-client's `labels()` builds and
 * checks them anew at every call.
 */
export class Labelled<Child> {
  readonly #children = new Map<string, Child>();
  readonly #make: (...labels: string[]) => Child;

  constructor(make: (...labels: string[]) => Child) {
    this.#make = make;
  }

  of(first: string, second?: string): Child {
    const key = second === undefined ? first : `${first}\n${second}`;
    const known = this.#children.get(key);
    if (known !== undefined) return known;
    const child = second === undefined ? this.#make(first) : this.#make(first, second);
    this.#children.set(key, child);
    return child;
  }
}
