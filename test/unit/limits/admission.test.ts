import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Admission, type Admitting, type Ask } from '../../../src/limits/admission.ts';
import { applied as appliedTo, type Grant } from '../../../src/limits/grant.ts';
import type { ScopedLimit } from '../../../src/identity/records/identity.ts';
import { Refusal } from '../../../src/base/refusal.ts';
import { ResponseKey } from '../../../src/limits/kept-items.ts';
import { noCharge } from '../../../src/base/outcome.ts';
import { chatPath, outcomeOf, principalWith, scoped } from './samples.ts';
import {
  fakeClock,
  ghostMs,
  keptLog,
  pass,
  slowMs,
  storeTimeoutMs,
  UnsteadyStore,
} from './unsteady-store.ts';
import { countersOf } from '../../support/counters-of.ts';

const leaseMs = 20_000;
const startMs = Date.UTC(2026, 0, 31, 12);
const ask: Ask = {
  requestId: 'a-request-id-of-the-caller',
  endpoint: chatPath,
  model: 'claude-4-sonnet',
  modelKnown: true,
  stream: false,
  tags: '',
  reserved: { ...noCharge, requests: 1, inputTokens: 10, outputTokens: 90 },
  price: null,
  key: null,
};
const perDay = (max: number): ScopedLimit => scoped({ metric: 'requests', window: 'day', max });
const atOnce = (max: number): ScopedLimit => scoped({ metric: 'concurrency', max });

let store: UnsteadyStore;
let admission: Admission;
let log: ReturnType<typeof keptLog>;

function make(under: UnsteadyStore, process = 'p1'): Admission {
  return new Admission({
    store: under,
    process,
    leaseMs,
    timeoutMs: storeTimeoutMs,
    clock: fakeClock(),
    log,
  });
}

beforeEach(async () => {
  vi.useFakeTimers({ now: startMs });
  store = new UnsteadyStore({ leaseMs });
  log = keptLog();
  admission = make(store);
  await admission.heartbeat.beat();
});

afterEach(() => {
  vi.useRealTimers();
});

/** Asks `count` times in one tick. */
async function askFor(count: number, limits: readonly ScopedLimit[] = [], waitMs = 1): Promise<Admitting[]> {
  const principal = principalWith(limits);
  const all = Promise.all(Array.from({ length: count }, () => admission.admit(principal, ask)));
  await pass(waitMs);
  return all;
}

async function granted(limits: readonly ScopedLimit[] = []): Promise<Grant> {
  const [grant] = await askFor(1, limits);
  if (typeof grant !== 'object' || !('incarnation' in grant)) throw new Error('Not admitted.');
  return grant;
}

function codes(results: readonly Admitting[]): string[] {
  return results.map((result) =>
    result === 'stale' ? result : result instanceof Refusal ? result.code : 'admitted',
  );
}

async function usedOf(...limits: ScopedLimit[]): Promise<number[]> {
  const counters = await countersOf(
    store.inner,
    'acme',
    limits.map((limit) => appliedTo(limit, noCharge)),
  );
  return counters.map(({ used }) => used);
}

describe('admit', () => {
  it('gives a grant with every limit as it stands once the request is counted', async () => {
    const tokens = scoped({ metric: 'tokens', window: 'day', max: 1_000 }, 'user');
    const elsewhere = scoped({ metric: 'images', window: 'day', max: 0, models: ['another'] });
    const grant = await granted([tokens, elsewhere, atOnce(3)]);
    const { price: _price, key: _key, reserved, ...asked } = ask;
    expect(grant).toMatchObject({
      id: 'p1-0',
      incarnation: 'memory',
      admittedAtMs: startMs + 0,
      request: {
        ...asked,
        ...reserved,
        team: 'acme',
        user: 'ana',
        tokenId: 'tok_1',
        slots: ['team-concurrency'],
      },
    });
    expect(grant.limits.map(({ applied, counter }) => [applied.id, applied.amount, counter.used])).toEqual([
      ['user-tokens-day', 100, 100],
      ['team-concurrency', 1, 1],
    ]);
  });

  it('gathers what a tick brings, 200 a call', async () => {
    const results = await askFor(450);
    expect(store.callsOf('admit')).toEqual([200, 200, 50]);
    expect(codes(results).every((code) => code === 'admitted')).toBe(true);
    expect(new Set(results.map((result) => (result as Grant).id)).size).toBe(450);
  });

  it('lets exactly the limit of a burst through', async () => {
    const results = await askFor(200, [perDay(50)]);
    expect(codes(results).filter((code) => code === 'admitted')).toHaveLength(50);
    expect(codes(results).filter((code) => code === 'insufficient_quota')).toHaveLength(150);
  });

  it('refuses with the limit and its headers', async () => {
    const [refusal] = await askFor(1, [perDay(0)]);
    if (!(refusal instanceof Refusal)) throw new Error('Admitted.');
    expect(refusal.status).toBe(429);
    expect(refusal.details.limit).toMatchObject({ scope: 'team', metric: 'requests', window: 'day', max: 0 });
    expect(refusal.headers).toMatchObject({
      'RateLimit-Policy': '"team-requests-day";q=0;w=86400',
      RateLimit: '"team-requests-day";r=0;t=43200',
      'x-ratelimit-remaining-requests': '0',
      'x-should-retry': 'false',
    });
  });

  it('sends the settlements of a tick first, since they may make room', async () => {
    const grant = await granted([atOnce(1)]);
    const next = admission.admit(principalWith([atOnce(1)]), ask);
    admission.settle(grant, outcomeOf());
    await pass(1);
    expect(codes([await next])).toEqual(['admitted']);

    const roomy = await granted([perDay(10)]);
    store.calls.length = 0;
    const after = admission.admit(principalWith([]), ask);
    admission.settle(roomy, outcomeOf());
    await pass(1);
    await after;
    expect(store.calls.map(({ command }) => command)).toEqual(['settle', 'admit']);
  });

  it('is stale where the team changed, and expired where the token has', async () => {
    await store.changeEpoch('acme', 'epoch-2');
    expect(codes(await askFor(1))).toEqual(['stale']);
    await store.changeEpoch('acme', 'epoch-1');
    const expired = admission.admit(principalWith([], { expiresAtMs: startMs }), ask);
    await pass(1);
    expect(codes([await expired])).toEqual(['expired_token']);
  });

  it('beats first where the store does not know the process, and goes on', async () => {
    store = new UnsteadyStore({ leaseMs });
    admission = make(store);
    expect(codes(await askFor(3))).toEqual(['admitted', 'admitted', 'admitted']);
    expect(store.calls.map(({ command }) => command)).toEqual(['admit', 'beat', 'admit']);
  });

  it("asks by the store's clock once it knows it, however far that is from ours", async () => {
    for (const offsetMs of [-3_600_000, 3_600_000]) {
      store = new UnsteadyStore({ leaseMs, clock: fakeClock(offsetMs) });
      admission = make(store);
      expect(codes(await askFor(1))).toEqual(['admitted']);
    }
  });

  it('refuses with 503 where the store gives no answer, and gives back what it admitted', async () => {
    store.moods.push('loses');
    const results = await askFor(3, [perDay(10)], storeTimeoutMs + 1);
    expect(codes(results)).toEqual(['store_unavailable', 'store_unavailable', 'store_unavailable']);
    const [first] = results;
    expect(first).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    expect(await usedOf(perDay(10))).toEqual([3]);
    expect(admission.pending).toBe(3);
    await pass(5_000);
    expect(await usedOf(perDay(10))).toEqual([0]);
    expect(admission.pending).toBe(0);
    expect(store.entries).toEqual([]);
    expect(log.lines).toEqual([]);
  });

  it('leaves no ghost where the command runs after everybody has given up', async () => {
    store.moods.push('ghosts');
    await askFor(1, [perDay(10)], storeTimeoutMs + 1);
    await pass(10_000);
    // Its not-after time had passed by then.
    expect(await usedOf(perDay(10))).toEqual([0]);
    expect(await store.inner.openOf('p1', ['p1-0'])).toEqual([]);
  });

  it('looks for a ghost until the not-after time that was really sent has passed', async () => {
    // Ten minutes ahead, which this process learns only between its first try and its second.
    store = new UnsteadyStore({ leaseMs, clock: fakeClock(600_000) });
    admission = make(store);
    store.moods.push('well', 'well', 'hangs');
    expect(codes(await askFor(1, [], storeTimeoutMs + 1))).toEqual(['store_unavailable']);
    expect(store.callsOf('admit')).toHaveLength(2);
    await pass(1_500);
    expect(admission.pending).toBe(1); // for the margin between the clocks
    await pass(3_000);
    expect(admission.pending).toBe(0);
  });

  it('says so where something else than the store fails', async () => {
    store.inner.admit = () => Promise.reject(new TypeError('a bug'));
    expect(codes(await askFor(1))).toEqual(['store_unavailable']);
    expect(log.lines).toEqual([{ level: 'error', message: 'admission failed' }]);
  });

  it('gives up where the store does not keep the heartbeat', async () => {
    store.inner.admit = () => Promise.resolve({ kind: 'unknown_process' });
    expect(codes(await askFor(1))).toEqual(['store_unavailable']);
  });

  it('gives every request a grant of its own, over processes as well', async () => {
    const other = make(store, 'p2');
    await other.heartbeat.beat();
    const both = Promise.all([admission, other].map((each) => each.admit(principalWith([]), ask)));
    await pass(1);
    expect((await both).map((result) => (result as Grant).id)).toEqual(['p1-0', 'p2-0']);
  });
});

describe('settle', () => {
  it('writes the entry and corrects what was reserved', async () => {
    const tokens = scoped({ metric: 'tokens', window: 'day', max: 1_000 });
    const grant = await granted([tokens]);
    const { entry, settled } = admission.settle(grant, outcomeOf());
    expect(settled).toBeNull();
    expect(entry).toMatchObject({ id: grant.id, inputTokens: 12, outputTokens: 34, outcome: 'ok' });
    expect(admission.pending).toBe(1);
    await pass(2);
    expect(store.entries).toEqual([entry]);
    expect(await usedOf(tokens)).toEqual([46]);
    expect(admission.pending).toBe(0);
  });

  it('is awaited where a concurrency limit applies', async () => {
    const grant = await granted([atOnce(5)]);
    store.mood = 'slow';
    const { settled } = admission.settle(grant, outcomeOf());
    if (!settled) throw new Error('Not awaited.');
    const told = vi.fn();
    void settled.then(told);
    await pass(slowMs - 10);
    expect(told).not.toHaveBeenCalled();
    await pass(10);
    expect(told).toHaveBeenCalled();
    expect(await usedOf(atOnce(5))).toEqual([0]);
  });

  it('is awaited if items are kept, which the next request may refer to', async () => {
    const items = new ResponseKey('acme/tok_1', '0'.repeat(32)).seal([{ id: 'msg_1' }]);
    const grant = await granted([]);
    store.mood = 'hangs';
    const told = vi.fn();
    void admission.settle(grant, outcomeOf(), items).settled?.then(told);
    await pass(1_999);
    expect(told).not.toHaveBeenCalled();
    await pass(1);
    expect(told).toHaveBeenCalled();
  });

  it('is awaited for 50 ms at most', async () => {
    const grant = await granted([atOnce(5)]);
    store.mood = 'hangs';
    const told = vi.fn();
    void admission.settle(grant, outcomeOf()).settled?.then(told);
    await pass(49);
    expect(told).not.toHaveBeenCalled();
    await pass(1);
    expect(told).toHaveBeenCalled();
    expect(store.entries).toEqual([]);
  });

  it('is awaited where less is left than the request reserved', async () => {
    const tokens = (max: number): ScopedLimit => scoped({ metric: 'tokens', window: 'day', max });
    const roomy = await granted([tokens(200)]);
    expect(admission.settle(roomy, outcomeOf()).settled).toBeNull();
    await pass(2);
    const tight = await granted([tokens(245)]); // 46 are used, 100 reserved, 99 left
    expect(admission.settle(tight, outcomeOf()).settled).not.toBeNull();
  });
});

describe('limits', () => {
  it('are every limit of the principal, as it is now', async () => {
    const minute = scoped({ metric: 'requests', window: 'minute', max: 10 });
    const elsewhere = scoped({ metric: 'images', window: 'day', max: 7, models: ['another'] });
    await granted([minute]);
    await pass(60_000);
    const nowMs = Date.now();
    const states = await admission.limits('acme', [minute, elsewhere, atOnce(2)]);
    expect(states.map(({ applied, counter }) => ({ id: applied.id, ...counter }))).toEqual([
      { id: 'team-requests-minute', at: nowMs - 60_000, used: 0, runs: [] },
      { id: 'team-images-day', at: Math.floor(nowMs / 86_400_000), used: 0, runs: [] },
      { id: 'team-concurrency', at: 0, used: 0, runs: [] },
    ]);
    expect(states.map(({ applied }) => applied.amount)).toEqual([0, 0, 1]);
  });
});

describe('stop', () => {
  it('waits until the store has every settlement, and gives up the lease', async () => {
    const grant = await granted();
    store.moods.push('refuses', 'refuses');
    admission.settle(grant, outcomeOf());
    const stopped = vi.fn();
    void admission.stop().then(stopped);
    await pass(20);
    expect(stopped).not.toHaveBeenCalled();
    await pass(2_000);
    expect(stopped).toHaveBeenCalled();
    expect(store.entries).toHaveLength(1);
    expect((await store.inner.admit('p1', [])).kind).toBe('unknown_process');
  });

  it('leaves what is still open to be swept', async () => {
    await granted();
    const stopped = admission.stop();
    await pass(10);
    await stopped;
    await pass(leaseMs + ghostMs);
    expect(await store.inner.openOfSilent('p1')).toHaveLength(1);
  });
});
