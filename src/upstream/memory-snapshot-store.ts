import type { RateLimitSnapshot, SnapshotStore, SharedSnapshot } from './rate-limit-snapshot.ts';

/** Readings of the embedded store. There is one process only, so nobody else reads them. */
export class MemorySnapshotStore implements SnapshotStore {
  readonly #newest = new Map<string, RateLimitSnapshot>();

  share(keyHashes: readonly string[], news: readonly SharedSnapshot[]): Promise<SharedSnapshot[]> {
    for (const { keyHash, reading } of news) {
      if (reading.atMs > (this.#newest.get(keyHash)?.atMs ?? 0)) {
        this.#newest.set(keyHash, structuredClone(reading));
      }
    }
    const known = keyHashes.flatMap((keyHash) => {
      const reading = this.#newest.get(keyHash);
      return reading ? [{ keyHash, reading: structuredClone(reading) }] : [];
    });
    return Promise.resolve(known);
  }
}
