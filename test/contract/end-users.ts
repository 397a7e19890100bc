import { beforeEach, expect, it } from 'vitest';
import type { AppliedLimit, Decision } from '../../src/limits/store.ts';
import type { Span } from '../../src/limits/window.ts';
import { limitsOfEndUser } from '../../src/identity/records/end-user.ts';
import { defaultEndUserBytes } from '../../src/base/store-bounds.ts';
import {
  asks,
  closed,
  decided,
  lastSecondMs,
  process,
  settles,
  type StoreUnderTest,
} from './admission-store-samples.ts';
import { countersOf } from '../support/counters-of.ts';

const minuteMs = 60_000;
const dayMs = 86_400_000;

/** An end user's limit in the hash 7 of its window, as its id is made. */
function ofEndUser(
  name: string,
  span: Exclude<Span, 'open'>,
  more: Partial<AppliedLimit> = {},
): AppliedLimit {
  const letter = { minute: 'm', hour: 'h', day: 'd', month: 'M' }[span];
  return { id: `=${letter}7.${name.padEnd(16, '_')}/limit-01`, span, amount: 1, max: 10, ...more };
}

/** What every admission store does with the counters of end users. `make` gives an empty one with so many bytes for them. */
export function endUsersContract(make: (endUserBytes: number) => Promise<StoreUnderTest>): void {
  /** Those of days may have three eighths of it: some six counters. */
  const endUserBytes = 960;
  const dayBytes = 360;
  let under: StoreUnderTest;
  let incarnation: string;

  beforeEach(async () => {
    await begin(endUserBytes);
  });

  async function begin(bytes: number): Promise<void> {
    under = await make(bytes);
    await under.setEpoch('acme', 'e1');
    await under.setEpoch('other', 'e1');
    ({ incarnation } = await under.store.beat(process));
  }

  async function admit(...limits: AppliedLimit[]): Promise<Decision> {
    const [decision] = decided(await under.store.admit(process, [asks(limits)]));
    if (!decision) throw new Error('Nothing was decided.');
    return decision;
  }

  async function used(...limits: AppliedLimit[]): Promise<number[]> {
    return (await countersOf(under.store, 'acme', limits)).map((counter) => counter.used);
  }

  async function turnTo(nowMs: number): Promise<void> {
    await under.turnTo(nowMs);
    await under.store.beat(process);
  }

  /** Whether the length that a hash tells is that of what is in it. */
  async function isExact(key: string): Promise<boolean> {
    const { '#': told, '@': _lookedAt, ...counters } = await under.counterTexts(key);
    return Number(told) === Object.entries(counters).flat().join('').length;
  }

  it.each(['minute', 'hour', 'day', 'month'] as const)('count over a %s, never one over', async (span) => {
    const limit = ofEndUser('ana', span, { max: 2 });
    const kinds = [await admit(limit), await admit(limit), await admit(limit)].map(({ kind }) => kind);
    expect(kinds).toEqual(['admitted', 'admitted', 'denied']);
    expect(await used(limit, ofEndUser('bo', span))).toEqual([2, 0]);
  });

  it('reserve with all others, or none does', async () => {
    const team: AppliedLimit = { id: 'team', span: 'day', amount: 1, max: 1 };
    const [minute, day] = [ofEndUser('ana', 'minute'), ofEndUser('ana', 'day')];
    expect((await admit(team, minute, day)).kind).toBe('admitted');
    expect((await admit(minute, day, team)).kind).toBe('denied');
    expect(await used(team, minute, day)).toEqual([1, 1, 1]);
    expect((await admit({ ...team, max: 9 }, { ...day, max: 1 }, minute)).kind).toBe('denied');
    expect(await used(team, minute, day)).toEqual([1, 1, 1]);
  });

  it('are of one team: another has its own, whatever it calls them', async () => {
    const limit = ofEndUser('ana', 'day', { max: 1 });
    await admit(limit);
    const other = decided(await under.store.admit(process, [asks([limit], { team: 'other' })]));
    expect(other.map(({ kind }) => kind)).toEqual(['admitted']);
    expect((await countersOf(under.store, 'other', [limit]))[0]?.used).toBe(1);
  });

  it('are corrected when a request settles', async () => {
    const limits = [
      ofEndUser('ana', 'day', { amount: 40, max: 100 }),
      ofEndUser('ana', 'hour', { amount: 40, max: 100 }),
    ];
    const open: AppliedLimit = {
      ...ofEndUser('ana', 'day', { max: 1 }),
      id: `=d7.${'ana'.padEnd(16, '_')}/open-001`,
      span: 'open',
    };
    const request = asks([...limits, open]);
    const [decision] = decided(await under.store.admit(process, [request]));
    if (decision?.kind !== 'admitted') throw new Error('It is not admitted.');
    const adjustments = [...limits, open].map(({ id, span }, n) => ({
      id,
      span,
      at: decision.counters[n]?.at ?? 0,
      delta: span === 'open' ? -1 : 70,
      charged: span === 'open' ? 0 : 110,
    }));
    const told = await under.store.settle(process, [settles(request.grant, { incarnation, adjustments })]);
    expect(closed(told)).toEqual([true]);
    expect(await used(...limits, open)).toEqual([110, 110, 0]);
    expect(await Promise.all(['acme=d7', 'acme=h7'].map(isExact))).toEqual([true, true]);
  });

  /** Admits each of these limits by a request of its own. Returns which were admitted, and how many counters were dropped. */
  async function admitEach(
    limits: readonly AppliedLimit[][],
  ): Promise<{ admitted: boolean[]; evicted: number }> {
    const reply = await under.store.admit(
      process,
      limits.map((each) => asks(each)),
    );
    const admitted = decided(reply).map(({ kind }) => kind === 'admitted');
    return { admitted, evicted: reply.kind === 'decided' ? (reply.evicted ?? 0) : 0 };
  }

  it('take only so much room: the least recent go, and are told', async () => {
    const names = Array.from({ length: 9 }, (_, n) => `visitor-${n}`);
    let evicted = 0;
    for (const [n, name] of names.entries()) {
      await turnTo(lastSecondMs + 2_000 + n * minuteMs);
      // The first comes again each time: its counter is never the least recent.
      for (const each of new Set(['visitor-0', name])) {
        evicted += (await admitEach([[ofEndUser(each, 'day', { max: 100 })]])).evicted;
      }
    }
    const left = await used(...names.map((name) => ofEndUser(name, 'day')));
    expect(left[0]).toBe(9);
    expect(left.slice(1).toSorted((a, b) => a - b)).toEqual(left.slice(1)); // Those that are left came last.
    expect(evicted).toBe(left.filter((count) => count === 0).length);
    expect(evicted).toBeGreaterThan(1);
    const length = Number((await under.counterTexts('acme=d7'))['#']);
    expect(length).toBeGreaterThan(dayBytes / 2);
    expect(length).toBeLessThanOrEqual(dayBytes);
    expect(await isExact('acme=d7')).toBe(true);
    expect(await under.counterTexts('acme=')).toEqual({ d: String(length) });
  });

  it('make room for each other wherever they are, and those who come all the time stay', async () => {
    const bytes = 16_384;
    await begin(bytes);
    const dayOf = (name: string): AppliedLimit[] =>
      limitsOfEndUser({ team: 'acme', endUser: name }, [
        ['', [{ metric: 'requests', window: 'day', max: 1_000 }]],
      ]).map(({ limit: { id, max } }) => ({ id, span: 'day', amount: 1, max }));
    const regulars = Array.from({ length: 10 }, (_, n) => `regular-${n}`);
    const guests = Array.from({ length: 200 }, (_, n) => `guest-${n}`);
    let evicted = 0;
    for (let n = 0; n < guests.length; n += 10) {
      await turnTo(lastSecondMs + 2_000 + n * minuteMs);
      const come = [...regulars, ...guests.slice(n, n + 10)];
      evicted += (await admitEach(come.map(dayOf))).evicted;
      expect(Number((await under.counterTexts('acme='))['d'])).toBeLessThanOrEqual((bytes * 3) / 8);
    }
    expect(await used(...regulars.flatMap(dayOf))).toEqual(regulars.map(() => 20));
    const left = await used(...guests.flatMap(dayOf));
    expect(left.filter((count) => count === 0)).toHaveLength(evicted);
    const stay = (from: number): number => left.slice(from, from + 50).filter((count) => count > 0).length;
    expect([stay(0), stay(150)]).toEqual([expect.toSatisfy((some) => Number(some) < 15), 50]);
  });

  it('that expired make room before any other does', async () => {
    await admit(ofEndUser('ana', 'day'));
    await under.setCounter('acme=', 'd', '99999');
    const { evicted } = await admitEach([[ofEndUser('bo', 'day')]]);
    expect(evicted).toBe(0);
    const { '#': length } = await under.counterTexts('acme=d7');
    expect(await under.counterTexts('acme=')).toEqual({ d: length });
  });

  it('give way when their window has passed, which is not told', async () => {
    for (let n = 0; n < 5; n += 1) await admit(ofEndUser(`visitor-${n}`, 'day'));
    await turnTo(lastSecondMs + 2 * dayMs);
    const reply = await under.store.admit(process, [asks([ofEndUser('ana', 'day')])]);
    expect(reply).not.toHaveProperty('evicted');
    const { '#': _length, '@': _lookedAt, ...counters } = await under.counterTexts('acme=d7');
    expect(Object.keys(counters)).toEqual([ofEndUser('ana', 'day').id]);
    expect(await isExact('acme=d7')).toBe(true);
  });

  it('of a sliding window are bounded as they grow', async () => {
    const [ana, bo] = [ofEndUser('ana', 'hour', { max: 1_000 }), ofEndUser('bo', 'hour', { max: 1_000 })];
    let evicted = 0;
    for (let n = 0; n < 30; n += 1) {
      await turnTo(lastSecondMs + n * 10_000);
      for (const limit of n < 2 ? [ana, bo] : [ana]) {
        evicted += (await admitEach([[{ ...limit, amount: 30 }]])).evicted;
      }
      expect(await isExact('acme=h7')).toBe(true);
    }
    expect([evicted, ...(await used(ana, bo))]).toEqual([1, 900, 0]);
  });

  it('hold for 200 busy visitors at once, by the minute and the hour, even in one hash', async () => {
    await begin(defaultEndUserBytes);
    const visitors = Array.from({ length: 200 }, (_, n) =>
      (['minute', 'hour'] as const).map((span) =>
        // Of money, whose texts are the longest.
        ofEndUser(`visitor-${n}`, span, { amount: 1_234_567_890, max: 12_345_678_900 }),
      ),
    );
    const admitted = visitors.map(() => 0);
    let evicted = 0;
    for (let n = 0; n < 12; n += 1) {
      await turnTo(lastSecondMs + n * 4_000);
      const told = await admitEach(visitors);
      told.admitted.forEach((isIn, of) => (admitted[of] = (admitted[of] ?? 0) + Number(isIn)));
      evicted += told.evicted;
    }
    expect([evicted, new Set(admitted)]).toEqual([0, new Set([10])]);
    expect(await isExact('acme=h7')).toBe(true);
    const { m = 0, h = 0 } = await under.counterTexts('acme=');
    const lengths = [await under.counterTexts('acme=m7'), await under.counterTexts('acme=h7')];
    expect(lengths.map((hash) => hash['#'])).toEqual([m, h]);
  });
}
