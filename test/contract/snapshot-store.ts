import { beforeEach, describe, expect, it } from 'vitest';
import type { ToldSnapshot } from '../../src/upstream/told-quota.ts';
import type { ShareSnapshots } from '../../src/upstream/snapshot-store.ts';

/** What every store of snapshots must do. */
export function snapshotStoreContract(create: () => Promise<ShareSnapshots>): void {
  const snapshot = (atMs: number, remaining = 3): ToldSnapshot => ({
    team: 'acme',
    atMs,
    blockedUntilMs: atMs + 5,
    requests: { remaining, limit: Infinity, resetAtMs: atMs + 1_000 },
    tokens: { remaining: 0, limit: 800_000, resetAtMs: atMs + 2_000 },
  });
  let share: ShareSnapshots;

  beforeEach(async () => {
    share = await create();
  });

  describe('snapshots', () => {
    it('are given back to whoever asks', async () => {
      expect(await share(['a', 'b'], [])).toEqual([]);
      const told = { keyHash: 'b', snapshot: snapshot(1_000) };
      expect(await share(['a', 'b'], [told])).toEqual([told]);
      expect(await share(['a'], [])).toEqual([]);
      expect(await share(['b'], [])).toEqual([told]);
    });

    it('stay the newest', async () => {
      await share(['a'], [{ keyHash: 'a', snapshot: snapshot(2_000) }]);
      const [known] = await share(['a'], [{ keyHash: 'a', snapshot: snapshot(1_999, 9) }]);
      expect(known?.snapshot).toEqual(snapshot(2_000));
      const [newer] = await share(['a'], [{ keyHash: 'a', snapshot: snapshot(2_001, -7) }]);
      expect(newer?.snapshot).toEqual(snapshot(2_001, -7));
    });

    it('may know of one limit, or of none', async () => {
      const told = { keyHash: 'a', snapshot: { ...snapshot(1_000), requests: null, tokens: null } };
      expect(await share(['a'], [told])).toEqual([told]);
    });

    it('are copies', async () => {
      await share(['a'], [{ keyHash: 'a', snapshot: snapshot(1_000) }]);
      const [known] = await share(['a'], []);
      if (known?.snapshot.requests) known.snapshot.requests.remaining = 99;
      expect((await share(['a'], []))[0]?.snapshot).toEqual(snapshot(1_000));
    });
  });
}
