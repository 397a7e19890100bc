import { beforeEach, describe, expect, it } from 'vitest';
import type { RateLimitSnapshot } from '../../src/upstream/rate-limit-snapshot.ts';
import type { SnapshotStore } from '../../src/upstream/snapshot-store.ts';

/** What every store of readings must do. */
export function readingStoreContract(create: () => Promise<SnapshotStore>): void {
  const reading = (atMs: number, remaining = 3): RateLimitSnapshot => ({
    atMs,
    blockedUntilMs: atMs + 5,
    requests: { remaining, limit: Infinity, resetAtMs: atMs + 1_000 },
    tokens: { remaining: 0, limit: 800_000, resetAtMs: atMs + 2_000 },
  });
  let store: SnapshotStore;

  beforeEach(async () => {
    store = await create();
  });

  describe('readings', () => {
    it('are given back to whoever asks', async () => {
      expect(await store.share(['a', 'b'], [])).toEqual([]);
      const told = { keyHash: 'b', reading: reading(1_000) };
      expect(await store.share(['a', 'b'], [told])).toEqual([told]);
      expect(await store.share(['a'], [])).toEqual([]);
      expect(await store.share(['b'], [])).toEqual([told]);
    });

    it('stay the newest', async () => {
      await store.share(['a'], [{ keyHash: 'a', reading: reading(2_000) }]);
      const [known] = await store.share(['a'], [{ keyHash: 'a', reading: reading(1_999, 9) }]);
      expect(known?.reading).toEqual(reading(2_000));
      const [newer] = await store.share(['a'], [{ keyHash: 'a', reading: reading(2_001, -7) }]);
      expect(newer?.reading).toEqual(reading(2_001, -7));
    });

    it('may know of one limit, or of none', async () => {
      const told = { keyHash: 'a', reading: { ...reading(1_000), requests: null, tokens: null } };
      expect(await store.share(['a'], [told])).toEqual([told]);
    });

    it('are copies', async () => {
      await store.share(['a'], [{ keyHash: 'a', reading: reading(1_000) }]);
      const [known] = await store.share(['a'], []);
      if (known?.reading.requests) known.reading.requests.remaining = 99;
      expect((await store.share(['a'], []))[0]?.reading).toEqual(reading(1_000));
    });
  });
}
