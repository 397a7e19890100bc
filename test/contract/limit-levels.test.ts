import { beforeEach, describe, expect, it } from 'vitest';
import type { StoredEvent } from '../../src/base/event.ts';
import type { Limit, Scope } from '../../src/base/limit.ts';
import { noCharge } from '../../src/base/outcome.ts';
import { free, type Price } from '../../src/base/price.ts';
import { Outbox } from '../../src/events/outbox.ts';
import { adjustments } from '../../src/limits/charge.ts';
import { type Grant, type LimitState, withCounter } from '../../src/limits/grant.ts';
import { type LimitNotice, LimitWatches } from '../../src/limits/limit-watches.ts';
import type { Settlement } from '../../src/limits/store.ts';
import { keysUnder } from '../../src/store/keys.ts';
import { expectEvent } from '../support/expect-event.ts';
import { grantOf, stateOf } from '../unit/limits/samples.ts';
import {
  asks,
  closed,
  decided,
  emptyAdmission,
  lastSecondMs,
  process,
  settles,
  type StoreUnderTest,
} from './admission-store-samples.ts';
import { engines, useEngine } from './engines.ts';

/* Levels of limits: told in the step that settles, once in a window, whoever settles. */

const keys = keysUnder('t:');
const dayMs = 86_400_000;
/** Noon of the day before `lastSecondMs`. */
const noonMs = Math.floor(lastSecondMs / dayMs) * dayMs - dayMs / 2;
const tokens = (max: number, more: object = {}): Limit => ({ metric: 'tokens', window: 'day', max, ...more });
const price: Price = { ...free, outputNanoUsd: 1 };

describe.each(engines)('the levels of limits ($name)', (engine) => {
  const on = useEngine(engine);
  let under: StoreUnderTest;
  let incarnation: string;
  let nowMs: number;

  beforeEach(async () => {
    under = await emptyAdmission(on);
    await turnTo(noonMs);
    await under.setEpoch('acme', 'e1');
    ({ incarnation } = await under.store.beat(process));
  });

  async function turnTo(ms: number): Promise<void> {
    nowMs = ms;
    await under.turnTo(ms);
  }

  const events = (): Promise<StoredEvent[]> => new Outbox(under.kept, keys).after('0-0', 1_000);

  /** The levels that were told so far. */
  async function told(): Promise<unknown[]> {
    return (await events()).map((event) => expectEvent(event, 'limit.reached')['level']);
  }

  /** A gateway's process, as far as it settles. */
  class Gateway {
    readonly notices: LimitNotice[] = [];
    readonly watches: LimitWatches;

    constructor(levels = [80, 95, 100]) {
      this.watches = new LimitWatches(levels, (notice) => this.notices.push(notice));
    }

    async admit(...limits: LimitState[]): Promise<Grant> {
      const request = asks(limits.map(({ applied }) => applied));
      await under.store.beat(process);
      const [decision] = decided(await under.store.admit(process, [request]));
      if (decision?.kind !== 'admitted') throw new Error('It is not admitted.');
      limits.forEach((state, n) => {
        const counter = decision.counters[n];
        if (counter) withCounter(state, counter, nowMs);
      });
      return grantOf({ id: request.grant, incarnation, limits, admittedAtMs: nowMs });
    }

    settlement(grant: Grant, charged: number, requests = 1): Settlement {
      this.watches.put(grant);
      const charge = { ...noCharge, requests, outputTokens: charged };
      const corrections = adjustments(grant.limits, charge, grant.admittedAtMs, grant.price);
      return settles(grant.id, { incarnation, adjustments: corrections });
    }

    async settle(grant: Grant, charged: number, requests = 1): Promise<Settlement> {
      const settlement = this.settlement(grant, charged, requests);
      const [reached = null] = await under.store.settle(process, [settlement]);
      expect(reached).not.toBeNull();
      this.watches.look(grant, reached);
      return settlement;
    }

    /** Admits and settles a request that is charged so many tokens. */
    async use(charged: number, limit: Limit = tokens(100), scope: Scope = 'team'): Promise<void> {
      await this.settle(await this.admit(stateOf(limit, { scope })), charged);
    }
  }

  it('are told once each, whatever process settles', async () => {
    const gateways = [new Gateway(), new Gateway()];
    for (const gateway of gateways) await gateway.use(39);
    expect(await told()).toEqual([]);
    await gateways[0]?.use(1);
    await gateways[0]?.use(1);
    expect(await events()).toMatchObject([
      {
        type: 'limit.reached',
        team: 'acme',
        data: {
          scope: 'team',
          user: null,
          token: null,
          metric: 'tokens',
          window: 'day',
          max: 100,
          enforced: true,
          level: 80,
          used: 80,
          resets_at: new Date(noonMs + dayMs / 2).toISOString(),
        },
      },
    ]);
    await gateways[0]?.use(15);
    await gateways[1]?.use(5);
    expect(await told()).toEqual([80, 95, 100]);
    expect(gateways.map(({ notices }) => notices.map(({ level }) => level))).toEqual([[80, 95], [100]]);
  });

  it('are told by a late small settlement that crosses them', async () => {
    const gateway = new Gateway();
    const [a, b] = [await gateway.admit(stateOf(tokens(100))), await gateway.admit(stateOf(tokens(100)))];
    await gateway.settle(b, 75);
    expect(await told()).toEqual([]);
    await gateway.settle(a, 10);
    expect(await told()).toEqual([80]);
  });

  it('are told as the highest only, if several are crossed at once', async () => {
    const limit = tokens(100, { enforce: false });
    await new Gateway().use(500, limit);
    await new Gateway().use(1, limit);
    await new Gateway([50, 80]).use(1, limit);
    expect(await told()).toEqual([100]);
  });

  it('stay told when use is given back', async () => {
    const gateway = new Gateway();
    const open = await gateway.admit(stateOf(tokens(100), { reserved: { ...noCharge, outputTokens: 50 } }));
    await gateway.use(85);
    await gateway.settle(open, 0, 0);
    await gateway.use(5);
    await new Gateway().use(1);
    expect(await told()).toEqual([80]);
  });

  it('do not count what is only reserved', async () => {
    const gateway = new Gateway();
    await gateway.admit(stateOf(tokens(100), { reserved: { ...noCharge, outputTokens: 90 } }));
    await gateway.use(5);
    expect(await told()).toEqual([]);
  });

  it('are of the maximum with its raises', async () => {
    const raised = (): LimitState => {
      const state = stateOf(tokens(100));
      state.applied.raises = [{ by: 100, untilMs: nowMs + dayMs }];
      return state;
    };
    const gateway = new Gateway();
    await gateway.settle(await gateway.admit(raised()), 159);
    expect(await told()).toEqual([]);
    await gateway.settle(await gateway.admit(raised()), 1);
    expect(await events()).toMatchObject([{ data: { level: 80, max: 200, used: 160 } }]);
    expect(gateway.notices).toMatchObject([{ max: 100, raised_by: 100 }]);
  });

  it('follow a maximum that changes within the window, each told once all the same', async () => {
    const gateway = new Gateway();
    const limit = (max: number): Limit => tokens(max, { enforce: false });
    await gateway.use(85, limit(100));
    await gateway.use(80, limit(200));
    expect(await told()).toEqual([80]);
    await gateway.use(1, limit(170));
    expect((await events()).map(({ data }) => [data['level'], data['max'], data['used']])).toEqual([
      [80, 100, 85],
      [95, 170, 166],
    ]);
    await new Gateway().use(1, limit(150));
    expect(await told()).toEqual([80, 95, 100]);
  });

  it('are told anew in the next window, of days and of months', async () => {
    const gateway = new Gateway([80]);
    const month: Limit = { metric: 'tokens', window: 'month', max: 200 };
    const use = async (): Promise<void> =>
      void (await gateway.settle(await gateway.admit(stateOf(tokens(100)), stateOf(month)), 90));
    await use();
    expect(await told()).toEqual([80]);
    await turnTo(nowMs + dayMs); // the last day of the month, and of the year
    await use();
    await turnTo(nowMs + dayMs);
    await use();
    expect((await events()).map(({ data }) => [data['window'], data['resets_at']])).toEqual([
      ['day', '2095-12-31T00:00:00.000Z'],
      ['day', '2096-01-01T00:00:00.000Z'],
      ['month', '2096-01-01T00:00:00.000Z'],
      ['day', '2096-01-02T00:00:00.000Z'],
    ]);
  });

  it('are told of no window that has passed', async () => {
    const gateway = new Gateway();
    const late = await gateway.admit(stateOf(tokens(100)));
    await turnTo(nowMs + dayMs);
    await gateway.use(1);
    await gateway.settle(late, 90);
    expect(await told()).toEqual([]);
  });

  it('are told once of a window that is over, but whose counter nothing has moved on yet', async () => {
    const gateways = [new Gateway([80]), new Gateway([80])];
    const late = await Promise.all(gateways.map((gateway) => gateway.admit(stateOf(tokens(100)))));
    await turnTo(nowMs + dayMs / 2 + 1_000);
    for (const [n, gateway] of gateways.entries()) await gateway.settle(late[n] ?? grantOf(), 85);
    expect(await told()).toEqual([80]);
  });

  it('are told of observe-only limits, which hold nothing', async () => {
    const gateway = new Gateway();
    await gateway.use(90, tokens(100, { enforce: false }));
    await gateway.use(900, tokens(100, { enforce: false }));
    expect((await events()).map(({ data }) => [data['level'], data['enforced'], data['used']])).toEqual([
      [80, false, 90],
      [100, false, 990],
    ]);
    expect(gateway.notices).toMatchObject([{ enforce: false }, { enforce: false }]);
  });

  it('have money in dollars, to the last digit', async () => {
    const gateway = new Gateway([1]);
    const spend = async (charged: number): Promise<void> => {
      const grant = await gateway.admit(stateOf({ metric: 'cost_usd', window: 'month', max: 1_234_567.89 }));
      await gateway.settle({ ...grant, price }, charged);
    };
    await spend(12_345_678_899_999);
    expect(await told()).toEqual([]);
    await spend(2);
    expect(await events()).toMatchObject([
      { data: { level: 1, max: 1_234_567.89, used: 12_345.678_900_001 } },
    ]);
  });

  it('of requests are by what was used when one was admitted, less what was refunded since', async () => {
    const gateway = new Gateway();
    const limit: Limit = { metric: 'requests', window: 'day', max: 10 };
    const grants: Grant[] = [];
    for (let n = 0; n < 10; n += 1) grants.push(await gateway.admit(stateOf(limit)));
    const settle = (n: number, requests = 1) => gateway.settle(grants[n] ?? grantOf(), 0, requests);
    for (let n = 0; n < 7; n += 1) await settle(n);
    expect(await told()).toEqual([]);
    await settle(9, 0);
    expect(await told()).toEqual([]);
    await settle(8);
    await settle(7);
    expect((await events()).map(({ data }) => [data['level'], data['used']])).toEqual([[80, 9]]);
    await gateway.settle(await gateway.admit(stateOf(limit)), 0);
    expect(await told()).toEqual([80, 100]);
  });

  it('are told once if the same settlement is sent again', async () => {
    const gateway = new Gateway();
    const settlement = gateway.settlement(await gateway.admit(stateOf(tokens(100))), 90);
    await under.store.settle(process, [settlement]);
    expect(closed(await under.store.settle(process, [settlement]))).toEqual([false]);
    expect(await told()).toEqual([80]);
  });

  it('are told in one call for many, each once', async () => {
    const gateway = new Gateway();
    const batch: Settlement[] = [];
    for (let n = 0; n < 100; n += 1)
      batch.push(
        gateway.settlement(
          await gateway.admit(stateOf(tokens(100)), stateOf(tokens(60), { scope: 'user' })),
          1,
        ),
      );
    const reached = await under.store.settle(process, batch);
    expect((await events()).map(({ data }) => [data['scope'], data['level'], data['used']])).toEqual([
      ['user', 80, 48],
      ['user', 95, 57],
      ['user', 100, 60],
      ['team', 80, 80],
      ['team', 95, 95],
      ['team', 100, 100],
    ]);
    const first = reached.flatMap((each) => each ?? []).filter(({ isFirst }) => isFirst);
    expect(first.map(({ id, level }) => [id, level])).toEqual([
      ['user-tokens-day', 80],
      ['user-tokens-day', 95],
      ['user-tokens-day', 100],
      ['team-tokens-day', 80],
      ['team-tokens-day', 95],
      ['team-tokens-day', 100],
    ]);
  });

  it('say whose limit it is', async () => {
    const gateway = new Gateway([80]);
    const state = stateOf(tokens(100, { models: ['claude-4-sonnet'] }), { scope: 'gateway' });
    state.applied.id = '@/all';
    state.scoped = { ...state.scoped, limit: { ...state.scoped.limit, id: '@/all' } };
    await gateway.settle(await gateway.admit(state, stateOf(tokens(100), { scope: 'token' })), 90);
    expect(
      (await events()).map(({ team, data }) => [
        team,
        data['scope'],
        data['user'],
        data['token'],
        data['models'],
      ]),
    ).toEqual([
      [null, 'gateway', null, null, ['claude-4-sonnet']],
      ['acme', 'token', 'ana', 'tok_1', undefined],
    ]);
  });

  it('are not told of sessions, of windows that slide, and of a limit of 0', async () => {
    const gateway = new Gateway();
    const limits = [
      stateOf(tokens(100), { scope: 'session' }),
      stateOf({ metric: 'tokens', window: 'hour', max: 100 }),
      stateOf({ metric: 'concurrency', max: 100 }),
      stateOf(tokens(0, { enforce: false }), { scope: 'user' }),
    ];
    const settlement = await gateway.settle(await gateway.admit(...limits), 100);
    expect(settlement.adjustments.map(({ watch }) => watch)).toEqual(
      settlement.adjustments.map(() => undefined),
    );
    expect(await told()).toEqual([]);
  });

  it('take nothing along once all of them are told, until the window is over', async () => {
    const gateway = new Gateway();
    const watched = async (by: Gateway): Promise<boolean> => {
      const grant = await by.admit(stateOf(tokens(100, { enforce: false })));
      return (await by.settle(grant, 60)).adjustments.some(({ watch }) => watch !== undefined);
    };
    expect([await watched(gateway), await watched(gateway), await watched(gateway)]).toEqual([
      true,
      true,
      false,
    ]);
    // Another process does not know yet.
    const other = new Gateway();
    expect([await watched(other), await watched(other)]).toEqual([true, false]);
    await turnTo(nowMs + dayMs);
    expect(await watched(gateway)).toBe(true);
  });

  it('are told by the next settlement, if a lost request has reached them', async () => {
    const gateway = new Gateway();
    const lost = await gateway.admit(stateOf(tokens(100)));
    const charged = {
      id: 'team-tokens-day',
      span: 'day',
      at: lost.limits[0]?.counter.at ?? 0,
      delta: 90,
      charged: 90,
    } as const;
    await under.store.settle(process, [settles(lost.id, { incarnation, adjustments: [charged] })]);
    expect(await told()).toEqual([]);
    await gateway.use(1);
    expect(await told()).toEqual([80]);
  });
});
