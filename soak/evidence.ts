import type { Books, Written } from './books.ts';
import type { Call } from './calls.ts';
import type { Seen } from './upstream.ts';

/** One entry of the ledger with what its caller and the upstream know of the same request. */
export interface Told {
  entry: Written;
  call: Call | undefined;
  seen: Seen | undefined;
}

/** All there is to compare, put together by request id: callers never send one twice. */
export interface Evidence {
  books: Books;
  calls: readonly Call[];
  seen: readonly Seen[];
  told: readonly Told[];
}

export function gather(books: Books, calls: readonly Call[], seen: readonly Seen[]): Evidence {
  const callById = new Map(calls.map((call) => [call.requestId, call]));
  const seenById = new Map(seen.map((each) => [each.requestId, each]));
  const told = books.entries.map((entry): Told => {
    const id = entry.request_id;
    return { entry, call: callById.get(id), seen: seenById.get(id) };
  });
  return { books, calls, seen, told };
}
