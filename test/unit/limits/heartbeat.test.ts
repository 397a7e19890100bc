import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Heartbeat } from '../../../src/limits/heartbeat.ts';
import { encodeOpen } from '../../../src/limits/open-record.ts';
import type { Beat } from '../../../src/limits/store.ts';
import { openRequest } from './samples.ts';
import { fakeClock, keptLog, pass, UnsteadyStore } from './unsteady-store.ts';
import { countersOf } from '../../support/counters-of.ts';

const leaseMs = 20_000;
const startMs = Date.UTC(2026, 0, 31, 12);
let store: UnsteadyStore;
let heartbeat: Heartbeat;
let log: ReturnType<typeof keptLog>;

beforeEach(() => {
  vi.useFakeTimers({ now: startMs });
  store = new UnsteadyStore({ leaseMs });
  log = keptLog();
  heartbeat = new Heartbeat({ store, process: 'p1', leaseMs, clock: fakeClock(), log });
});

afterEach(async () => {
  store.mood = 'well';
  await heartbeat.stop();
  vi.useRealTimers();
});

/** Leaves `count` requests of a process open that never beats again. */
async function diesWith(process: string, count: number): Promise<void> {
  await store.inner.beat(process);
  const request = (n: number): Parameters<typeof store.inner.admit>[1][number] => ({
    grant: `${process}-${n}`,
    team: 'acme',
    epoch: 'epoch-1',
    notAfterMs: Infinity,
    expiresAtMs: Infinity,
    session: null,
    record: encodeOpen(openRequest({ slots: ['c'] })),
    limits: [{ id: 'c', span: 'open', amount: 1, max: count }],
  });
  await store.inner.admit(
    process,
    Array.from({ length: count }, (_, n) => request(n)),
  );
}

function lostIds(): string[] {
  return store.entries.filter(({ outcome }) => outcome === 'lost').map(({ id }) => id);
}

describe('the heartbeat', () => {
  it('beats at once and then four times a lease', async () => {
    heartbeat.start();
    expect(store.callsOf('beat')).toHaveLength(1);
    await pass(leaseMs);
    expect(store.callsOf('beat')).toHaveLength(5);
  });

  it('goes on through an outage, and soon after it', async () => {
    store.mood = 'refuses';
    heartbeat.start();
    await pass(60_000);
    expect(log.lines.every(({ message }) => message === 'heartbeat failed')).toBe(true);
    const failed = store.callsOf('beat').length;
    store.mood = 'well';
    await pass(500);
    expect(store.callsOf('beat').length).toBeGreaterThan(failed);
  });

  it('is one call for all who ask at once', async () => {
    store.mood = 'slow';
    const beats = Promise.all([heartbeat.beat(), heartbeat.beat(), heartbeat.beat()]);
    await pass(100);
    await beats;
    expect(store.callsOf('beat')).toHaveLength(1);
    const again = heartbeat.beat();
    await pass(100);
    await again;
    expect(store.callsOf('beat')).toHaveLength(2);
  });

  it('counts as sent when what it tells has been taken in', async () => {
    const told: string[] = [];
    const { promise: taken, resolve: take } = Promise.withResolvers<undefined>();
    const onBeat = async ({ prices }: Beat): Promise<void> => {
      told.push(prices);
      await taken;
    };
    const other = new Heartbeat({ store, process: 'p1', leaseMs, clock: fakeClock(), log, onBeat });
    let isSent = false;
    const beat = other.beat().then(() => (isSent = true));
    await pass(1);
    expect([told, isSent]).toEqual([[''], false]);
    take(undefined);
    await beat;
    expect(isSent).toBe(true);
  });

  it("tells the store's clock, however far it is from ours", async () => {
    const ahead = new UnsteadyStore({ leaseMs, clock: fakeClock(7_000) });
    const other = new Heartbeat({ store: ahead, process: 'p1', leaseMs, clock: fakeClock(), log });
    expect(other.storeNowMs()).toBe(startMs);
    await other.beat();
    expect(other.storeNowMs()).toBe(startMs + 7_000);
    await pass(250);
    expect(other.storeNowMs()).toBe(startMs + 7_250);
  });

  it('stops, and leaves no trace where nothing is open', async () => {
    heartbeat.start();
    await pass(1);
    await heartbeat.stop();
    await pass(leaseMs * 3);
    expect(store.callsOf('beat')).toHaveLength(1);
    expect((await store.inner.beat('p2')).silent).toEqual([]);
  });

  it('stops without a word where the store is away', async () => {
    await heartbeat.beat();
    store.mood = 'refuses';
    await expect(heartbeat.stop()).resolves.toBeUndefined();
  });
});

describe('sweeping', () => {
  it('closes what a silent process left as lost, once, and gives its places back', async () => {
    await diesWith('p9', 250);
    heartbeat.start();
    await pass(leaseMs * 2.5);
    expect(lostIds()).toHaveLength(250);
    expect(new Set(lostIds()).size).toBe(250);
    expect(Math.max(...store.callsOf('settleSilent'))).toBeLessThanOrEqual(100);
    expect((await countersOf(store.inner, 'acme', [{ id: 'c', span: 'open' }]))[0]?.used).toBe(0);
    expect((await store.inner.beat('p1')).silent).toEqual([]);
    expect(log.lines.map(({ message }) => message)).toEqual([
      'closed the requests of a silent process as lost',
    ]);
  });

  it('waits a full lease after the start', async () => {
    await diesWith('p9', 1);
    await pass(leaseMs * 2);
    heartbeat.start();
    await pass(leaseMs - 1);
    expect(lostIds()).toEqual([]);
    await pass(leaseMs / 2);
    expect(lostIds()).toEqual(['p9-0']);
  });

  it('leaves processes alone that are alive', async () => {
    await diesWith('p9', 1);
    const other = new Heartbeat({ store, process: 'p9', leaseMs, clock: fakeClock(), log });
    other.start();
    heartbeat.start();
    await pass(leaseMs * 5);
    expect(lostIds()).toEqual([]);
    await other.stop();
  });

  it('stops where a process turns out to be alive', async () => {
    await diesWith('p9', 1);
    heartbeat.start();
    await pass(leaseMs);
    store.inner.settleSilent = () => Promise.resolve(null);
    await pass(leaseMs);
    expect(lostIds()).toEqual([]);
    expect(store.callsOf('beat').length).toBeGreaterThan(5);
  });

  it('waits a full lease after an outage of the store', async () => {
    heartbeat.start();
    await pass(leaseMs * 2);
    await diesWith('p9', 1);
    store.mood = 'hangs';
    await pass(leaseMs * 2);
    store.mood = 'well';
    // Everybody has been silent, and p9 has not come back yet.
    await pass(leaseMs - 1_000);
    expect(lostIds()).toEqual([]);
    await pass(leaseMs / 2);
    expect(lostIds()).toEqual(['p9-0']);
  });

  it('waits a full lease as well after an outage somewhat shorter than that', async () => {
    heartbeat.start();
    await pass(leaseMs * 2 + 500);
    // Another process beats for the last time before the outage; this one once more, a quarter of a lease later.
    await diesWith('p9', 1);
    await pass(leaseMs / 4 - 100);
    store.mood = 'refuses';
    await pass(leaseMs * 0.9);
    store.mood = 'well';
    // Back before p9, which has been silent for over a lease, as the outage would have it.
    await pass(500);
    expect((await store.inner.beat('p1')).silent).toEqual(['p9']);
    expect(lostIds()).toEqual([]);
    await pass(leaseMs * 1.5);
    expect(lostIds()).toEqual(['p9-0']);
  });

  it('goes on where it was when the store comes back in the middle of it', async () => {
    await diesWith('p9', 250);
    heartbeat.start();
    await pass(leaseMs - 1);
    const settleSilent = store.inner.settleSilent.bind(store.inner);
    let answered = 0;
    store.inner.settleSilent = (...args) => {
      answered += 1;
      if (answered === 2) store.mood = 'refuses';
      return settleSilent(...args);
    };
    await pass(leaseMs);
    expect(lostIds()).toHaveLength(200);
    store.mood = 'well';
    await pass(leaseMs * 2);
    expect(new Set(lostIds()).size).toBe(250);
    expect(lostIds()).toHaveLength(250);
  });
});
