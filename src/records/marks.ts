/** What both places say of each other. */
export interface Marks {
  /** In Postgres: the store that it has the records of, null if of none yet, and how often that was drained. */
  readonly records: { readonly store: string | null; readonly mark: number };
  /** In the store: its name, and how often it was drained; null if it says nothing. */
  readonly store: { readonly name: string; readonly mark: number } | null;
  /** Whether the store has what was drained last, or has trimmed it. */
  readonly hasDrained: boolean;
}

export type Comparison =
  /** Neither has a mark: this is the first drain. */
  | { readonly kind: 'first' }
  /** Both are in step. */
  | { readonly kind: 'in_step' }
  /** A drain was committed, and its process ended before it told the store. */
  | { readonly kind: 'untold' }
  /** The store is empty, or older than the last drain: it must be restored before it is used. */
  | { readonly kind: 'store_forgot'; readonly how: 'emptied' | 'rewound' }
  /** Postgres is older than the last drain, or new: what the store still has is drained again. */
  | { readonly kind: 'records_forgot' }
  /** Postgres has the records of another store. */
  | { readonly kind: 'other_store' };

/** Which of the two has lost something. Each drain raises the mark in Postgres first, then in the store. Pure. */
export function compareMarks({ records, store, hasDrained }: Marks): Comparison {
  if (store === null) {
    return records.store === null ? { kind: 'first' } : { kind: 'store_forgot', how: 'emptied' };
  }
  if (records.store === null) return { kind: 'records_forgot' };
  if (records.store !== store.name) return { kind: 'other_store' };
  if (store.mark > records.mark) return { kind: 'records_forgot' };
  if (store.mark === records.mark) return { kind: 'in_step' };
  const isLast = store.mark === records.mark - 1;
  return isLast && hasDrained ? { kind: 'untold' } : { kind: 'store_forgot', how: 'rewound' };
}
