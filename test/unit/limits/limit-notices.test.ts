import { describe, expect, it } from 'vitest';
import { type LimitNotice, LimitNotices, reached } from '../../../src/limits/limit-notices.ts';
import type { Limit } from '../../../src/base/limit.ts';
import { grantOf, stateOf } from './samples.ts';

const day = (max: number): Limit => ({ metric: 'tokens', window: 'day', max });
/** What the store tells of the day's tokens. */
const settledAt = (used: number) => [{ id: 'team-tokens-day', used }];
const counter = (current: number) => ({ at: 20_484, used: current, runs: [] });

/** Says of nothing that it was said before, but once. */
function store() {
  const said = new Map<string, number>();
  return {
    said,
    claimNotice: (what: string, untilMs: number): Promise<boolean> => {
      const first = !said.has(what);
      said.set(what, untilMs);
      return Promise.resolve(first);
    },
  };
}

describe('reached', () => {
  it.each([
    [79, []],
    [80, [80]],
    [99, [80]],
    [100, [80, 100]],
    [250, [80, 100]],
  ])('of 100, %d used is %j', (used, levels) => {
    expect(reached(used, 100)).toEqual(levels);
  });

  it('is nothing of a limit of 0, which nothing can be used of', () => {
    expect(reached(0, 0)).toEqual([]);
  });
});

describe('LimitNotices', () => {
  const settle = () => new Promise((resolve) => setImmediate(resolve));

  it('says each level once a window, of all processes', async () => {
    const shared = store();
    const heard: LimitNotice[] = [];
    const processes = [1, 2].map(() => new LimitNotices(shared, (notice) => heard.push(notice)));
    const grant = grantOf({ limits: [stateOf(day(100), { counter: counter(100) })] });
    for (const used of [50, 85, 90, 100, 100])
      for (const each of processes) each.look(grant, settledAt(used));
    await settle();
    expect(heard.map(({ level }) => level)).toEqual([80, 100]);
    expect(heard[0]).toEqual({
      level: 80,
      scope: 'team',
      team: 'acme',
      user: null,
      token: null,
      metric: 'tokens',
      window: 'day',
      max: 100,
      resetsAtMs: 20_485 * 86_400_000,
    });
    expect([...shared.said.values()]).toEqual([20_485 * 86_400_000, 20_485 * 86_400_000]);
  });

  it('says nothing of minutes, hours and places', async () => {
    const heard: LimitNotice[] = [];
    const notices = new LimitNotices(store(), (notice) => heard.push(notice));
    const limits = [
      stateOf({ metric: 'requests', window: 'minute', max: 1 }, { counter: counter(5) }),
      stateOf({ metric: 'concurrency', max: 1 }, { counter: counter(1) }),
    ];
    notices.look(grantOf({ limits }), []);
    await settle();
    expect(heard).toEqual([]);
  });

  it('says nothing of what is only reserved, of an amount or of requests given back', async () => {
    const heard: LimitNotice[] = [];
    const notices = new LimitNotices(store(), (notice) => heard.push(notice));
    const requests: Limit = { metric: 'requests', window: 'day', max: 100 };
    const limits = [
      stateOf(day(100), { counter: counter(100) }),
      stateOf(requests, { counter: counter(100) }),
    ];
    notices.look(grantOf({ limits }), [...settledAt(2), { id: 'team-requests-day', used: 0 }]);
    notices.look(grantOf({ limits: limits.slice(0, 1) }), null);
    await settle();
    expect(heard).toEqual([]);
    notices.look(grantOf({ limits }), settledAt(2));
    await settle();
    expect(heard.map(({ metric, level }) => [metric, level])).toEqual([
      ['requests', 80],
      ['requests', 100],
    ]);
  });

  it("says nothing of a session's own limits, of which there is one a visitor", async () => {
    const shared = store();
    const notices = new LimitNotices(shared, () => undefined);
    const limits = [stateOf(day(100), { scope: 'session', counter: counter(100) })];
    notices.look(grantOf({ limits }), [{ id: 'session-tokens-day', used: 100 }]);
    await settle();
    expect([...shared.said.keys()]).toEqual([]);
  });

  it('tries again where the store did not answer', async () => {
    const heard: LimitNotice[] = [];
    const answers = [Promise.reject(new Error('down')), Promise.resolve(true)];
    const claimNotice = () => answers.shift() ?? Promise.resolve(false);
    const notices = new LimitNotices({ claimNotice }, (notice) => heard.push(notice));
    const grant = grantOf({ limits: [stateOf(day(100), { counter: counter(90) })] });
    notices.look(grant, settledAt(90));
    await settle();
    notices.look(grant, settledAt(90));
    await settle();
    expect(heard).toHaveLength(1);
  });
});
