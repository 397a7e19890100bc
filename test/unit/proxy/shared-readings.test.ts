import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { ReadingStore, SharedReading } from '../../../src/core/reading.ts';
import { createLog } from '../../../src/observability/log.ts';
import { Room } from '../../../src/proxy/room.ts';
import { SharedReadings } from '../../../src/proxy/shared-readings.ts';

const aheadMs = 1_000_000;
let nowMs = 0;
let asked: SharedReading[][];
let room: Room;
let readings: SharedReadings;

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  room = new Room();
  const store: ReadingStore = {
    share: (_, news) => {
      asked.push([...news]);
      return Promise.resolve([...news]);
    },
  };
  const clock = { now: () => nowMs, monotonic: () => nowMs };
  readings = new SharedReadings({
    store,
    rooms: new Map([['key', room]]),
    isWaiting: () => false,
    storeNowMs: () => nowMs + aheadMs,
    clock,
    log: createLog({ level: 'silent', write: () => undefined }),
  });
  readings.start();
});
afterEach(() => {
  readings.stop();
  vi.useRealTimers();
});

async function second(): Promise<void> {
  nowMs += 1_000;
  await vi.advanceTimersByTimeAsync(1_000);
}

it('an answer long after its request is shared, although no other was sent since', async () => {
  const taken = room.take(1);
  await second();
  await second();
  expect(asked).toEqual([[]]);
  const requests = { remaining: 0, limit: 10, resetAtMs: nowMs + 9_000 };
  room.read({ atMs: nowMs, blockedUntilMs: 0, requests, tokens: null }, taken);
  const atMs = nowMs + aheadMs;
  await second();
  expect(asked.at(-1)).toMatchObject([{ keyHash: 'key', reading: { atMs } }]);
  await second();
  await second();
  expect(asked).toHaveLength(2);
});
