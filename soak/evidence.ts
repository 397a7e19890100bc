import type { StoreSnapshot, WrittenEntry } from './store-snapshot.ts';
import type { Call } from './calls.ts';
import type { RecordsSnapshot } from './records-snapshot.ts';
import type { Seen } from './upstream.ts';

/** One entry of the ledger, with what its caller and the upstream saw of the same request. */
export interface MatchedEntry {
  entry: WrittenEntry;
  call: Call | undefined;
  seen: Seen | undefined;
}

/** Everything to compare, joined by request id. Callers never send an id twice. */
export interface Evidence {
  snapshot: StoreSnapshot;
  records: RecordsSnapshot;
  calls: readonly Call[];
  seen: readonly Seen[];
  matched: readonly MatchedEntry[];
}

export function gather({ snapshot, records, calls, seen }: Omit<Evidence, 'matched'>): Evidence {
  const callById = new Map(calls.map((call) => [call.requestId, call]));
  const seenById = new Map(seen.map((each) => [each.requestId, each]));
  const matched = snapshot.entries.map((entry): MatchedEntry => {
    const id = entry.request_id;
    return { entry, call: callById.get(id), seen: seenById.get(id) };
  });
  return { snapshot, records, calls, seen, matched };
}
