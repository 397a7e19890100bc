import { beforeEach, describe, expect, it } from 'vitest';
import { LedgerReader } from '../../src/ledger/ledger-reader.ts';
import { RefusalStore } from '../../src/ledger/refusal-store.ts';
import { AdmissionStore } from '../../src/limits/admission-store.ts';
import { windowIndex } from '../../src/limits/window.ts';
import { type Checkpoints, startOfStreams as start } from '../../src/records/checkpoint.ts';
import { DrainedStore, type StoreRead } from '../../src/records/drained-store.ts';
import { keysUnder } from '../../src/store/keys.ts';
import { scriptOf } from '../../src/store/script.ts';
import type { Store } from '../../src/store/store.ts';
import {
  asks,
  decided,
  lastSecondMs,
  leaseMs,
  newGrant,
  process,
  settles,
} from './admission-store-samples.ts';
import type { RunningEngine } from './engines.ts';
import { countersOf } from '../support/counters-of.ts';

const keys = keysUnder('t:');
const add = scriptOf('add', "return redis.call('XADD', KEYS[1], '*', 'h', ARGV[1], 'e', ARGV[2])");
const day = windowIndex('day', lastSecondMs);

/** What a store does whose records are kept, on every engine. */
export function recordsStoreContract(engine: Pick<RunningEngine, 'empty' | 'turnTo'>): void {
  let store: Store;
  let backlogBytes: number;
  let admission: AdmissionStore;
  let refusals: RefusalStore;
  let drained: DrainedStore;
  let incarnation: string;

  beforeEach(async () => {
    store = await engine.empty(lastSecondMs);
    backlogBytes = 1_000_000;
    const bytes = (): number => backlogBytes;
    admission = new AdmissionStore(store, keys, {
      leaseMs,
      maxEntries: 10,
      retentionDays: 400,
      backlogBytes: bytes,
    });
    refusals = new RefusalStore(store, keys, { retentionDays: 92, backlogBytes: bytes });
    drained = new DrainedStore(store, keys);
    await store.run(scriptOf('set', "return redis.call('HSET', KEYS[1], 'acme', 'e1')"), [keys.epochs], []);
    ({ incarnation } = await admission.beat(process));
  });

  const settled = async (count: number, charges = ''): Promise<void> => {
    for (let at = 0; at < count; at += 200) {
      const batch = Array.from({ length: Math.min(200, count - at) }, () => asks([]));
      decided(await admission.admit(process, batch));
      await admission.settle(
        process,
        batch.map(({ grant }) => settles(grant, { incarnation, charges })),
      );
    }
  };
  const length = (key: string): Promise<number> => store.attempt((client) => client.xlen(key));
  const read = (from: Partial<Checkpoints> = {}, most = 1_000): Promise<StoreRead> =>
    drained.read({ ...start, ...from }, most);
  const tell = (more: object): Promise<boolean> =>
    drained.drained({
      store: 'a',
      from: 0,
      mark: 1,
      checkpoints: start,
      anchor: null,
      keepEntries: 10,
      ...more,
    });

  describe('its entries', () => {
    it('stay until they are drained, however many they are', async () => {
      await settled(400);
      expect(await length(keys.entries)).toBe(400);
    });

    it('have what limits were charged, after their text', async () => {
      await settled(1, 'lim_a 20000 5;');
      const [element] = (await read()).streams.entries.elements;
      expect(element?.fields).toEqual(['e', expect.any(String), 'c', 'lim_a 20000 5;']);
    });

    it('lose the oldest beyond a bound of bytes', async () => {
      backlogBytes = 20_000;
      await settled(1_000);
      const left = await length(keys.entries);
      expect(left).toBeLessThan(600);
      expect(left).toBeGreaterThan(10);
      const { added, length: there } = (await read()).streams.entries;
      expect({ added, there }).toEqual({ added: 1_000, there: left });
    });

    it('do not show what a supplement was charged', async () => {
      const supplement = asks([]);
      decided(await admission.admit(process, [supplement]));
      await admission.settle(process, [
        settles(supplement.grant, { incarnation, closing: null, charges: 'lim_a 20000 5;' }),
      ]);
      await settled(1);
      const { data } = await new LedgerReader(store, keys).entries({ filters: {}, limit: 10, cursor: null });
      expect(data).toHaveLength(1);
      const [element] = (await read()).streams.entries.elements;
      expect(element?.fields).toEqual(['c', 'lim_a 20000 5;', 't', 'acme']);
    });
  });

  describe('a grant of an earlier life of the store', () => {
    const charges = `a ${day} 7;`;
    const ofEarlier = async (adjustment: number): Promise<number> => {
      const settlement = settles(newGrant(), {
        incarnation: 'earlier',
        charges,
        adjustments: [{ id: 'a', span: 'day', at: day, delta: adjustment }],
      });
      await admission.settle(process, [settlement]);
      await admission.settle(process, [settlement]);
      const [counter] = await countersOf(admission, 'acme', [{ id: 'a', span: 'day' }]);
      return counter?.used ?? -1;
    };

    it('is charged to restored counters, once', async () => {
      expect(await ofEarlier(-3)).toBe(7);
      expect(await ofEarlier(-3)).toBe(14);
    });

    it('is not charged without records', async () => {
      backlogBytes = 0;
      expect(await ofEarlier(-3)).toBe(0);
    });

    it('that the store still holds open is corrected, as its counters hold what was reserved', async () => {
      const limits = [
        { id: 'slot', span: 'open', amount: 1, max: 5 },
        { id: 'a', span: 'day', amount: 10, max: 100 },
      ] as const;
      const open = asks(limits);
      decided(await admission.admit(process, [open]));
      await admission.settle(process, [
        settles(open.grant, {
          incarnation: 'earlier',
          charges,
          adjustments: [
            { id: 'slot', span: 'open', at: 0, delta: -1 },
            { id: 'a', span: 'day', at: day, delta: -3 },
          ],
        }),
      ]);
      const counters = await countersOf(admission, 'acme', limits);
      expect(counters.map(({ used }) => used)).toEqual([0, 7]);
    });
  });

  describe('its refusals', () => {
    const batch = (sequence: number, refused = 1) => ({
      process: 'p1',
      sequence,
      counts: [
        {
          day: '2095-06-15',
          as: { team: 'acme', user: null, token: null, endpoint: 'other', model: null, limit: null },
          refused,
          lastMs: 5,
        },
      ].map((count) => ({ ...count, as: { ...count.as, code: 'invalid_token' as const } })),
    });

    it('are kept as batches, each once', async () => {
      await refusals.add(batch(1, 3));
      await refusals.add(batch(1, 3));
      await refusals.add(batch(2));
      const { elements } = (await read()).streams.refusals;
      expect(elements.map(({ fields }) => fields.slice(0, 4))).toEqual([
        ['p', 'p1', 's', '1'],
        ['p', 'p1', 's', '2'],
      ]);
      expect(elements[0]?.fields[5]).toBe('2095-06-15\nacme\t\t\tother\tinvalid_token\t\t\n3\n5\n');
    });

    it('are not kept as batches without records', async () => {
      backlogBytes = 0;
      await refusals.add(batch(1));
      expect(await length(keys.refusalLog)).toBe(0);
    });

    it('lose the oldest batches beyond a bound of bytes', async () => {
      backlogBytes = 20_000;
      for (let sequence = 1; sequence <= 600; sequence += 1) await refusals.add(batch(sequence));
      expect(await length(keys.refusalLog)).toBeLessThan(500);
    });
  });

  describe('told how far it is drained', () => {
    it('has no mark until it is named, and keeps its first name', async () => {
      expect((await read()).marks).toBeNull();
      expect(await tell({})).toBe(false);
      await drained.name('a');
      await drained.name('b');
      expect((await read()).marks).toEqual({ name: 'a', mark: 0 });
    });

    it('goes on from one mark to the next only', async () => {
      await drained.name('a');
      expect(await tell({ store: 'b' })).toBe(false);
      expect(await tell({})).toBe(true);
      expect(await tell({})).toBe(false);
      expect(await tell({ from: 1, mark: 2 })).toBe(true);
      expect((await read()).marks).toEqual({ name: 'a', mark: 2 });
    });

    it('keeps the newest drained entries, and all that are not drained', async () => {
      await drained.name('a');
      await settled(600);
      const { elements } = (await read({}, 250)).streams.entries;
      const checkpoints = { ...start, entries: { id: elements.at(-1)?.id ?? '', added: 250 } };
      await tell({ checkpoints });
      const left = (await read(checkpoints)).streams.entries;
      expect(left.elements).toHaveLength(350);
      expect(left.length).toBeLessThanOrEqual(350 + 100);
      expect(await drained.backlog()).toMatchObject({ entries: 350, refusals: 0, audit: 0 });
    });

    it('drops the batches of refusals that are drained, and no other', async () => {
      await drained.name('a');
      const count = (sequence: number) => ({ process: 'p1', sequence, counts: [] });
      for (const sequence of [1, 2, 3]) await refusals.add(count(sequence));
      const { elements } = (await read({}, 2)).streams.refusals;
      await tell({ checkpoints: { ...start, refusals: { id: elements.at(-1)?.id ?? '', added: 2 } } });
      expect(await length(keys.refusalLog)).toBe(1);
    });

    it('drops audit entries up to an anchor, which it notes', async () => {
      await drained.name('a');
      for (const hash of ['h1', 'h2', 'h3']) await store.run(add, [keys.audit], [hash, '{}']);
      const [, second] = await drained.oldestAudit(3);
      await tell({ anchor: { id: second?.id, sequence: 2, hash: 'h2' } });
      expect((await drained.oldestAudit(3)).map(({ fields }) => fields[1])).toEqual(['h3']);
      const noted = await store.attempt((client) => client.hgetall(keys.records));
      expect(noted).toMatchObject({
        anchor_sequence: '2',
        anchor_hash: 'h2',
        mark: '1',
        drained_at: `${lastSecondMs}`,
      });
    });

    it('has what was drained last, or does not', async () => {
      await settled(3);
      const [, second] = (await read()).streams.entries.elements;
      const at = (id: string) => ({ entries: { id, added: 2 } });
      expect((await read(at(second?.id ?? ''))).hasDrained).toBe(true);
      expect((await read(at('9999999999999-0'))).hasDrained).toBe(false);
      expect((await read()).hasDrained).toBe(true);
    });
  });
}
