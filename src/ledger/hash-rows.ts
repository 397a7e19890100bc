import type { Store } from '../store/store.ts';

/**
 * A day with fewer rows takes one command. A larger one is read in parts, so it neither blocks the store nor fills the
 * memory.
 */
const rowsPerRead = 2_000;

/**
 * All fields of a hash with their values, in pages, each field once. If a value changes meanwhile, it is the old or the
 * new one. Rejects with `StoreUnavailable`.
 */
export async function* rowsOfHash(store: Store, key: string): AsyncGenerator<[string, string][]> {
  // HSCAN may return a field twice if the hash is resized between two reads (redis.io, SCAN guarantees).
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
