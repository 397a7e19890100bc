import type { Store, StreamEntry } from '../store/store.ts';
import type { Element } from './drained-store.ts';

const elementsPerRead = 500;

/** What a stream of the store has after some element, in pages, so that the store is never held up. */
export class StreamTail {
  readonly #store: Store;
  readonly #key: string;

  constructor(store: Store, key: string) {
    this.#store = store;
    this.#key = key;
  }

  /** The oldest first, up to and including `until`. Rejects with `StoreUnavailable`. */
  async *oldestFirst(after: string, until = '+'): AsyncGenerator<Element[]> {
    let from = after;
    for (;;) {
      const page = await this.#store.attempt((client) =>
        client.xrange(this.#key, `(${from}`, until, 'COUNT', elementsPerRead),
      );
      if (page.length > 0) yield elementsOf(page);
      if (page.length < elementsPerRead) return;
      from = page.at(-1)?.[0] ?? from;
    }
  }

  /** The newest first, from before `before`; null: from the newest on. Rejects with `StoreUnavailable`. */
  async *newestFirst(after: string, before: string | null): AsyncGenerator<Element[]> {
    const oldest = `(${after}`;
    let newest = before === null ? '+' : `(${before}`;
    for (;;) {
      const page = await this.#store.attempt((client) =>
        client.xrevrange(this.#key, newest, oldest, 'COUNT', elementsPerRead),
      );
      if (page.length > 0) yield elementsOf(page);
      if (page.length < elementsPerRead) return;
      newest = `(${page.at(-1)?.[0]}`;
    }
  }

  /** The id of the oldest element; null if there is none. Rejects with `StoreUnavailable`. */
  async oldest(): Promise<string | null> {
    const [first] = await this.#store.attempt((client) => client.xrange(this.#key, '-', '+', 'COUNT', 1));
    return first?.[0] ?? null;
  }
}

function elementsOf(page: readonly StreamEntry[]): Element[] {
  return page.map(([id, fields]) => ({ id, fields }));
}
