import { beforeEach, describe, expect, it } from 'vitest';
import { noUsage } from '../support/no-usage.ts';
import type {
  Adjustment,
  AdmitReply,
  AdmitRequest,
  AppliedLimit,
  Decision,
  Settled,
} from '../../src/limits/store.ts';
import type { AttemptBound } from '../../src/base/limit.ts';
import { type Counter, type Span, windowIndex, windowStartMs } from '../../src/limits/window.ts';
import { windows } from '../../src/base/limit.ts';
import {
  asks,
  closed,
  closingOf,
  decided,
  entriesOf,
  entryOf,
  lastSecondMs,
  leaseMs,
  newGrant,
  process,
  settles,
  type StoreUnderTest,
} from './admission-store-samples.ts';
import { pricesEpoch } from '../../src/identity/records/model-price.ts';
import { countersOf } from '../support/counters-of.ts';

const spans: readonly Span[] = [...windows, 'open'];
const slidingSpans = [
  ['minute', 60_000],
  ['hour', 3_600_000],
] as const;

function limit(id: string, more: Partial<AppliedLimit> = {}): AppliedLimit {
  return { id, span: 'day', amount: 1, max: 10, ...more };
}

/** What every admission store does. `make` gives an empty one whose clock stands at `lastSecondMs`. */
export function admissionStoreContract(make: () => Promise<StoreUnderTest>): void {
  let under: StoreUnderTest;
  let incarnation: string;

  beforeEach(async () => {
    under = await make();
    await under.setEpoch('acme', 'e1');
    ({ incarnation } = await under.store.beat(process));
  });

  async function admit(...batch: AdmitRequest[]): Promise<readonly Decision[]> {
    return decided(await under.store.admit(process, batch));
  }

  async function kinds(...batch: AdmitRequest[]): Promise<string[]> {
    return (await admit(...batch)).map(({ kind }) => kind);
  }

  async function counterOf(id: string, span: Span = 'day'): Promise<Counter> {
    const [counter] = await countersOf(under.store, 'acme', [{ id, span }]);
    return counter ?? { at: -1, used: -1, runs: [] };
  }

  describe('heartbeats', () => {
    it('tell the clock and the incarnation, always the same', async () => {
      const beat = await under.store.beat(process);
      expect(beat).toEqual({ nowMs: lastSecondMs, incarnation, prices: '', silent: [] });
      expect(incarnation).toMatch(/^.{6,}$/);
      const reply = await under.store.admit(process, [asks([])]);
      expect(reply).toMatchObject({ kind: 'decided', nowMs: lastSecondMs, incarnation });
    });

    it('tell the epoch of the prices', async () => {
      await under.setEpoch(pricesEpoch, 'p7');
      expect((await under.store.beat(process)).prices).toBe('p7');
    });

    it('are needed before anything is admitted', async () => {
      expect(await under.store.admit('p2', [asks([])])).toEqual({ kind: 'unknown_process' });
      await under.store.beat('p2');
      expect(await under.store.admit('p2', [asks([])])).toMatchObject({ kind: 'decided' });
    });

    it('hold for a lease', async () => {
      await under.turnTo(lastSecondMs + leaseMs);
      expect(await kinds(asks([]))).toEqual(['admitted']);
      await under.turnTo(lastSecondMs + leaseMs + 1);
      expect(await under.store.admit(process, [asks([])])).toEqual({ kind: 'unknown_process' });
      await under.store.beat(process);
      expect(await kinds(asks([]))).toEqual(['admitted']);
    });

    it('tell which processes are silent for longer than a lease', async () => {
      await under.store.beat('p2');
      await under.turnTo(lastSecondMs + leaseMs);
      expect((await under.store.beat('p3')).silent).toEqual([]);
      await under.turnTo(lastSecondMs + leaseMs + 1);
      expect([...(await under.store.beat('p3')).silent].sort()).toEqual([process, 'p2']);
      await under.store.beat('p2');
      expect((await under.store.beat('p3')).silent).toEqual([process]);
    });
  });

  describe('admit', () => {
    it('without limits admits', async () => {
      expect(await admit(asks([]))).toEqual([{ kind: 'admitted', counters: [] }]);
    });

    it('decides each of a batch, in its order', async () => {
      const one = limit('one', { max: 1 });
      const batch = [asks([one]), asks([one]), asks([]), asks([], { epoch: 'old' })];
      expect(await kinds(...batch)).toEqual(['admitted', 'denied', 'admitted', 'stale']);
    });

    it('of nothing decides nothing', async () => {
      expect(await admit()).toEqual([]);
    });

    it('is stale at another epoch, or where there is no such team', async () => {
      expect(await kinds(asks([], { epoch: 'e0' }))).toEqual(['stale']);
      expect(await kinds(asks([], { team: 'nobody' }))).toEqual(['stale']);
      await under.setEpoch('acme', 'e2');
      expect(await kinds(asks([]), asks([], { epoch: 'e2' }))).toEqual(['stale', 'admitted']);
    });

    it('is late after the not-after time, not at it', async () => {
      const late = (notAfterMs: number): AdmitRequest => asks([limit('a')], { notAfterMs });
      expect(
        await kinds(late(lastSecondMs - 1), late(lastSecondMs - 0.5), late(lastSecondMs), late(Infinity)),
      ).toEqual(['late', 'late', 'admitted', 'admitted']);
      expect((await counterOf('a')).used).toBe(2);
    });

    it('is expired from the expiry on', async () => {
      const expires = (expiresAtMs: number): AdmitRequest => asks([limit('a')], { expiresAtMs });
      expect(await kinds(expires(lastSecondMs), expires(lastSecondMs + 1))).toEqual(['expired', 'admitted']);
      expect((await counterOf('a')).used).toBe(1);
    });

    it('reserves all limits or none', async () => {
      const full = limit('full', { max: 0 });
      const [denied] = await admit(asks([limit('a'), full, limit('b')]));
      expect(denied?.kind).toBe('denied');
      const counters = await Promise.all(['a', 'full', 'b'].map((id) => counterOf(id)));
      expect(counters.map(({ used }) => used)).toEqual([0, 0, 0]);
    });

    it('tells the counters in the order of the limits: with the request, or as found', async () => {
      const index = windowIndex('day', lastSecondMs);
      const a = limit('a', { amount: 6 });
      const b = limit('b', { amount: 1, span: 'open' });
      expect(await admit(asks([a, b]), asks([b, a]))).toEqual([
        {
          kind: 'admitted',
          counters: [
            { at: index, used: 6, runs: [] },
            { at: 0, used: 1, runs: [] },
          ],
        },
        {
          kind: 'denied',
          counters: [
            { at: 0, used: 1, runs: [] },
            { at: index, used: 6, runs: [] },
          ],
        },
      ]);
    });

    it('of the same grant again is one admission, told as such even where nothing is left', async () => {
      const request = asks([limit('a', { max: 1 })]);
      const index = windowIndex('day', lastSecondMs);
      const admitted = { kind: 'admitted', counters: [{ at: index, used: 1, runs: [] }] };
      expect(await admit(request)).toEqual([admitted]);
      expect(await admit(request, request)).toEqual([admitted, admitted]);
      expect(await kinds(asks([limit('a', { max: 1 })]))).toEqual(['denied']);
      expect(closed(await under.store.settle(process, [settles(request.grant, { incarnation })]))).toEqual([
        true,
      ]);
      expect(closed(await under.store.settle(process, [settles(request.grant, { incarnation })]))).toEqual([
        false,
      ]);
    });

    it('takes an amount of 0 where nothing is left, but not beyond the limit', async () => {
      await admit(asks([limit('a', { amount: 10 })]));
      expect(await kinds(asks([limit('a', { amount: 0 })]))).toEqual(['admitted']);
      expect(await kinds(asks([limit('a', { amount: 0, max: 9 })]))).toEqual(['denied']);
    });

    it('counts to the last integer exactly', async () => {
      const max = Number.MAX_SAFE_INTEGER;
      const large = limit('a', { amount: max - 1, max, span: 'month' });
      expect(await kinds(asks([large]), asks([{ ...large, amount: 2 }]))).toEqual(['admitted', 'denied']);
      expect(await kinds(asks([{ ...large, amount: 1 }]))).toEqual(['admitted']);
      expect((await counterOf('a', 'month')).used).toBe(max);
    });

    it('takes as many limits as three lists of 16 hold', async () => {
      const limits = Array.from({ length: 48 }, (_, n) => limit(`l${n}`, { amount: n }));
      const [decision] = await admit(asks(limits.map((each) => ({ ...each, max: 100 }))));
      expect(decision).toMatchObject({ kind: 'admitted' });
      if (decision?.kind !== 'admitted') return;
      expect(decision.counters.map(({ used }) => used)).toEqual(limits.map(({ amount }) => amount));
    });

    it('takes 200 requests in one call', async () => {
      const batch = Array.from({ length: 200 }, () => asks([limit('a', { max: 150 })]));
      const told = await kinds(...batch);
      expect(told.filter((kind) => kind === 'admitted')).toHaveLength(150);
    });
  });

  describe('a limit', () => {
    for (const span of spans) {
      it(`on a ${span} admits exactly its max of a burst over many calls`, async () => {
        const calls = Array.from({ length: 20 }, () =>
          admit(...Array.from({ length: 10 }, () => asks([limit('a', { span, max: 50 })]))),
        );
        const decisions = (await Promise.all(calls)).flat();
        expect(decisions.filter(({ kind }) => kind === 'admitted')).toHaveLength(50);
        expect((await counterOf('a', span)).used).toBe(50);
      });
    }

    it('of tokens admits what fits, whatever came before', async () => {
      const tokens = (amount: number): AdmitRequest => asks([limit('a', { amount, max: 100 })]);
      expect(await kinds(tokens(60), tokens(41), tokens(40), tokens(1))).toEqual([
        'admitted',
        'denied',
        'admitted',
        'denied',
      ]);
    });

    for (const span of ['day', 'month'] as const) {
      it(`on a ${span} begins anew at midnight UTC`, async () => {
        const one = limit('a', { span, max: 1 });
        await under.turnTo(lastSecondMs + 999);
        expect(await kinds(asks([one]), asks([one]))).toEqual(['admitted', 'denied']);
        await under.turnTo(lastSecondMs + 1_000);
        expect(await kinds(asks([one]), asks([one]))).toEqual(['admitted', 'denied']);
      });
    }

    for (const [span, lengthMs] of slidingSpans) {
      it(`on a ${span} slides: what was used counts for exactly that long, over any edge`, async () => {
        const ten = limit('a', { span, max: 10 });
        const admittedAt = async (afterMs: number): Promise<number> => {
          await under.turnTo(lastSecondMs + afterMs);
          await under.store.beat(process);
          const told = await kinds(...Array.from({ length: 10 }, () => asks([ten])));
          return told.filter((kind) => kind === 'admitted').length;
        };
        await admit(...Array.from({ length: 4 }, () => asks([ten])));
        expect(await admittedAt(1_000)).toBe(6);
        expect(await admittedAt(lengthMs - 1)).toBe(0);
        expect(await admittedAt(lengthMs)).toBe(4);
        expect(await admittedAt(lengthMs + 999)).toBe(0);
        expect(await admittedAt(lengthMs + 1_000)).toBe(6);
        expect(await admittedAt(3 * lengthMs)).toBe(10);
      });

      it(`on a ${span} tells what it holds when it denies`, async () => {
        const ten = limit('a', { span, amount: 5 });
        await admit(asks([ten]));
        await under.turnTo(lastSecondMs + 500);
        await admit(asks([ten]));
        await under.turnTo(lastSecondMs + lengthMs);
        await under.store.beat(process);
        const [decision] = await admit(asks([{ ...ten, amount: 6 }]));
        expect(decision).toEqual({
          kind: 'denied',
          counters: [{ at: lastSecondMs + 500, used: 5, runs: [{ endMs: lastSecondMs + 500, amount: 5 }] }],
        });
      });

      it(`on a ${span} waits for a clock that was set back a little, for one window at most`, async () => {
        const one = limit('a', { span, max: 1 });
        expect(await kinds(asks([one]))).toEqual(['admitted']);
        await under.turnTo(lastSecondMs - 1_000);
        expect(await kinds(asks([one]))).toEqual(['denied']);
        await under.turnTo(lastSecondMs + lengthMs);
        await under.store.beat(process);
        expect(await kinds(asks([one]))).toEqual(['admitted']);
        const backMs = lastSecondMs - 10 * lengthMs;
        await under.turnTo(backMs);
        await under.store.beat(process);
        expect(await kinds(asks([limit('a', { span, max: 2 })]))).toEqual(['admitted']);
        expect(await kinds(asks([limit('a', { span, max: 2 })]))).toEqual(['denied']);
        await under.turnTo(backMs + lengthMs);
        await under.store.beat(process);
        expect(await kinds(asks([one]))).toEqual(['admitted']);
      });
    }

    it('beside one of an earlier version counts for itself', async () => {
      const one = limit('a', { span: 'minute', max: 1 });
      await under.setCounter('acme', 'a', `${Math.floor(lastSecondMs / 60_000)} 5 3`);
      expect(await kinds(asks([one]), asks([one]))).toEqual(['admitted', 'denied']);
    });

    it('of concurrency has room again when one ends, in whatever month', async () => {
      const two = limit('a', { span: 'open', max: 2 });
      const [first, second] = [asks([two]), asks([two])];
      expect(await kinds(first, second, asks([two]))).toEqual(['admitted', 'admitted', 'denied']);
      await under.turnTo(lastSecondMs + 1_000);
      expect(await kinds(asks([two]))).toEqual(['denied']);
      const back = { adjustments: [{ id: 'a', span: 'open', at: 0, delta: -1 } as const] };
      await under.store.settle(process, [settles(first.grant, { incarnation, ...back })]);
      expect(await kinds(asks([two]), asks([two]))).toEqual(['admitted', 'denied']);
    });

    it('keeps what is used when its max changes', async () => {
      await admit(asks([limit('a', { amount: 4 })]));
      expect(await kinds(asks([limit('a', { max: 4 })]), asks([limit('a', { max: 5 })]))).toEqual([
        'denied',
        'admitted',
      ]);
    });
  });

  describe('settle', () => {
    const dayIndex = windowIndex('day', lastSecondMs);

    async function admitted(...limits: AppliedLimit[]): Promise<string> {
      const request = asks(limits);
      expect(await kinds(request)).toEqual(['admitted']);
      return request.grant;
    }

    it('closes a grant once, and writes its entry and totals once', async () => {
      const grant = await admitted();
      const settlement = settles(grant, { incarnation });
      expect(closed(await under.store.settle(process, [settlement, settlement]))).toEqual([true, false]);
      expect(closed(await under.store.settle(process, [settlement]))).toEqual([false]);
      expect(await entriesOf(under.ledger)).toEqual([entryOf(grant)]);
      const query = { from: '2095-12-31', to: '2095-12-31', filters: {}, groupBy: [] };
      expect(await under.ledger.usage(query)).toEqual([
        {
          ...noUsage,
          requests: 1,
          input_tokens: 12,
          output_tokens: 34,
        },
      ]);
    });

    it('closes each of a batch, newest last', async () => {
      const grants = [await admitted(), await admitted(), newGrant(), await admitted()];
      const batch = grants.map((grant) => settles(grant, { incarnation }));
      expect(closed(await under.store.settle(process, batch))).toEqual([true, true, false, true]);
      expect((await entriesOf(under.ledger)).map(({ id }) => id)).toEqual([grants[3], grants[1], grants[0]]);
    });

    it('adds to the totals of the day of admission, row by row', async () => {
      const [a, b, c] = [await admitted(), await admitted(), await admitted()];
      await under.store.settle(process, [
        settles(a, { incarnation }),
        settles(b, { incarnation, closing: closingOf(entryOf(b, { user: 'bob', images: 2 })) }),
        settles(c, { incarnation, closing: closingOf(entryOf(c, { time: '2095-12-30T00:00:00.000Z' })) }),
      ]);
      const query = {
        from: '2095-12-30',
        to: '2095-12-31',
        filters: {},
        groupBy: ['day', 'user'] as const,
      };
      const rows = await under.ledger.usage(query);
      expect(rows.map(({ day, user, requests, images }) => [day, user, requests, images])).toEqual([
        ['2095-12-30', 'ana', 1, 0],
        ['2095-12-31', 'ana', 1, 0],
        ['2095-12-31', 'bob', 1, 2],
      ]);
    });

    it('does not close what another process was granted', async () => {
      const grant = await admitted();
      expect(closed(await under.store.settle('p2', [settles(grant, { incarnation })]))).toEqual([false]);
      expect(await entriesOf(under.ledger)).toEqual([]);
      expect(closed(await under.store.settle(process, [settles(grant, { incarnation })]))).toEqual([true]);
    });

    it('corrects the window that was reserved', async () => {
      const grant = await admitted(limit('a', { amount: 8 }));
      const adjustments = [{ id: 'a', span: 'day', at: dayIndex, delta: -5 } as const];
      await under.store.settle(process, [settles(grant, { incarnation, adjustments })]);
      expect(await counterOf('a')).toEqual({ at: dayIndex, used: 3, runs: [] });
    });

    it('corrects once, however often it is told', async () => {
      const grant = await admitted(limit('a', { amount: 8 }));
      const settlement = settles(grant, {
        incarnation,
        adjustments: [{ id: 'a', span: 'day', at: dayIndex, delta: -3 }],
      });
      await under.store.settle(process, [settlement, settlement]);
      await under.store.settle(process, [settlement]);
      expect((await counterOf('a')).used).toBe(5);
    });

    it('charges beyond the reservation and beyond the limit, which blocks what follows', async () => {
      const grant = await admitted(limit('a', { amount: 8 }));
      const adjustments = [{ id: 'a', span: 'day', at: dayIndex, delta: 5 } as const];
      await under.store.settle(process, [settles(grant, { incarnation, adjustments })]);
      expect((await counterOf('a')).used).toBe(13);
      expect(await kinds(asks([limit('a')]))).toEqual(['denied']);
    });

    it('corrects a sliding window at the time of the reservation', async () => {
      const ofMinute = (amount: number): AppliedLimit => limit('a', { amount, span: 'minute' });
      const grant = await admitted(ofMinute(4));
      await under.turnTo(lastSecondMs + 1_000);
      await admitted(ofMinute(1));
      const adjust = (delta: number): readonly Adjustment[] => [
        { id: 'a', span: 'minute', at: lastSecondMs, delta },
      ];
      await under.store.settle(process, [settles(grant, { incarnation, adjustments: adjust(-3) })]);
      expect((await counterOf('a', 'minute')).runs).toEqual([
        { endMs: lastSecondMs, amount: 1 },
        { endMs: lastSecondMs + 1_000, amount: 1 },
      ]);
      await under.turnTo(lastSecondMs + 60_000);
      expect(await counterOf('a', 'minute')).toMatchObject({ used: 1 });
    });

    it('charges a sliding window beyond the reservation at the time of the reservation', async () => {
      const grant = await admitted(limit('a', { amount: 4, span: 'minute' }));
      await under.turnTo(lastSecondMs + 1_000);
      await admitted(limit('a', { amount: 1, span: 'minute' }));
      const adjustments: Adjustment[] = [{ id: 'a', span: 'minute', at: lastSecondMs, delta: 20 }];
      await under.store.settle(process, [settles(grant, { incarnation, adjustments })]);
      expect(await kinds(asks([limit('a', { span: 'minute' })]))).toEqual(['denied']);
      await under.turnTo(lastSecondMs + 60_000);
      await under.store.beat(process);
      expect(await kinds(asks([limit('a', { span: 'minute' })]))).toEqual(['admitted']);
    });

    it('charges a sliding window of which nothing was reserved', async () => {
      const none = limit('a', { amount: 0, span: 'minute' });
      const grant = await admitted(none);
      await under.turnTo(lastSecondMs + 1_000);
      const adjustments: Adjustment[] = [{ id: 'a', span: 'minute', at: lastSecondMs, delta: 7 }];
      await under.store.settle(process, [settles(grant, { incarnation, adjustments })]);
      expect(await counterOf('a', 'minute')).toMatchObject({
        used: 7,
        runs: [{ endMs: lastSecondMs, amount: 7 }],
      });
    });

    it('leaves windows alone that are out of reach, and limits there are none of', async () => {
      const grant = await admitted(limit('a', { amount: 8, span: 'minute' }), limit('b', { amount: 8 }));
      await under.turnTo(lastSecondMs + 61_000);
      await under.store.beat(process);
      await admitted(limit('a', { amount: 1, span: 'minute' }), limit('b', { amount: 1 }));
      const adjustments: Adjustment[] = [
        { id: 'a', span: 'minute', at: lastSecondMs, delta: -8 },
        { id: 'b', span: 'day', at: dayIndex, delta: -8 },
        { id: 'b', span: 'day', at: dayIndex + 3, delta: -8 },
        { id: 'gone', span: 'minute', at: lastSecondMs, delta: -8 },
        { id: 'gone', span: 'day', at: dayIndex, delta: -8 },
      ];
      expect(
        closed(await under.store.settle(process, [settles(grant, { incarnation, adjustments })])),
      ).toEqual([true]);
      expect(await counterOf('a', 'minute')).toMatchObject({ used: 1 });
      expect(await counterOf('b')).toMatchObject({ at: dayIndex + 1, used: 1 });
      expect(await counterOf('gone')).toMatchObject({ used: 0 });
      expect(await counterOf('gone', 'minute')).toMatchObject({ used: 0 });
    });

    it('never takes a counter below 0', async () => {
      const grant = await admitted(limit('a', { amount: 3 }), limit('b', { amount: 3, span: 'minute' }));
      const adjustments: Adjustment[] = [
        { id: 'a', span: 'day', at: dayIndex, delta: -9 },
        { id: 'b', span: 'minute', at: lastSecondMs, delta: -9 },
      ];
      await under.store.settle(process, [settles(grant, { incarnation, adjustments })]);
      expect((await counterOf('a')).used).toBe(0);
      expect((await counterOf('b', 'minute')).used).toBe(0);
    });

    it('keeps what settled requests have used of a day, whatever others have reserved', async () => {
      const tokens = limit('a', { amount: 1_000, max: 10_000 });
      const grants = [await admitted(tokens), await admitted(tokens), await admitted(tokens)];
      const settle = (grant: string, charged: number): Promise<readonly Settled[]> => {
        const day: Adjustment = { id: 'a', span: 'day', at: dayIndex, delta: charged - 1_000, charged };
        const minute: Adjustment = { id: 'b', span: 'minute', at: lastSecondMs, delta: 0 };
        return under.store.settle(process, [settles(grant, { incarnation, adjustments: [minute, day] })]);
      };
      const settled = async (): Promise<number> =>
        Number((await under.counterTexts('acme'))['a']?.split(' ')[2]);
      expect(await settle(grants[0] ?? '', 15)).toEqual([[]]);
      expect(await settled()).toBe(15);
      expect(await settle(grants[0] ?? '', 15)).toEqual([null]);
      await settle(grants[1] ?? '', 1_000);
      expect(await settled()).toBe(1_015);
      await under.turnTo(lastSecondMs + 1_000);
      await admitted(tokens);
      await settle(grants[2] ?? '', 7);
      expect(await settled()).toBe(0);
    });

    it('takes no more for settled than is used, where an earlier version kept another figure', async () => {
      await under.setCounter('acme', 'a', `${dayIndex} 30 9000`);
      const grant = await admitted(limit('a', { amount: 10, max: 100 }));
      const adjustments: Adjustment[] = [{ id: 'a', span: 'day', at: dayIndex, delta: -5, charged: 5 }];
      await under.store.settle(process, [settles(grant, { incarnation, adjustments })]);
      expect((await under.counterTexts('acme'))['a']).toBe(`${dayIndex} 35 35`);
    });

    it('gives a cancelled admission back without a trace', async () => {
      const grant = await admitted(limit('a', { amount: 8 }), limit('b', { span: 'open' }));
      const adjustments = [
        { id: 'a', span: 'day', at: dayIndex, delta: -8 } as const,
        { id: 'b', span: 'open', at: 0, delta: -1 } as const,
      ];
      const cancelled = settles(grant, { incarnation, adjustments, closing: null });
      const other = await admitted();
      expect(closed(await under.store.settle(process, [cancelled, settles(other, { incarnation })]))).toEqual(
        [true, true],
      );
      expect((await counterOf('a')).used).toBe(0);
      expect((await counterOf('b', 'open')).used).toBe(0);
      expect((await entriesOf(under.ledger)).map(({ id }) => id)).toEqual([other]);
      expect(await under.store.openOf(process, [grant, other])).toEqual([]);
    });

    it('works for a process the store does not know', async () => {
      const grant = await admitted();
      await under.turnTo(lastSecondMs + leaseMs + 1);
      expect(closed(await under.store.settle(process, [settles(grant, { incarnation })]))).toEqual([true]);
    });

    it('takes 200 at once', async () => {
      const batch = Array.from({ length: 200 }, () => asks([limit('a', { max: 200 })]));
      await admit(...batch);
      const adjustments = [{ id: 'a', span: 'day', at: dayIndex, delta: -1 } as const];
      const results = await under.store.settle(
        process,
        batch.map(({ grant }) => settles(grant, { incarnation, adjustments })),
      );
      expect(closed(results)).toEqual(batch.map(() => true));
      expect((await counterOf('a')).used).toBe(0);
      expect(await entriesOf(under.ledger)).toHaveLength(200);
    });
  });

  describe('a silent process', () => {
    async function leaveOpen(count: number): Promise<AdmitRequest[]> {
      const batch = Array.from({ length: count }, () => asks([limit('a', { span: 'open', max: count })]));
      for (let at = 0; at < count; at += 200) await admit(...batch.slice(at, at + 200));
      return batch;
    }

    async function fallSilent(): Promise<void> {
      await under.turnTo(lastSecondMs + leaseMs + 1);
    }

    it('shows its open requests with their records and times, to anyone', async () => {
      const batch = await leaveOpen(3);
      await fallSilent();
      const open = await under.store.openOfSilent(process);
      expect([...open].sort((a, b) => (a.grant < b.grant ? -1 : 1))).toEqual(
        batch
          .map(({ grant, record }) => ({ grant, record, admittedAtMs: lastSecondMs }))
          .sort((a, b) => (a.grant < b.grant ? -1 : 1)),
      );
    });

    it('shows nothing while it is alive, and nothing of it can be settled by others', async () => {
      const [request] = await leaveOpen(1);
      expect(await under.store.openOfSilent(process)).toEqual([]);
      const settlement = settles(request?.grant ?? '', { incarnation });
      expect(await under.store.settleSilent(process, [settlement])).toBeNull();
      await fallSilent();
      await under.store.beat(process);
      expect(await under.store.openOfSilent(process)).toEqual([]);
      expect(await under.store.settleSilent(process, [settlement])).toBeNull();
      expect(await entriesOf(under.ledger)).toEqual([]);
    });

    it('has its requests closed once; its own late settlement finds them closed', async () => {
      const [request] = await leaveOpen(1);
      await fallSilent();
      const grant = request?.grant ?? '';
      const lost = settles(grant, {
        incarnation,
        adjustments: [{ id: 'a', span: 'open', at: 0, delta: -1 }],
        closing: closingOf(entryOf(grant, { outcome: 'lost' })),
      });
      expect(closed(await under.store.settleSilent(process, [lost]))).toEqual([true]);
      expect(closed(await under.store.settleSilent(process, [lost]))).toEqual([false]);
      expect(closed(await under.store.settle(process, [settles(grant, { incarnation })]))).toEqual([false]);
      expect((await entriesOf(under.ledger)).map(({ outcome }) => outcome)).toEqual(['lost']);
      expect((await counterOf('a')).used).toBe(0);
    });

    it('is swept of any number of requests, and then forgotten', async () => {
      const batch = await leaveOpen(1_000);
      await fallSilent();
      const found = new Set<string>();
      for (;;) {
        const open = await under.store.openOfSilent(process);
        if (open.length === 0) break;
        for (const { grant } of open) found.add(grant);
        for (let at = 0; at < open.length; at += 100) {
          const settlements = open.slice(at, at + 100).map(({ grant }) => settles(grant, { incarnation }));
          expect(closed(await under.store.settleSilent(process, settlements))).not.toContain(false);
        }
      }
      expect(found).toEqual(new Set(batch.map(({ grant }) => grant)));
      expect((await under.store.beat('p2')).silent).toEqual([]);
    });

    it('is not forgotten before its requests are closed', async () => {
      await leaveOpen(1);
      await fallSilent();
      await under.store.openOfSilent(process);
      expect((await under.store.beat('p2')).silent).toEqual([process]);
    });

    it('that the store has never heard of has nothing open', async () => {
      expect(await under.store.openOfSilent('p9')).toEqual([]);
      const results = await under.store.settleSilent('p9', [settles('p9-1', { incarnation })]);
      expect(closed(results)).toEqual([false]);
    });
  });

  describe('openOf', () => {
    it('finds those of the grants that are open', async () => {
      const [first, second] = [asks([]), asks([])];
      await admit(first, second);
      await under.store.settle(process, [settles(first.grant, { incarnation })]);
      expect(await under.store.openOf(process, [first.grant, 'p1-none', second.grant])).toEqual([
        { grant: second.grant, admittedAtMs: lastSecondMs, record: second.record },
      ]);
      expect(await under.store.openOf('p2', [second.grant])).toEqual([]);
    });

    it('gives records back as they were written', async () => {
      const request = asks([], { record: 'one\ttwo\t\tfour\t0' });
      await admit(request);
      expect((await under.store.openOf(process, [request.grant]))[0]?.record).toBe('one\ttwo\t\tfour\t0');
    });
  });

  describe('counters', () => {
    it('are read as they are now, with the clock; empty where nothing was counted', async () => {
      const limits = [
        limit('b', { span: 'month' }),
        limit('none'),
        limit('a', { amount: 3 }),
        limit('c', { span: 'hour', amount: 2 }),
      ];
      await admit(asks(limits.filter(({ id }) => id !== 'none')));
      const anHourBefore = lastSecondMs - 3_600_000;
      const counters = [
        { at: windowIndex('month', lastSecondMs), used: 1, runs: [] },
        { at: windowIndex('day', lastSecondMs), used: 0, runs: [] },
        { at: windowIndex('day', lastSecondMs), used: 3, runs: [] },
        { at: lastSecondMs, used: 2, runs: [{ endMs: lastSecondMs, amount: 2 }] },
      ];
      const asked = ['acme', 'other'].map((team) => ({ team, limits }));
      expect(await under.store.counters([{ team: 'acme', limits: [] }, ...asked])).toEqual({
        nowMs: lastSecondMs,
        counters: [
          [],
          counters,
          counters.map(({ at, runs }) => ({ at: runs.length > 0 ? anHourBefore : at, used: 0, runs: [] })),
        ],
      });
    });

    it('count months as the calendar does, each to its last millisecond', async () => {
      const first = windowIndex('month', Date.UTC(2023, 10, 1));
      for (let index = first; index <= first + 30; index += 1) {
        for (const atMs of [windowStartMs('month', index), windowStartMs('month', index + 1) - 1]) {
          await under.turnTo(atMs);
          await under.store.beat(process);
          const [decision] = await admit(asks([limit('a', { span: 'month' })]));
          expect(decision).toMatchObject({ counters: [{ at: index }] });
        }
      }
    });
  });

  describe('a bound on refunded requests', () => {
    const bound: AttemptBound = { scope: 'token', field: '!tok_1', max: 5, withLimit: null };

    /** Admits with a bound and refunds, as often as it is admitted. */
    async function refundMany(
      times: number,
      of: AttemptBound,
      limits: AppliedLimit[] = [],
    ): Promise<Decision[]> {
      const refused: Decision[] = [];
      for (let n = 0; n < times; n += 1) {
        const request = asks(limits, { attempts: [of] });
        const [decision] = await admit(request);
        if (decision?.kind !== 'admitted') refused.push(decision ?? { kind: 'late' });
        else await under.store.settle(process, [settles(request.grant, { refundedTo: [of] })]);
      }
      return refused;
    }

    it('holds in a minute, says when there is room again, and lets so many more through then', async () => {
      const atMs = lastSecondMs + 1_000; // a whole minute, and so whole steps of it
      await under.turnTo(atMs);
      await under.store.beat(process);
      const fitsMs = atMs + 65_000; // a minute, and the step in which it began
      const refused: Decision = { kind: 'attempts', bound: 0, fitsMs };
      expect(await refundMany(8, bound)).toEqual([refused, refused, refused]);
      await under.turnTo(fitsMs - 1);
      await under.store.beat(process);
      expect(await refundMany(1, bound)).toEqual([refused]);
      await under.turnTo(fitsMs);
      expect(await refundMany(5, bound)).toEqual([]);
      expect(await refundMany(1, bound)).toHaveLength(1);
    });

    it('counts the use of its own limit as well, and nothing while nothing is refunded', async () => {
      const own = { ...bound, withLimit: 'a' };
      const limits = [limit('a', { span: 'minute', max: 3 })];
      for (let n = 0; n < 3; n += 1) {
        const request = asks(limits, { attempts: [own] });
        expect(await admit(request)).toMatchObject([{ kind: 'admitted' }]);
        await under.store.settle(process, [settles(request.grant)]);
      }
      expect(Object.keys(await under.counterTexts('acme'))).toEqual(['a~']);
      await under.setCounter('acme', 'a~', '1 0 0 0 0'); // two of them are over
      expect(await refundMany(9, own)).toHaveLength(4);
    });

    it('is one of a principal, in so many bytes, and goes with the counters', async () => {
      await refundMany(5, bound);
      expect(await refundMany(1, { ...bound, field: '!tok_2' })).toEqual([]);
      for (let n = 0; n < 200; n += 1) {
        await under.turnTo(lastSecondMs + n * 1_700);
        await under.store.beat(process);
        await refundMany(3, { ...bound, max: 600 });
      }
      const texts = await under.counterTexts('acme');
      expect(texts['!tok_1']?.length).toBeLessThan(64);
    });

    it('is not kept for a session that is gone', async () => {
      const ofSession = { ...bound, scope: 'session' as const, field: 'sid/!' };
      expect(await refundMany(9, ofSession)).toEqual([]);
    });
  });

  describe('leave', () => {
    it('forgets a process that has nothing open', async () => {
      await under.store.leave(process);
      expect(await under.store.admit(process, [asks([])])).toEqual<AdmitReply>({ kind: 'unknown_process' });
      await under.turnTo(lastSecondMs + leaseMs + 1);
      expect((await under.store.beat('p2')).silent).toEqual([]);
    });

    it('keeps one that leaves requests behind, to be swept', async () => {
      const request = asks([]);
      await admit(request);
      await under.store.leave(process);
      await under.turnTo(lastSecondMs + leaseMs + 1);
      expect((await under.store.beat('p2')).silent).toEqual([process]);
      expect((await under.store.openOfSilent(process)).map(({ grant }) => grant)).toEqual([request.grant]);
    });

    it('is nothing for a process the store does not know', async () => {
      await under.store.leave('p9');
      expect((await under.store.beat(process)).silent).toEqual([]);
    });
  });
}
