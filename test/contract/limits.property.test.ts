import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Raise } from '../../src/base/limit.ts';
import type { AdmitRequest, AppliedLimit, Decision, Settlement } from '../../src/limits/store.ts';
import { countedAt, isSliding, type Span, windowIndex, windowStartMs } from '../../src/limits/window.ts';
import { engines, useEngine } from './engines.ts';
import {
  closingOf,
  emptyAdmission,
  entriesOf,
  entryOf,
  lastSecondMs,
  leaseMs,
  type StoreUnderTest,
} from './admission-store-samples.ts';
import { countersOf } from '../support/counters-of.ts';

/*
 * Whatever two gateways ask of one store, in whatever order: no limit ever grants more than its maximum and the raises that
 * last, each grant is charged once, and what was refused leaves no trace. A limit that only observes counts and refuses
 * nothing. The model is a list of charges; it knows nothing of how the store counts.
 */

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
/** Open requests are kept for 30 days. */
const longestStoryMs = 25 * dayMs;

const gateways = ['p1', 'p2'];
const teams = ['acme', 'beta'];

interface Limit {
  id: string;
  team: string;
  span: Span;
  max: number;
  observes?: true;
}

const limits: readonly Limit[] = teams.flatMap((team) => [
  { id: `${team}-minute`, team, span: 'minute', max: 4 },
  { id: `${team}-hour`, team, span: 'hour', max: 9 },
  { id: `${team}-day`, team, span: 'day', max: 12 },
  { id: `${team}-month`, team, span: 'month', max: 20 },
  { id: `${team}-open`, team, span: 'open', max: 3 },
  { id: `${team}-seen`, team, span: 'hour', max: 2, observes: true },
]);
const limitsPerTeam = limits.length / teams.length;

type Flaw = 'none' | 'stale' | 'late' | 'expired' | 'repeated';

const request = fc.record({
  team: fc.constantFrom(...teams),
  flaw: fc.oneof(
    { weight: 8, arbitrary: fc.constant<Flaw>('none') },
    { weight: 2, arbitrary: fc.constantFrom<Flaw>('stale', 'late', 'expired', 'repeated') },
  ),
  asks: fc.uniqueArray(fc.record({ n: fc.nat(limitsPerTeam - 1), amount: fc.nat(3) }), {
    selector: ({ n }) => n,
    minLength: 1,
  }),
});

const closing = fc.record({
  /** Which of the grants, counted from the newest; some are closed already. */
  back: fc.nat(6),
  isCancelled: fc.boolean(),
  /** What each limit is charged in the end. */
  charged: fc.array(fc.nat(4), { minLength: limitsPerTeam, maxLength: limitsPerTeam }),
});

const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('turn' as const),
      byMs: fc.oneof(fc.nat(leaseMs), fc.nat(2 * minuteMs), fc.nat(2 * hourMs), fc.nat(2 * dayMs)),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('admit' as const),
      gateway: fc.constantFrom(...gateways),
      beats: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, fc.constant(false)),
      requests: fc.array(request, { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      gateway: fc.constantFrom(...gateways),
      closings: fc.array(closing, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('sweep' as const), gateway: fc.constantFrom(...gateways) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('raise' as const),
      n: fc.nat(limits.length - 1),
      by: fc.integer({ min: 1, max: 6 }),
      forMs: fc.oneof(fc.nat(2 * minuteMs), fc.nat(2 * hourMs), fc.nat(2 * dayMs)),
    }),
  },
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type Asked = typeof request extends fc.Arbitrary<infer T> ? T : never;
type Closing = typeof closing extends fc.Arbitrary<infer T> ? T : never;

interface Charge {
  limit: Limit;
  atMs: number;
  /** Reserved; once the grant is closed, charged. */
  amount: number;
}

interface Granted {
  id: string;
  gateway: string;
  team: string;
  atMs: number;
  charges: Charge[];
  isOpen: boolean;
}

/** Plays a story to a store and checks each of its answers. */
class Story {
  readonly seen = new Map<string, number>();
  readonly #under: StoreUnderTest;
  readonly #granted: Granted[] = [];
  /** The output tokens of each entry there should be, by its grant. */
  readonly #entries = new Map<string, number>();
  /** By the limit. Those that have ended stay: a gateway may know an identity for long. */
  readonly #raises = new Map<Limit, Raise[]>();
  #nowMs = lastSecondMs;
  #asked = 0;
  #incarnation = '';

  constructor(under: StoreUnderTest) {
    this.#under = under;
  }

  async play(steps: readonly Step[]): Promise<void> {
    for (const team of teams) await this.#under.setEpoch(team, 'e1');
    for (const gateway of gateways)
      ({ incarnation: this.#incarnation } = await this.#under.store.beat(gateway));
    for (const each of steps) {
      await this.#take(each);
      await this.#checkCounters();
    }
    await this.#checkLedger();
    await this.#checkSpace();
  }

  async #take(told: Step): Promise<void> {
    const { store } = this.#under;
    switch (told.do) {
      case 'turn':
        this.#nowMs = Math.min(this.#nowMs + told.byMs, lastSecondMs + longestStoryMs);
        return this.#under.turnTo(this.#nowMs);
      case 'admit': {
        if (told.beats) await store.beat(told.gateway);
        const batch = told.requests.map((each) => this.#request(told.gateway, each));
        const reply = await store.admit(
          told.gateway,
          batch.map(({ sent }) => sent),
        );
        if (reply.kind === 'unknown_process') return this.#note(reply.kind);
        return batch.forEach((each, n) => this.#decided(told.gateway, each, reply.decisions[n]));
      }
      case 'settle': {
        const own = this.#granted.filter(({ gateway }) => gateway === told.gateway);
        const batch = told.closings.flatMap((each) => {
          const grant = own.at(-1 - each.back);
          return grant ? [{ grant, closing: each }] : [];
        });
        const sent = batch.map(({ grant, closing: each }) => this.#settlement(grant, each));
        const closed = await store.settle(told.gateway, sent);
        return batch.forEach(({ grant, closing: each }, n) => this.#closed(grant, each, closed[n] !== null));
      }
      case 'sweep':
        return this.#sweep(told.gateway);
      case 'raise':
        return this.#raise(told);
    }
  }

  #request(gateway: string, { team, flaw, asks }: Asked): { flaw: Flaw; sent: AdmitRequest } {
    const own = limits.filter((limit) => limit.team === team);
    const repeated = this.#granted.find((grant) => grant.isOpen && grant.gateway === gateway);
    const isRepeated = flaw === 'repeated' && repeated !== undefined;
    this.#asked += 1;
    const sent: AdmitRequest = {
      grant: isRepeated ? repeated.id : `${gateway}-${this.#asked}`,
      team: isRepeated ? repeated.team : team,
      epoch: flaw === 'stale' ? 'e0' : 'e1',
      notAfterMs: this.#nowMs - (flaw === 'late' ? 1 : 0),
      expiresAtMs: flaw === 'expired' ? this.#nowMs : Infinity,
      session: null,
      record: 'record',
      limits: isRepeated
        ? repeated.charges.map(({ limit, amount }) => this.#appliedOf(limit, amount))
        : asks.flatMap(({ n, amount }) => (own[n] ? [this.#appliedOf(own[n], amount)] : [])),
    };
    return { flaw: flaw === 'repeated' && !isRepeated ? 'none' : flaw, sent };
  }

  #decided(
    gateway: string,
    { flaw, sent }: { flaw: Flaw; sent: AdmitRequest },
    decision: Decision | undefined,
  ): void {
    const kind = decision?.kind ?? 'none';
    this.#note(flaw === 'none' ? kind : flaw);
    if (flaw === 'repeated') return expect(kind).toBe('admitted'); // and counts nothing, as the counters say
    if (flaw !== 'none') return expect(kind).toBe(flaw);
    const charges = sent.limits.map((applied) => ({
      limit: limitNamed(applied.id),
      atMs: this.#nowMs,
      amount: applied.amount,
    }));
    if (kind === 'admitted') {
      // Never more than the maximum in a window.
      for (const charge of charges) {
        const { limit } = charge;
        if (!limit.observes) expect(this.#sumWith(charge)).toBeLessThanOrEqual(this.#maxOf(limit));
        else if (this.#sumWith(charge) > limit.max) this.#note('observed');
        if (this.#sumWith(charge) > limit.max && !limit.observes) this.#note('admitted by a raise');
      }
      this.#granted.push({
        id: sent.grant,
        gateway,
        team: sent.team,
        atMs: this.#nowMs,
        charges,
        isOpen: true,
      });
      return;
    }
    // And never refused if it fits. These maxima are too small for anything to be held too long.
    expect(kind).toBe('denied');
    const isFull = (charge: Charge): boolean =>
      !charge.limit.observes && this.#sumWith(charge) > this.#maxOf(charge.limit);
    expect(charges.some(isFull)).toBe(true);
    const hasEnded = ({ limit }: Charge): boolean => this.#maxOf(limit, 0) > this.#maxOf(limit);
    if (charges.some(hasEnded)) this.#note('denied after a raise');
  }

  #raise({ n, by, forMs }: Extract<Step, { do: 'raise' }>): void {
    const limit = limits[n];
    const raises = (limit && this.#raises.get(limit)) ?? [];
    // More would be too many for a sliding window to hold exactly.
    if (limit && raises.length < 3) {
      this.#raises.set(limit, [...raises, { by, untilMs: this.#nowMs + forMs }]);
    }
  }

  /** With the raises that end after a time. */
  #maxOf(limit: Limit, atMs = this.#nowMs): number {
    const raises = this.#raises.get(limit) ?? [];
    return raises.reduce((max, { by, untilMs }) => (atMs < untilMs ? max + by : max), limit.max);
  }

  #sumWith({ limit, amount }: Charge): number {
    return this.#sum(limit, windowBefore(limit.span, this.#nowMs)) + amount;
  }

  #appliedOf(limit: Limit, amount: number): AppliedLimit {
    const { id, span, max, observes } = limit;
    const raises = this.#raises.get(limit);
    return { id, span, amount, max, ...(raises ? { raises } : {}), ...(observes ? { observes } : {}) };
  }

  #settlement(grant: Granted, { isCancelled, charged }: Closing): Settlement {
    const entry = entryOf(grant.id, {
      team: grant.team,
      time: new Date(grant.atMs).toISOString(),
      output_tokens: charged[0] ?? 0,
    });
    return {
      grant: grant.id,
      incarnation: this.#incarnation,
      team: grant.team,
      adjustments: grant.charges.map(({ limit, amount }, n) => ({
        id: limit.id,
        span: limit.span,
        at: countedAt(limit.span, grant.atMs),
        delta: chargedOf(limit, isCancelled, charged[n]) - amount,
      })),
      closing: isCancelled ? null : closingOf(entry),
    };
  }

  /** The first closing counts, and no other. */
  #closed(grant: Granted, { isCancelled, charged }: Closing, closed: boolean | undefined): void {
    this.#note(`closed ${closed}`);
    expect(closed).toBe(grant.isOpen);
    if (!closed) return;
    grant.isOpen = false;
    grant.charges.forEach((charge, n) => (charge.amount = chargedOf(charge.limit, isCancelled, charged[n])));
    if (!isCancelled) this.#entries.set(grant.id, charged[0] ?? 0);
  }

  /** The other gateway closes what this one has open, if it is silent. */
  async #sweep(gateway: string): Promise<void> {
    const isLost: Closing = { back: 0, isCancelled: false, charged: [] };
    const open = this.#granted.filter((grant) => grant.gateway === gateway && grant.isOpen);
    const lost = open.map((grant) => ({
      grant,
      closing: { ...isLost, charged: grant.charges.map(({ amount }) => amount) },
    }));
    const closed = await this.#under.store.settleSilent(
      gateway,
      lost.map(({ grant, closing: each }) => this.#settlement(grant, each)),
    );
    this.#note(closed === null ? 'alive' : 'swept');
    if (closed) lost.forEach(({ grant, closing: each }, n) => this.#closed(grant, each, closed[n] !== null));
  }

  /** Counters are what the grants add up to. */
  async #checkCounters(): Promise<void> {
    for (const team of teams) {
      const own = limits.filter(({ team: of }) => of === team);
      const counters = await countersOf(this.#under.store, team, own);
      expect(counters.map(({ used }) => used)).toEqual(
        own.map((limit) => this.#sum(limit, windowBefore(limit.span, this.#nowMs))),
      );
    }
  }

  async #checkLedger(): Promise<void> {
    const entries = await entriesOf(this.#under.ledger);
    expect(new Map(entries.map(({ id, output_tokens: tokens }) => [id, tokens]))).toEqual(this.#entries);
    expect(entries.length).toBe(this.#entries.size);
    const query = { from: '2095-12-01', to: '2096-02-28', filters: {}, groupBy: [] };
    const [usage] = await this.#under.ledger.usage(query);
    expect(usage).toMatchObject({
      requests: entries.length,
      output_tokens: entries.reduce((sum, { output_tokens: tokens }) => sum + tokens, 0),
    });
  }

  /** Once all windows have passed and all is closed, each limit has its whole maximum again, and no more. */
  async #checkSpace(): Promise<void> {
    for (const gateway of gateways) {
      const open = this.#granted.filter((grant) => grant.gateway === gateway && grant.isOpen);
      const cancelled: Closing = { back: 0, isCancelled: true, charged: [] };
      await this.#under.store.settle(
        gateway,
        open.map((grant) => this.#settlement(grant, cancelled)),
      );
    }
    await this.#under.turnTo(lastSecondMs + 60 * dayMs);
    await this.#under.store.beat('p1');
    for (const limit of limits) {
      const ask = (amount: number): AdmitRequest => ({
        ...this.#request('p1', { team: limit.team, flaw: 'none', asks: [] }).sent,
        notAfterMs: Infinity,
        limits: [this.#appliedOf(limit, amount)],
      });
      const reply = await this.#under.store.admit('p1', [ask(limit.max + 1), ask(limit.max), ask(1)]);
      const kinds = reply.kind === 'decided' ? reply.decisions.map(({ kind }) => kind) : [];
      const refused = limit.observes ? 'admitted' : 'denied';
      expect(kinds, limit.id).toEqual([refused, 'admitted', refused]);
    }
  }

  #sum(limit: Limit, fromMs: number): number {
    const charges = this.#granted.flatMap((grant) => grant.charges);
    return charges.reduce(
      (sum, each) => sum + (each.limit === limit && each.atMs >= fromMs ? each.amount : 0),
      0,
    );
  }

  #note(what: string): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1);
  }
}

function limitNamed(id: string): Limit {
  const limit = limits.find((each) => each.id === id);
  if (!limit) throw new TypeError(`There is no limit ${id}.`);
  return limit;
}

/** Concurrency is given back whole. */
function chargedOf({ span }: Limit, isCancelled: boolean, charged = 0): number {
  return isCancelled || span === 'open' ? 0 : charged;
}

/** From here on a charge counts now: the begin of the calendar window, or a window's length ago. */
function windowBefore(span: Span, nowMs: number): number {
  if (span === 'open') return -Infinity;
  if (isSliding(span)) return nowMs - (span === 'minute' ? minuteMs : hourMs) + 1;
  return windowStartMs(span, windowIndex(span, nowMs));
}

describe.each(engines)('limits, whatever two gateways ask ($name)', (engine) => {
  const on = useEngine(engine);

  it('grant no more than their maximum and its raises, charge each grant once, and forget what was refused', async () => {
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
        const story = new Story(await emptyAdmission(on));
        await story.play(steps);
        for (const [what, times] of story.seen) seen.set(what, (seen.get(what) ?? 0) + times);
      }),
      // Of 40 stories, several have even the rarest of what is looked for below.
      { numRuns: engine.name === 'embedded' ? 75 : 40 },
    );
    // Else the stories would prove nothing.
    for (const what of [
      'admitted',
      'denied',
      'stale',
      'late',
      'expired',
      'repeated',
      'closed true',
      'closed false',
      'swept',
      'alive',
      'unknown_process',
      'observed',
      'admitted by a raise',
      'denied after a raise',
    ]) {
      expect(seen.get(what) ?? 0, what).toBeGreaterThan(0);
    }
  });
});
