import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { SharedSnapshot, ShareSnapshots } from '../../../src/upstream/snapshot-store.ts';
import { createLog } from '../../../src/observability/log.ts';
import { KeyQuota } from '../../../src/upstream/key-quota.ts';
import { SharedSnapshots } from '../../../src/upstream/shared-snapshots.ts';

const aheadMs = 1_000_000;
let nowMs = 0;
let asked: SharedSnapshot[][];
let quota: KeyQuota;
let snapshots: SharedSnapshots;

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  quota = new KeyQuota();
  const share: ShareSnapshots = (_, news) => {
    asked.push([...news]);
    return Promise.resolve([...news]);
  };
  const clock = { now: () => nowMs, monotonic: () => nowMs };
  snapshots = new SharedSnapshots({
    share,
    quotas: new Map([['key', quota]]),
    isWaiting: () => false,
    storeNowMs: () => nowMs + aheadMs,
    clock,
    log: createLog({ level: 'silent', output: { write: () => undefined, delivered: async () => undefined } }),
  });
  snapshots.start();
});
afterEach(() => {
  snapshots.stop();
  vi.useRealTimers();
});

async function second(): Promise<void> {
  nowMs += 1_000;
  await vi.advanceTimersByTimeAsync(1_000);
}

it('an answer long after its request is shared, although no other was sent since', async () => {
  const taken = quota.recordSent(1);
  await second();
  await second();
  expect(asked).toEqual([[]]);
  const requests = { remaining: 0, limit: 10, resetAtMs: nowMs + 9_000 };
  quota.recordSnapshot({ atMs: nowMs, blockedUntilMs: 0, requests, tokens: null }, taken);
  const atMs = nowMs + aheadMs;
  await second();
  expect(asked.at(-1)).toMatchObject([{ keyHash: 'key', snapshot: { atMs } }]);
  await second();
  await second();
  expect(asked).toHaveLength(2);
});
