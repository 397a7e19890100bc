import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StoredEvent } from '../../../src/base/event.ts';
import type { Duty } from '../../../src/events/duties.ts';
import { Outbox } from '../../../src/events/outbox.ts';
import { LookedAt } from '../../../src/monitors/looked-at.ts';
import { monitorsDuty } from '../../../src/monitors/monitors.ts';
import type { Monitor, Notice } from '../../../src/monitors/notice.ts';
import { scriptOf } from '../../../src/store/script.ts';
import type { Store } from '../../../src/store/store.ts';
import { embeddedStore, testKeys as keys } from '../../support/embedded-store.ts';
import { keptLog } from '../limits/unsteady-store.ts';

const dayMs = 86_400_000;
const startMs = Date.parse('2026-11-30T12:00:00Z');
const setWebhook = scriptOf('set_webhook', "return redis.call('HSET', KEYS[1], 'wh_1', '{}')");
let nowMs: number;
let store: Store;
let outbox: Outbox;
let log: ReturnType<typeof keptLog>;
let ending: AbortController;

beforeEach(async () => {
  nowMs = startMs;
  store = embeddedStore(() => nowMs);
  outbox = new Outbox(store, keys);
  log = keptLog();
  ending = new AbortController();
  await store.run(setWebhook, [keys.webhooks], []);
});

afterEach(() => ending.abort());

function dutyOf(...monitors: Monitor[]): Duty {
  const clock = { monotonic: () => nowMs };
  return monitorsDuty({ monitors, outbox, lookedAt: new LookedAt(store, keys), store, keys, clock, log });
}

const turn = (duty: Duty): Promise<void> => duty.turn({ fence: '1', signal: ending.signal });
const told = async (): Promise<StoredEvent[]> => outbox.after('0-0', 2_000);

function noticeOf(mark: string): Notice {
  const data = { day: '2026-11-30', cost_usd: 10, mean_usd: 1 };
  return { event: { type: 'spend.anomaly', team: mark, data }, mark, untilMs: nowMs + 2 * dayMs };
}

/** Tells of so many teams at each look. */
function monitorOf(count: number, more: Partial<Monitor> = {}): Monitor & { looks: number } {
  return {
    name: 'counted',
    everyMs: 60_000,
    looks: 0,
    async *notices() {
      this.looks += 1;
      for (let n = 0; n < count; n += 1) yield noticeOf(`team-${n}`);
    },
    ...more,
  };
}

describe('the monitors', () => {
  it('look at their own pace, and tell what is marked once', async () => {
    const [often, seldom] = [monitorOf(1), monitorOf(0, { everyMs: 300_000 })];
    const duty = dutyOf(often, seldom);
    for (let minute = 0; minute < 10; minute += 1) {
      await turn(duty);
      await turn(duty);
      nowMs += 60_000;
    }
    expect([often.looks, seldom.looks]).toEqual([10, 2]);
    expect(await told()).toHaveLength(1);
  });

  it('do not look while there is no webhook, and look as soon as there is one', async () => {
    store = embeddedStore(() => nowMs);
    outbox = new Outbox(store, keys);
    const monitor = monitorOf(1);
    const duty = dutyOf(monitor);
    await turn(duty);
    expect(monitor.looks).toBe(0);
    await store.run(setWebhook, [keys.webhooks], []);
    await turn(duty);
    expect(monitor.looks).toBe(1);
  });

  it('look once at a day, whichever process they run in', async () => {
    const of = (at: number): string => new Date(at).toISOString().slice(0, 10);
    const [mine, yours] = [monitorOf(1, { period: of }), monitorOf(1, { period: of })];
    await turn(dutyOf(mine));
    await turn(dutyOf(yours));
    expect([mine.looks, yours.looks]).toEqual([1, 0]);
    nowMs += dayMs;
    await turn(dutyOf(yours));
    expect(yours.looks).toBe(1);
  });

  it('do not look out of their time', async () => {
    const monitor = monitorOf(1, { period: () => null });
    await turn(dutyOf(monitor));
    expect(monitor.looks).toBe(0);
  });

  it('tell many events over several turns, each once', async () => {
    const monitor = monitorOf(250, { period: () => 'day' });
    const duty = dutyOf(monitor);
    const counts: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      await turn(duty);
      counts.push((await told()).length);
      nowMs += 10_000;
    }
    expect(counts).toEqual([100, 200, 250, 250, 250]);
    expect(monitor.looks).toBe(3);
  });

  it('look again at a day whose look failed, without stopping the others', async () => {
    let isAway = true;
    const fails = monitorOf(1, {
      name: 'fails',
      period: () => 'day',
      async *notices() {
        if (isAway) throw new Error('away');
        yield noticeOf('late');
      },
    });
    const well = monitorOf(1);
    const duty = dutyOf(fails, well);
    for (let n = 0; n < 3; n += 1) {
      await turn(duty);
      nowMs += 60_000;
    }
    expect((await told()).map(({ team }) => team)).toEqual(['team-0']);
    expect(log.lines).toHaveLength(1);
    isAway = false;
    await turn(duty);
    expect((await told()).map(({ team }) => team)).toEqual(['team-0', 'late']);
  });

  it('stop between two events when the lease is lost, and the next holder tells the rest', async () => {
    const stops = monitorOf(0, {
      period: () => 'day',
      async *notices() {
        yield noticeOf('first');
        ending.abort();
        yield noticeOf('second');
        yield noticeOf('third');
      },
    });
    await turn(dutyOf(stops));
    expect(await told()).toHaveLength(2);
    ending = new AbortController();
    await turn(dutyOf(monitorOf(3, { period: () => 'day' })));
    expect(await told()).toHaveLength(5);
  });
});
