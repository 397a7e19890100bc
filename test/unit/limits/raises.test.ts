import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Limit } from '../../../src/base/limit.ts';
import { noCharge } from '../../../src/base/outcome.ts';
import { Refusal } from '../../../src/base/refusal.ts';
import type { ScopedLimit } from '../../../src/identity/records/identity.ts';
import { Admission, type Ask } from '../../../src/limits/admission.ts';
import { AdmissionStore } from '../../../src/limits/admission-store.ts';
import { applied, type LimitState, maxOf, withCounter, wouldRefuse } from '../../../src/limits/grant.ts';
import { limitHeaders } from '../../../src/limits/limit-headers.ts';
import { limitRefusal } from '../../../src/limits/limit-refusal.ts';
import { remaining, useOf } from '../../../src/limits/limit-status.ts';
import { countedAt } from '../../../src/limits/window.ts';
import { embeddedStore, setEpoch, testKeys } from '../../support/embedded-store.ts';
import { chatPath, grantOf, oneRequest, outcomeOf, principalWith, scoped, stateOf } from './samples.ts';
import { fakeClock, keptLog, pass, storeTimeoutMs, UnsteadyStore } from './unsteady-store.ts';

const leaseMs = 3_600_000;
const startMs = Date.UTC(2026, 0, 31, 12);
const minuteMs = 60_000;
const perDay: Limit = { metric: 'requests', window: 'day', max: 3 };

const ask: Ask = {
  requestId: 'a-request-id-of-the-caller',
  endpoint: chatPath,
  model: 'claude-4-sonnet',
  modelKnown: true,
  stream: false,
  tags: '',
  reserved: oneRequest,
  price: null,
  key: null,
};

function raised(limit: Limit, ...raises: [by: number, untilMs: number][]): ScopedLimit {
  return { ...scoped(limit), raises: raises.map(([by, untilMs]) => ({ by, untilMs })) };
}

/** As the store found it at a time. */
function stateAt(of: ScopedLimit, used: number, nowMs: number): LimitState {
  const at = of.limit.metric === 'concurrency' ? 0 : countedAt(of.limit.window, nowMs);
  const state = { scoped: of, applied: applied(of, oneRequest), counter: { at, used, runs: [] } };
  return withCounter(state, state.counter, nowMs);
}

describe('admission', () => {
  let store: UnsteadyStore;
  const made: Admission[] = [];

  /** A process whose clock is off by so much. */
  async function processOff(offsetMs: number): Promise<Admission> {
    const admission = new Admission({
      store,
      process: `p${made.length}`,
      leaseMs,
      timeoutMs: storeTimeoutMs,
      clock: fakeClock(offsetMs),
      log: keptLog(),
    });
    made.push(admission);
    await admission.heartbeat.beat();
    return admission;
  }

  beforeEach(() => {
    vi.useFakeTimers({ now: startMs });
    store = new UnsteadyStore({ leaseMs });
    made.length = 0;
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  async function admitted(limits: readonly ScopedLimit[], asked: number): Promise<number[]> {
    const principal = principalWith(limits);
    const counts: number[] = [];
    for (const admission of made) {
      const all = Promise.all(Array.from({ length: asked }, () => admission.admit(principal, ask)));
      await pass(1);
      counts.push(
        (await all).filter((each) => typeof each === 'object' && !(each instanceof Refusal)).length,
      );
    }
    return counts;
  }

  it("counts a raise until it ends by the store's clock, whatever the process says the time is", async () => {
    for (const offsetMs of [-2 * minuteMs, 2 * minuteMs]) await processOff(offsetMs);
    const endsMs = startMs + minuteMs;
    const limits = [raised({ metric: 'requests', window: 'day', max: 3 }, [4, endsMs])];
    expect(await admitted(limits, 2)).toEqual([2, 2]);
    await pass(endsMs - 10 - Date.now());
    expect(await admitted(limits, 2)).toEqual([2, 1]);
    await pass(20);
    expect(await admitted(limits, 2)).toEqual([0, 0]);
  });

  it('tells what a raise adds while it lasts, and nothing of it afterwards', async () => {
    const admission = await processOff(minuteMs);
    const of = raised(perDay, [4, startMs + minuteMs], [1, startMs + 2 * minuteMs]);
    const use = async () => useOf((await admission.limits('acme', [of]))[0] ?? stateOf(perDay));
    expect(await use()).toMatchObject({
      remaining: 8,
      raised_by: 5,
      raised_until: new Date(startMs + minuteMs).toISOString(),
    });
    await pass(minuteMs);
    expect(await use()).toMatchObject({ remaining: 4, raised_by: 1 });
    await pass(minuteMs);
    expect(await use()).toEqual({ used: 0, remaining: 3, resets_at: expect.any(String) as string });
  });

  it('refuses nothing because of what only observes, and says so', async () => {
    const admission = await processOff(0);
    const observed = scoped({ ...perDay, max: 1, enforce: false });
    const limits = [observed, scoped({ metric: 'requests', window: 'month', max: 2 }, 'user')];
    const principal = principalWith(limits);
    const asking = Promise.all([1, 2, 3].map(() => admission.admit(principal, ask)));
    await pass(1);
    const [first, second, third] = await asking;
    expect(third).toBeInstanceOf(Refusal);
    expect(third).toMatchObject({ code: 'insufficient_quota', details: { limit: { scope: 'user' } } });
    const told = [first, second].map((grant) =>
      typeof grant === 'object' && 'limits' in grant ? wouldRefuse(grant).length : null,
    );
    expect(told).toEqual([0, 1]);
  });

  it('does not let an answer wait for its settlement because of what only observes', async () => {
    const admission = await processOff(0);
    const slots = scoped({ metric: 'concurrency', max: 1, enforce: false });
    const asking = admission.admit(principalWith([slots]), ask);
    await pass(1);
    const grant = await asking;
    if (grant === 'stale' || !('limits' in grant)) throw new Error('Not admitted.');
    expect(admission.settle(grant, outcomeOf()).settled).toBeNull();
  });
});

describe('what is sent to the store', () => {
  /** The request as an admission under these limits sends it. */
  async function sent(limits: readonly ScopedLimit[]): Promise<string> {
    const store = embeddedStore(() => startMs);
    await setEpoch(store, 'acme', 'e1');
    let told = '';
    const spied: typeof store.run = (script, keys, args) => {
      told = String(args.at(-1));
      return store.run(script, keys, args);
    };
    const under = Object.create(store, { run: { value: spied } }) as typeof store;
    const options = { leaseMs, maxEntries: 1, retentionDays: 1 };
    await new AdmissionStore(under, testKeys, options).admit('p1', [
      {
        grant: 'g',
        team: 'acme',
        epoch: 'e1',
        notAfterMs: Infinity,
        expiresAtMs: Infinity,
        session: null,
        record: 'r',
        limits: limits.map((limit) => applied(limit, oneRequest)),
      },
    ]);
    return told;
  }

  it('is what it always was, without raises and observe-only limits', async () => {
    const never = Number.MAX_SAFE_INTEGER;
    expect(await sent([scoped(perDay), scoped({ metric: 'concurrency', max: 2, enforce: true })])).toBe(
      `g\nacme\ne1\n${never}\n${never}\nr\n\n\n\nteam-requests-day\nd\n1\n3\nteam-concurrency\no\n1\n2\n`,
    );
  });

  it('has raises and the mark of an observe-only limit in its max, money in nano-dollars', async () => {
    const money = raised({ metric: 'cost_usd', window: 'day', max: 2, enforce: false }, [0.5, 7], [0.1, 8]);
    expect(await sent([money])).toMatch(/\nd\n0\n2000000000\+500000000<7\+100000000<8\?\n$/);
  });
});

describe('a limit that is raised', () => {
  const endsMs = startMs + 60 * minuteMs;
  const of = raised({ metric: 'tokens', window: 'day', max: 100 }, [50, endsMs]);

  it('holds more, in figures and headers', () => {
    const state = stateAt(of, 120, startMs);
    expect([maxOf(state), remaining(state)]).toEqual([150, 30]);
    const headers = limitHeaders([state], startMs);
    expect(headers).toContain('"team-tokens-day";q=150;w=86400;qu="tokens"');
    expect(headers[headers.indexOf('x-ratelimit-limit-tokens') + 1]).toBe('150');
    expect(limitHeaders([stateAt(of, 120, endsMs)], endsMs)).toContain(
      '"team-tokens-day";q=100;w=86400;qu="tokens"',
    );
  });

  it('tells in its refusal what raises it', () => {
    const { message, details } = limitRefusal([stateAt(of, 151, startMs)], startMs);
    expect(message).toContain("the team's limit of 100 tokens a day (raised by 50 until 2026-01-31T13:00:00");
    expect(details.limit).toMatchObject({
      max: 100,
      raised_by: 50,
      raised_until: '2026-01-31T13:00:00.000Z',
    });
  });

  it('has a request wait until it fits what is left once the raise has ended', () => {
    const requests = (used: [agoMs: number, amount: number][], untilMs: number): number => {
      const limit = raised({ metric: 'requests', window: 'hour', max: 5 }, [5, startMs + untilMs]);
      const runs = used.map(([agoMs, amount]) => ({ endMs: startMs - agoMs, amount }));
      const sum = used.reduce((all, [, amount]) => all + amount, 0);
      const state = stateAt(limit, sum, startMs);
      const found = { ...state, counter: { at: startMs, used: sum, runs } };
      return Number(limitRefusal([found], startMs).details.headers?.['retry-after']);
    };
    // 10 are used: 4 of them 50 minutes ago, 6 of them 20 minutes ago.
    const used: [number, number][] = [
      [50 * minuteMs, 4],
      [20 * minuteMs, 6],
    ];
    expect(requests(used, 11 * minuteMs)).toBe(600);
    // Without the raise, 6 do not fit 5.
    expect(requests(used, 10 * minuteMs)).toBe(2_400);
  });

  it('names the limit that keeps it from fitting, if that is the one without the raise', () => {
    const large = raised({ metric: 'tokens', window: 'day', max: 10 }, [90, endsMs]);
    const reserved = { ...noCharge, outputTokens: 50 };
    const state = { scoped: large, applied: applied(large, reserved), counter: stateOf(perDay).counter };
    const at = countedAt('day', startMs);
    const used = withCounter(state, { at, used: 60, runs: [] }, startMs);
    expect(limitRefusal([used], startMs).message).toContain('reserves 50, limit is 10');
  });
});

describe('a limit that only observes', () => {
  const observed = stateAt(scoped({ ...perDay, enforce: false }), 9, startMs);

  it('is a policy with a mark, and tells nothing that clients slow down by', () => {
    expect(limitHeaders([observed], startMs)).toEqual([
      'RateLimit-Policy',
      '"team-requests-day";q=3;w=86400;tollgate-enforce=?0',
    ]);
    const holds = stateAt(scoped({ metric: 'requests', window: 'month', max: 10 }, 'user'), 1, startMs);
    const headers = limitHeaders([observed, holds], startMs);
    expect(headers[3]).toMatch(/^"user-requests-month";r=9;/);
    expect(headers[headers.indexOf('x-ratelimit-remaining-requests') + 1]).toBe('9');
  });

  it('gives way in a header that would be too long', () => {
    const states = Array.from({ length: 80 }, (_, n) => {
      const state = n % 2 === 0 ? observed : stateAt(scoped(perDay), 0, startMs);
      const models = [`${n}`.padEnd(60, 'x')];
      const limit = { ...state.scoped.limit, models, max: 1e15, id: `${n}`.padStart(12, 'i') };
      return {
        ...state,
        scoped: { scope: 'gateway' as const, limit },
        applied: { ...state.applied, max: 1e15 },
      };
    });
    const [, policies = ''] = limitHeaders([...states, ...states.slice(0, 40)], startMs);
    expect(policies.length).toBeLessThan(8_192 - 20);
    expect(policies.split(', ')).toHaveLength(60);
  });

  it('is no reason to wait', () => {
    const full = stateAt(scoped({ metric: 'requests', window: 'minute', max: 1 }), 1, startMs);
    const never = stateAt(scoped({ metric: 'tokens', window: 'day', max: 0, enforce: false }), 5, startMs);
    expect(limitRefusal([never, full], startMs).details).toMatchObject({
      limit: { window: 'minute' },
      headers: { 'retry-after': '60' },
    });
  });

  it('would have refused what it has no room for', () => {
    const holds = stateAt(scoped(perDay), 9, startMs);
    const room = stateAt(scoped({ ...perDay, enforce: false }), 3, startMs);
    expect(wouldRefuse(grantOf({ limits: [holds, room, observed] }))).toEqual([observed]);
  });
});
