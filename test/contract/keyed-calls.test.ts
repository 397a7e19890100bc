import { beforeEach, describe, expect, it } from 'vitest';
import type { AppliedLimit, AdmitRequest, Decision, KeyedEnd, Settlement } from '../../src/limits/store.ts';
import { AdmissionStore } from '../../src/limits/admission-store.ts';
import { keysUnder } from '../../src/store/keys.ts';
import type { AttemptBound } from '../../src/base/limit.ts';
import { scriptOf } from '../../src/store/script.ts';
import { countersOf } from '../support/counters-of.ts';
import {
  asks,
  closed,
  decided,
  emptyAdmission,
  lastSecondMs,
  leaseMs,
  process,
  settles,
  type StoreUnderTest,
} from './admission-store-samples.ts';
import { engines, useEngine } from './engines.ts';

/* What the store does with an Idempotency-Key: claimed with the admission, closed with the settlement. */

const keys = keysUnder('t:');
const taken = scriptOf('taken', "return redis.call('ZSCORE', KEYS[1], ARGV[1])");
const expire = scriptOf('expire', "return redis.call('DEL', KEYS[1])");
const budget = 65_536;

describe.each(engines)('calls with an Idempotency-Key ($name)', (engine) => {
  const on = useEngine(engine);
  let under: StoreUnderTest;
  let store: AdmissionStore;
  let incarnation: string;

  beforeEach(async () => {
    under = await emptyAdmission(on);
    store = new AdmissionStore(under.kept, keys, {
      leaseMs,
      maxEntries: 5_000,
      retentionDays: 400,
      keyedBytes: budget,
    });
    for (const team of ['acme', 'other']) await under.setEpoch(team, 'e1');
    ({ incarnation } = await store.beat(process));
  });

  const keyed = (
    key = 'k1 body',
    more: Partial<AdmitRequest> = {},
    limits: AppliedLimit[] = [],
  ): AdmitRequest => asks(limits, { keyed: key, ...more });
  const admit = async (...batch: AdmitRequest[]): Promise<readonly Decision[]> =>
    decided(await store.admit(process, batch));
  const kinds = async (...batch: AdmitRequest[]): Promise<string[]> =>
    (await admit(...batch)).map(({ kind }) => kind);

  /** Settles a request that was admitted. */
  async function end(
    { grant, team, keyed: key = '' }: AdmitRequest,
    as: KeyedEnd['as'],
    more: Partial<KeyedEnd> = {},
  ): Promise<void> {
    const attempt = as === 'free' ? '-' : `of-${grant}:ok:1:2:`;
    const settlement: Settlement = settles(grant, {
      incarnation,
      team,
      keyed: { key, as, attempt, answer: '', ...more },
    });
    expect(closed(await store.settle(process, [settlement]))).toEqual([true]);
  }

  /** Admits and answers. */
  async function answer(key: string, sealed: string, team = 'acme'): Promise<AdmitRequest> {
    const request = keyed(key, { team });
    expect(await kinds(request)).toEqual(['admitted']);
    await end(request, 'answered', { answer: sealed });
    return request;
  }

  const bytesTaken = async (): Promise<number> => {
    return Number(await under.kept.run(taken, [keys.keyed('taken')], ['@']));
  };

  it('are in progress until they are settled, for others than themselves, in one batch as over many', async () => {
    const first = keyed();
    expect(await kinds(first, keyed(), first, keyed('k2 body'), asks([]))).toEqual([
      'admitted',
      'in_progress',
      'admitted',
      'admitted',
      'admitted',
    ]);
    expect(await kinds(keyed(), first)).toEqual(['in_progress', 'admitted']);
  });

  it('are another call with another fingerprint, running or answered', async () => {
    const first = keyed();
    expect(await kinds(first, keyed('k1 else'))).toEqual(['admitted', 'key_reused']);
    await end(first, 'answered');
    expect(await kinds(keyed('k1 else'))).toEqual(['key_reused']);
  });

  it('get the kept answer afterwards, also if a limit has no room, and reserve nothing', async () => {
    const limit: AppliedLimit = { id: 'a', span: 'day', amount: 1, max: 1 };
    const first = keyed('k1 body', {}, [limit]);
    await admit(first);
    await end(first, 'answered', { answer: 'sealed' });
    const attempts = `of-${first.grant}:ok:1:2:`;
    const answered: Decision = { kind: 'answered', attempts, answer: 'sealed' };
    expect(await admit(keyed('k1 body', {}, [limit]), keyed())).toEqual([answered, answered]);
    expect((await countersOf(store, 'acme', [limit]))[0]?.used).toBe(1);
  });

  it('are told so if the answer is not kept', async () => {
    const { grant } = await answer('k1 body', '');
    expect(await admit(keyed())).toEqual([
      { kind: 'answered', attempts: `of-${grant}:ok:1:2:`, answer: null },
    ]);
  });

  it('that are denied, stale, expired or late claim nothing', async () => {
    const full: AppliedLimit = { id: 'full', span: 'day', amount: 1, max: 0 };
    const refused = [
      keyed('k1 body', {}, [full]),
      keyed('k1 body', { epoch: 'e0' }),
      keyed('k1 body', { expiresAtMs: lastSecondMs }),
      keyed('k1 body', { notAfterMs: lastSecondMs - 1 }),
    ];
    expect(await kinds(...refused)).toEqual(['denied', 'stale', 'expired', 'late']);
    expect(await kinds(keyed('k1 else'))).toEqual(['admitted']);
  });

  it('that are freed leave nothing behind', async () => {
    const first = keyed();
    await admit(first);
    await end(first, 'free');
    expect(await admit(keyed('k1 else'))).toEqual([{ kind: 'admitted', counters: [] }]);
  });

  it('that broke may be tried again, and are told of every attempt that was charged', async () => {
    const [first, second, third] = [keyed(), keyed(), keyed()];
    await admit(first);
    await end(first, 'broken', { attempt: 'r1:aborted:5:6:7' });
    expect(await kinds(keyed('k1 else'))).toEqual(['key_reused']);
    const after = 'r1:aborted:5:6:7';
    // The admission is repeated, and tells the same.
    expect(await admit(second, second)).toEqual([
      { kind: 'admitted', counters: [], after },
      { kind: 'admitted', counters: [], after },
    ]);
    await end(second, 'free');
    expect(await admit(third)).toEqual([{ kind: 'admitted', counters: [], after }]);
    await end(third, 'answered', { attempt: 'r3:ok:1:2:', answer: 'sealed' });
    expect(await admit(keyed())).toEqual([
      { kind: 'answered', attempts: `${after},r3:ok:1:2:`, answer: 'sealed' },
    ]);
  });

  it('are told of the last attempts only, however many there were', async () => {
    for (let n = 0; n < 100; n += 1) {
      const request = keyed();
      await admit(request);
      await end(request, 'broken', { attempt: `request-${n}:aborted:1:2:` });
    }
    const [decision] = await admit(keyed());
    const after = decision?.kind === 'admitted' ? (decision.after ?? '') : '';
    expect(after.length).toBeLessThanOrEqual(1_000);
    expect(after).toMatch(/^request-\d+:aborted:1:2:,.*,request-99:aborted:1:2:$/);
  });

  it('of a dead process are in progress until it is swept', async () => {
    const first = keyed();
    await admit(first);
    await under.turnTo(lastSecondMs + leaseMs + 1);
    await store.beat('p2');
    const second = keyed('k1 body', { grant: 'p2-1' });
    expect(decided(await store.admit('p2', [second]))).toEqual([{ kind: 'in_progress' }]);
    const lost: Settlement = {
      ...settles(first.grant, { incarnation }),
      keyed: { key: 'k1 body', as: 'broken', attempt: 'r1:lost:1:2:', answer: '' },
    };
    expect(closed(await store.settleSilent(process, [lost]))).toEqual([true]);
    expect(decided(await store.admit('p2', [second]))).toEqual([
      { kind: 'admitted', counters: [], after: 'r1:lost:1:2:' },
    ]);
    // Too late: it was closed, and the key is another's.
    const late = settles(first.grant, {
      incarnation,
      keyed: { key: 'k1 body', as: 'free', attempt: '-', answer: '' },
    });
    expect(closed(await store.settle(process, [late]))).toEqual([false]);
    await store.beat(process);
    expect(await kinds(keyed())).toEqual(['in_progress']);
  });

  it('are free if their grant was closed by a process that knows no such keys', async () => {
    const first = keyed();
    await admit(first);
    await store.settle(process, [settles(first.grant, { incarnation })]);
    expect(await kinds(keyed())).toEqual(['admitted']);
  });

  it('keep their answer in a store that has forgotten them, unless they run again', async () => {
    const [first, other] = [keyed('k1 body'), keyed('k2 body')];
    await admit(first, other);
    for (const id of ['k1', 'k2']) await under.kept.run(expire, [keys.keyed(id)], []);
    const again = keyed('k2 body');
    await admit(again);
    await end(first, 'answered', { answer: 'sealed' });
    await end(other, 'answered', { answer: 'sealed' });
    expect(await kinds(keyed('k1 body'), keyed('k2 body'))).toEqual(['answered', 'in_progress']);
  });

  it('keep within their budget: the oldest answers go, then all that is known of the oldest', async () => {
    const most = 70;
    for (let n = 0; n < most; n += 1) await answer(`k${n} body`, 'x'.repeat(1_000));
    expect(await bytesTaken()).toBeLessThanOrEqual(budget);
    const decisions = await Promise.all(
      Array.from({ length: most }, async (_, n) => (await admit(keyed(`k${n} else`)))[0]?.kind),
    );
    // Of all of them it is known that there was a call.
    expect(new Set(decisions)).toEqual(new Set(['key_reused']));
    const answers = await Promise.all(
      Array.from({ length: most }, async (_, n) => {
        const [decision] = await admit(keyed(`k${n} body`));
        return decision?.kind === 'answered' && decision.answer !== null;
      }),
    );
    const kept = answers.filter(Boolean).length;
    expect(kept).toBeGreaterThan(5);
    expect(answers.slice(-kept)).not.toContain(false);
    expect(answers.slice(0, -kept)).not.toContain(true);

    for (let n = 0; n < 150; n += 1) await answer(`later${n} body`, 'x'.repeat(1_000));
    expect(await bytesTaken()).toBeLessThanOrEqual(budget);
    expect(await kinds(keyed('k0 else'), keyed('later149 else'))).toEqual(['admitted', 'key_reused']);
  });

  it('of the team that takes most make room, so that no team drives out another', async () => {
    await answer('mine body', 'sealed', 'other');
    for (let n = 0; n < 60; n += 1) await answer(`k${n} body`, 'x'.repeat(5_000));
    expect(await bytesTaken()).toBeLessThanOrEqual(budget);
    expect(await admit(keyed('mine body', { team: 'other' }))).toMatchObject([{ answer: 'sealed' }]);
  });

  it('get the kept answer as often as requests may be refunded, and no limit counts it', async () => {
    const bound: AttemptBound = { scope: 'token', field: '!tok', max: 3, withLimit: null };
    const more = { attempts: [bound] };
    await answer('k1 body', 'sealed');
    await answer('k2 body', '');
    expect(await kinds(...Array.from({ length: 4 }, () => keyed('k1 body', more)))).toEqual([
      'answered',
      'answered',
      'answered',
      'attempts',
    ]);
    // What costs nothing to tell is told, and the bound holds for other requests.
    expect(await kinds(keyed('k2 body', more), keyed('k1 else', more), keyed('k3 body', more))).toEqual([
      'answered',
      'key_reused',
      'attempts',
    ]);
    await under.turnTo(lastSecondMs + 66_000);
    await store.beat(process);
    expect(await kinds(keyed('k1 body', more))).toEqual(['answered']);
  });

  it('of teams whose answers have expired make room before anything that is alive', async () => {
    const teams = Array.from({ length: 33 }, (_, n) => `dead${n}`);
    for (const team of teams) await under.setEpoch(team, 'e1');
    for (const team of teams) await answer(`${team} body`, 'x'.repeat(1_500), team);
    // One of the teams has something else that lives for longer.
    await under.turnTo(lastSecondMs + 1_800_000);
    ({ incarnation } = await store.beat(process));
    await answer('alive body', 'sealed', 'dead0');
    await under.turnTo(lastSecondMs + 3_600_000);
    ({ incarnation } = await store.beat(process));
    const names = Array.from({ length: 30 }, (_, n) => `k${n} body`);
    for (const name of names) await answer(name, 'x'.repeat(1_500));
    const told = await admit(...names.map((name) => keyed(name)), keyed('alive body', { team: 'dead0' }));
    expect(told.map((each) => each.kind === 'answered' && each.answer !== null)).toEqual(
      told.map(() => true),
    );
    // All that is dead has gone, a little with each call.
    expect(await bytesTaken()).toBeLessThan(31 * 2_000);
    expect(await bytesTaken()).toBeGreaterThan(31 * 300);
  });

  it('do not count what has expired', async () => {
    for (let n = 0; n < 20; n += 1) await answer(`k${n} body`, 'x'.repeat(1_000));
    await under.turnTo(lastSecondMs + 3_600_000);
    ({ incarnation } = await store.beat(process));
    for (let n = 0; n < 5; n += 1) await answer(`later${n} body`, '');
    expect(await bytesTaken()).toBeLessThan(5 * 400);
    await under.kept.run(expire, [keys.keyed('log:acme')], []);
    await answer('last body', '');
    expect(await bytesTaken()).toBeLessThan(400);
  });
});
