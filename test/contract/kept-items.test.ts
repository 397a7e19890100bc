import { beforeEach, describe, expect, it } from 'vitest';
import { AdmissionStore } from '../../src/limits/admission-store.ts';
import { KeptItemsStore } from '../../src/limits/kept-items-store.ts';
import { keysUnder } from '../../src/store/keys.ts';
import { scriptOf } from '../../src/store/script.ts';
import {
  asks,
  closed,
  decided,
  emptyAdmission,
  leaseMs,
  process,
  settles,
  type StoreUnderTest,
} from './admission-store-samples.ts';
import { engines, useEngine } from './engines.ts';

/* The items of responses: written with the settlement, within bytes of their own. */

const keys = keysUnder('t:');
/** How much sooner a key goes than one that lasts for an hour from now, ms. */
const soonerMs = scriptOf(
  'sooner',
  "redis.call('SET', KEYS[2], '', 'EX', 3600) return redis.call('PEXPIRETIME', KEYS[2]) - redis.call('PEXPIRETIME', KEYS[1])",
);
const taken = scriptOf('taken', "return redis.call('ZSCORE', KEYS[1], '@')");
const budget = 10_000;

describe.each(engines)('the items of responses ($name)', (engine) => {
  const on = useEngine(engine);
  let under: StoreUnderTest;
  let store: AdmissionStore;
  let items: KeptItemsStore;
  let incarnation: string;

  beforeEach(async () => {
    under = await emptyAdmission(on);
    const options = { leaseMs, maxEntries: 5_000, retentionDays: 400, keyedBytes: 65_536, itemBytes: budget };
    store = new AdmissionStore(under.kept, keys, options);
    items = new KeptItemsStore(under.kept, keys);
    for (const team of ['acme', 'other']) await under.setEpoch(team, 'e1');
    ({ incarnation } = await store.beat(process));
  });

  async function keep(id: string, answer: string, team = 'acme'): Promise<void> {
    const request = asks([], { team });
    expect(decided(await store.admit(process, [request]))).toMatchObject([{ kind: 'admitted' }]);
    const keyed = { key: `${id} -`, as: 'items', attempt: '-', answer } as const;
    const settlement = settles(request.grant, { incarnation, team, keyed });
    expect(closed(await store.settle(process, [settlement]))).toEqual([true]);
  }

  it('are read by the id of their response, in the order that was asked for', async () => {
    await keep('r1', 'one');
    await keep('r2', 'two');
    expect(await items.read(['r2', 'r3', 'r1'])).toEqual(['two', '', 'one']);
    expect(await items.read([])).toEqual([]);
  });

  it('go after an hour', async () => {
    await keep('r1', 'one');
    const sooner = Number(await under.kept.run(soonerMs, [keys.keyed('items:r1'), 't:hour'], []));
    expect(sooner).toBeGreaterThanOrEqual(0);
    expect(sooner).toBeLessThan(600_000);
  });

  it('are not kept if there are none to keep', async () => {
    await keep('r1', '');
    expect(await items.read(['r1'])).toEqual(['']);
    expect(await under.kept.run(taken, [keys.keyed('items:taken')], [])).toBeNull();
  });

  it('take no more than their bytes: the oldest go, of the team that takes most', async () => {
    await keep('small', 'x'.repeat(1_000), 'other');
    for (let n = 0; n < 8; n += 1) await keep(`r${n}`, 'x'.repeat(2_000));
    const kept = await items.read(['small', ...Array.from({ length: 8 }, (_, n) => `r${n}`)]);
    expect(kept.map((text) => text.length > 0)).toEqual([true, ...Array(5).fill(false), true, true, true]);
    expect(Number(await under.kept.run(taken, [keys.keyed('items:taken')], []))).toBeLessThanOrEqual(budget);
  });

  it('leave calls with an Idempotency-Key their bytes', async () => {
    const request = asks([], { keyed: 'k1 body' });
    await store.admit(process, [request]);
    const keyed = { key: 'k1 body', as: 'answered', attempt: 'r1:ok:1:2:', answer: 'sealed' } as const;
    await store.settle(process, [settles(request.grant, { incarnation, keyed })]);
    for (let n = 0; n < 8; n += 1) await keep(`r${n}`, 'x'.repeat(2_000));
    expect(decided(await store.admit(process, [asks([], { keyed: 'k1 body' })]))).toMatchObject([
      { kind: 'answered', answer: 'sealed' },
    ]);
  });
});
