import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Adjustment, AdmitRequest, AppliedLimit, Settlement } from '../../src/limits/store.ts';
import { type Span, windowIndex } from '../../src/limits/window.ts';
import { windows } from '../../src/base/limit.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { emptyMemoryStore } from './admission-store-memory.ts';
import { connectTo, emptyRedisStore, type TurnedRedis } from './admission-store-redis.ts';
import {
  closingOf,
  entriesOf,
  entryOf,
  lastSecondMs,
  leaseMs,
  type StoreUnderTest,
} from './admission-store-samples.ts';

const spans: readonly Span[] = [...windows, 'open'];
const processes = ['p1', 'p2'];
const teams = ['acme', 'beta'];
const limitsPerTeam = spans.length;

type Operation =
  | { do: 'turn'; byMs: number }
  | { do: 'beat'; process: string }
  | { do: 'change'; team: string }
  | { do: 'admit'; process: string; beats: boolean; requests: Asked[] }
  | { do: 'settle'; process: string; silent: boolean; closings: Closing[] }
  | { do: 'sweep'; process: string }
  | { do: 'look'; team: string }
  | { do: 'leave'; process: string };

interface Asked {
  team: string;
  /** Which of the grants so far it repeats; most repeat none. */
  repeats: number | null;
  staleness: number;
  notAfterInMs: number;
  expiresInMs: number;
  limits: { n: number; amount: number; max: number }[];
}

interface Closing {
  /** Which of the grants so far, counted from the newest. */
  back: number;
  cancelled: boolean;
  outputTokens: number;
  deltas: number[];
}

/** The usual value `often` times as often as another. */
const rarely = <T>(usual: T, other: fc.Arbitrary<T>, often = 9): fc.Arbitrary<T> =>
  fc.oneof({ weight: often, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other });
const process = fc.constantFrom(...processes);
const team = fc.constantFrom(...teams);
const amount = rarely(1, fc.oneof(fc.nat(5), fc.nat(1e9)), 2);
const max = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 12 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 1e9 }) },
  { weight: 1, arbitrary: fc.constant(Number.MAX_SAFE_INTEGER) },
);

const asked: fc.Arbitrary<Asked> = fc.record({
  team,
  repeats: rarely<number | null>(null, fc.nat(20)),
  staleness: rarely(0, fc.nat(2)),
  notAfterInMs: rarely(1_000, fc.integer({ min: -2, max: 2 })),
  expiresInMs: rarely(Infinity, fc.integer({ min: -2, max: 2 })),
  limits: fc.uniqueArray(fc.record({ n: fc.nat(limitsPerTeam - 1), amount, max }), {
    selector: ({ n }) => n,
    minLength: 1,
    maxLength: 3,
  }),
});

const closing: fc.Arbitrary<Closing> = fc.record({
  back: fc.nat(8),
  cancelled: fc.boolean(),
  outputTokens: fc.nat(1_000),
  deltas: fc.array(fc.integer({ min: -6, max: 3 }), { maxLength: 3 }),
});

/** Mostly forward by what matters: nothing, moments, a lease, and every length of window; at times back. */
const byMs = fc.oneof(
  { weight: 2, arbitrary: fc.nat(1_500) },
  { weight: 2, arbitrary: fc.nat(leaseMs * 2) },
  { weight: 4, arbitrary: fc.nat(100_000) },
  { weight: 1, arbitrary: fc.nat(3 * 3_600_000) },
  { weight: 1, arbitrary: fc.nat(70 * 86_400_000) },
  { weight: 2, arbitrary: fc.integer({ min: -90_000, max: 0 }) },
);

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('turn' as const), byMs }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('beat' as const), process }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('change' as const), team }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('admit' as const),
      process,
      beats: rarely(true, fc.constant(false)),
      requests: fc.array(asked, { maxLength: 5 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      process,
      silent: fc.boolean(),
      closings: fc.array(closing, { maxLength: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('sweep' as const), process }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('look' as const), team }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), process }) },
);

function spanOf(n: number): Span {
  return spans[n % spans.length] ?? 'day';
}

interface Granted {
  id: string;
  process: string;
  team: string;
  limits: readonly AppliedLimit[];
  atMs: number;
}

/** What both stores are told; the same for each, since it is made of nothing they answer but the incarnation. */
class Story {
  nowMs = lastSecondMs;
  readonly epochs = new Map(teams.map((id) => [id, 0]));
  readonly grants: Granted[] = [];

  request(at: string, { team: of, repeats, staleness, ...more }: Asked): AdmitRequest {
    const limits = more.limits.map(({ n, amount: asksFor, max: most }) => ({
      id: `${of}-${n}`,
      span: spanOf(n),
      amount: asksFor,
      max: most,
    }));
    const again = repeats === null ? undefined : this.grants[repeats];
    const id = again?.process === at ? again.id : `${at}-${this.grants.length}`;
    this.grants.push({ id, process: at, team: of, limits, atMs: this.nowMs });
    return {
      grant: id,
      team: of,
      epoch: `e${(this.epochs.get(of) ?? 0) - staleness}`,
      notAfterMs: this.nowMs + more.notAfterInMs,
      expiresAtMs: this.nowMs + more.expiresInMs,
      session: null,
      record: `record of ${id}`,
      limits,
    };
  }

  settlement({ back, cancelled, outputTokens, deltas }: Closing): Omit<Settlement, 'incarnation'> | null {
    const granted = this.grants.at(-1 - back);
    if (!granted) return null;
    const adjustments = granted.limits.flatMap(({ id, span }, n): Adjustment[] => {
      const delta = deltas[n];
      return delta === undefined ? [] : [{ id, index: windowIndex(span, granted.atMs), delta }];
    });
    const entry = entryOf(granted.id, {
      team: granted.team,
      time: new Date(granted.atMs).toISOString(),
      output_tokens: outputTokens,
    });
    return {
      grant: granted.id,
      team: granted.team,
      adjustments,
      closing: cancelled ? null : closingOf(entry),
    };
  }
}

/** Plays one operation to one store; what it answers, less its incarnation and any order it may choose. */
class Player {
  readonly #under: StoreUnderTest;
  #incarnation = '';

  constructor(under: StoreUnderTest) {
    this.#under = under;
  }

  async begin(): Promise<void> {
    for (const id of teams) await this.#under.setEpoch(id, 'e0');
    this.#incarnation = (await this.#under.store.beat('p1')).incarnation;
  }

  async play(step: Step): Promise<unknown> {
    const { store } = this.#under;
    switch (step.do) {
      case 'turn':
        return this.#under.turnTo(step.nowMs);
      case 'beat': {
        const { nowMs, silent } = await store.beat(step.process);
        return { nowMs, silent: [...silent].sort() };
      }
      case 'change':
        return this.#under.setEpoch(step.team, step.epoch);
      case 'admit': {
        if (step.beats) await store.beat(step.process);
        const reply = await store.admit(step.process, step.batch);
        return reply.kind === 'decided' ? { ...reply, incarnation: null } : reply;
      }
      case 'settle': {
        const batch = step.batch.map((each) => ({ ...each, incarnation: this.#incarnation }));
        return step.silent ? store.settleSilent(step.process, batch) : store.settle(step.process, batch);
      }
      case 'sweep':
        return [...(await store.openOfSilent(step.process))].sort((a, b) => (a.grant < b.grant ? -1 : 1));
      case 'look':
        return {
          counters: await store.counters(step.team, step.ids),
          open: await Promise.all(processes.map((id) => store.openOf(id, step.grants))),
        };
      case 'leave':
        return store.leave(step.process);
    }
  }

  async ledger(): Promise<unknown> {
    const query = { from: '2095-01-01', to: '2101-12-31', filters: {}, groupBy: ['team', 'day'] as const };
    return { entries: await entriesOf(this.#under.ledger), usage: await this.#under.ledger.usage(query) };
  }
}

type Step =
  | { do: 'turn'; nowMs: number }
  | { do: 'beat' | 'sweep' | 'leave'; process: string }
  | { do: 'change'; team: string; epoch: string }
  | { do: 'admit'; process: string; beats: boolean; batch: AdmitRequest[] }
  | { do: 'settle'; process: string; silent: boolean; batch: Omit<Settlement, 'incarnation'>[] }
  | { do: 'look'; team: string; ids: string[]; grants: string[] };

function stepOf(story: Story, told: Operation): Step {
  switch (told.do) {
    case 'turn':
      story.nowMs += told.byMs;
      return { do: 'turn', nowMs: story.nowMs };
    case 'change': {
      const next = (story.epochs.get(told.team) ?? 0) + 1;
      story.epochs.set(told.team, next);
      return { ...told, epoch: `e${next}` };
    }
    case 'admit': {
      const batch = told.requests.map((each) => story.request(told.process, each));
      return { ...told, batch };
    }
    case 'settle': {
      const batch = told.closings.flatMap((each) => story.settlement(each) ?? []);
      return { ...told, batch };
    }
    case 'look': {
      const ids = Array.from({ length: limitsPerTeam }, (_, n) => `${told.team}-${n}`);
      return { ...told, ids, grants: ['none', ...story.grants.slice(-20).map(({ id }) => id)] };
    }
    case 'beat':
    case 'sweep':
    case 'leave':
      return told;
  }
}

describe('the two admission stores', () => {
  let server: RedisServer;
  let redis: TurnedRedis;

  beforeAll(async () => {
    server = await startRedis();
    redis = connectTo(server);
    await redis.whenReady(5_000);
  });

  afterAll(async () => {
    redis.close();
    await server.stop();
  });

  it('decide alike, count alike and write alike, whatever they are told', { timeout: 60_000 }, async () => {
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 5, maxLength: 60 }), async (operations) => {
        const memory = new Player(emptyMemoryStore());
        const real = new Player(await emptyRedisStore(redis));
        await Promise.all([memory.begin(), real.begin()]);
        const story = new Story();
        for (const each of operations) {
          const step = stepOf(story, each);
          const answer = await memory.play(step);
          expect(await real.play(step), JSON.stringify(step)).toEqual(answer);
          for (const kind of kindsIn(answer)) seen.set(kind, (seen.get(kind) ?? 0) + 1);
        }
        expect(await real.ledger()).toEqual(await memory.ledger());
      }),
      { numRuns: 300 },
    );
    // Else the stories would prove nothing.
    for (const kind of [
      'admitted',
      'denied',
      'stale',
      'expired',
      'late',
      'unknown_process',
      'true',
      'false',
    ]) {
      expect(seen.get(kind) ?? 0, kind).toBeGreaterThan(5);
    }
  });
});

/** The kinds of decisions in an answer, and what settling said. */
function kindsIn(answer: unknown): string[] {
  const text = JSON.stringify(answer ?? null);
  return [
    ...[...text.matchAll(/"kind":"(\w+)"/g)].map(([, kind = '']) => kind),
    ...(Array.isArray(answer) ? answer.filter((each) => typeof each === 'boolean').map(String) : []),
  ];
}
