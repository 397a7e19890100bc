import type { Store } from '../store/store.ts';

/** A day of fewer rows takes one command; one of more neither holds the store up nor is in memory at once. */
const rowsPerRead = 2_000;

/**
 * All fields of a hash with their values, in pages, each field once. What changes meanwhile is given as it was or as
 * it is. Rejects with `StoreUnavailable`.
 */
export async function* rowsOfHash(store: Store, key: string): AsyncGenerator<[string, string][]> {
  // HSCAN may give a field twice where the hash is resized between two reads (redis.io, SCAN guarantees).
  const seen = new Set<string>();
  let cursor = '0';
  do {
    const [next, flat] = await store.attempt((client) => client.hscan(key, cursor, 'COUNT', rowsPerRead));
    const onlyPage = cursor === '0' && next === '0';
    const page: [string, string][] = [];
    for (let at = 0; at + 1 < flat.length; at += 2) {
      const field = flat[at] ?? '';
      if (seen.has(field)) continue;
      if (!onlyPage) seen.add(field);
      page.push([field, flat[at + 1] ?? '']);
    }
    yield page;
    cursor = next;
  } while (cursor !== '0');
}
