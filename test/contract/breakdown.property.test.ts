import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LedgerEntry } from '../../src/ledger/entry.ts';
import type { LedgerReader } from '../../src/ledger/ledger-reader.ts';
import type { UsageGroup, UsageRow } from '../../src/ledger/totals.ts';
import { AdmissionStore } from '../../src/limits/admission-store.ts';
import { keysUnder } from '../../src/store/keys.ts';
import type { Store } from '../../src/store/store.ts';
import { asks, closingOf, emptyAdmission, entryOf, leaseMs, process } from './admission-store-samples.ts';
import { engines, useEngine } from './engines.ts';

/*
 * However many tags and end users are made up: the store keeps a bounded number of them, sums stay whole, and what others
 * have keeps its name.
 */

const keys = keysUnder('t:');
const mostNamed = 12;
const day = '2095-12-31';

interface Under {
  store: Store;
  reader: LedgerReader;
  close(entries: readonly LedgerEntry[]): Promise<void>;
}

let ids = 0;

describe.each(engines)('the breakdown of a day ($name)', (engine) => {
  const on = useEngine(engine);
  const make = async (
    options: { breakdownRows?: number; backlogBytes?: () => number } = {},
  ): Promise<Under> => {
    const under = await emptyAdmission(on);
    await under.setEpoch('acme', 'e1');
    const store = new AdmissionStore(under.kept, keys, {
      leaseMs,
      maxEntries: 5_000,
      retentionDays: 400,
      breakdownRows: mostNamed,
      ...options,
    });
    const { incarnation } = await store.beat(process);
    return {
      store: under.kept,
      reader: under.ledger,
      close: async (entries) => {
        const asked = entries.map(() => asks([]));
        await store.admit(process, asked);
        const settlements = entries.map((entry, n) => ({
          grant: asked[n]?.grant ?? '',
          incarnation,
          team: entry.team,
          adjustments: [],
          closing: closingOf(entry),
        }));
        expect(await store.settle(process, settlements)).not.toContain(null);
      },
    };
  };
  const made = (more: Partial<LedgerEntry> = {}): LedgerEntry => entryOf(`b-${(ids += 1)}`, more);
  const sums = ({ reader }: Under, ...groupBy: UsageGroup[]): Promise<UsageRow[]> =>
    reader.usage({ from: day, to: day, filters: {}, groupBy });
  const rowsOf = async ({ store }: Under, team: string): Promise<string[]> => {
    const fields = await store.attempt((client) => client.hgetall(keys.breakdown(`${day}/${team}`)));
    return Object.keys(fields).filter((name) => name !== '#');
  };

  it('keeps a bounded number of names, and its sums are those without it', async () => {
    const name = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz'.split(''));
    const entry = fc.record({
      team: fc.constantFrom('acme', 'beta'),
      user: fc.constantFrom('ana', 'bob'),
      end_user: fc.option(name),
      tags: fc.option(fc.record({ project: name, step: name }, { requiredKeys: [] })),
      input_tokens: fc.nat(100),
    });
    const property = fc.asyncProperty(fc.array(entry, { minLength: 1, maxLength: 120 }), async (entries) => {
      const under = await make();
      for (let at = 0; at < entries.length; at += 40) {
        await under.close(entries.slice(at, at + 40).map((more) => made(more)));
      }
      const [all] = await sums(under);
      for (const groups of [['end_user'], ['tag:project'], ['tag:project', 'tag:step', 'user']] as const) {
        const rows = await sums(under, ...groups);
        for (const figure of ['requests', 'input_tokens', 'output_tokens'] as const) {
          expect(rows.reduce((sum, row) => sum + row[figure], 0)).toBe(all?.[figure]);
          expect(rows.every((row) => row[figure] >= 0)).toBe(true);
        }
      }
      const tagged = entries.filter(({ tags }) => Object.keys(tags ?? {}).length > 0);
      const untagged = (await sums(under, 'tag:project', 'tag:step')).find(
        (row) => row['tag:project'] === null && row['tag:step'] === null,
      );
      expect(untagged?.requests ?? 0).toBe(entries.length - tagged.length);
      for (const team of ['acme', 'beta']) {
        const names = await rowsOf(under, team);
        const named = names.filter((row) =>
          /\t(?!\(others\)|\t)[^\t]+\t[^\t]*$|\t(?!\(others\)$)[^\t]+$/.test(row),
        );
        expect(named.length).toBeLessThanOrEqual(mostNamed);
        const counted = await under.store.attempt((client) =>
          client.hget(keys.breakdown(`${day}/${team}`), '#'),
        );
        expect(Number(counted ?? 0)).toBeLessThanOrEqual(mostNamed);
      }
    });
    await fc.assert(property, { numRuns: 25 });
  });

  it('takes names from whoever makes up most of them, and from nobody else', async () => {
    const under = await make();
    await under.close(['x', 'y', 'z'].map((project) => made({ user: 'bob', tags: { project } })));
    await under.close([made({ team: 'beta', tags: { project: 'theirs' } })]);
    for (let n = 0; n < 3; n += 1) {
      await under.close(
        Array.from({ length: 40 }, (_, of) => made({ user: 'eve', tags: { project: `p${n}-${of}` } })),
      );
    }
    const rows = await sums(under, 'team', 'user', 'tag:project');
    const of = (user: string): unknown[] =>
      rows.filter((row) => row.user === user && row.team === 'acme').map((row) => row['tag:project']);
    expect(of('bob')).toEqual(['x', 'y', 'z']);
    expect(of('eve')).toContain('(others)');
    expect(rows.find(({ team }) => team === 'beta')?.['tag:project']).toBe('theirs');
  });

  it('keeps those who use most, and the tags of end users who lose their name', async () => {
    const under = await make();
    const visit = (end_user: string, input_tokens = 1): LedgerEntry =>
      made({ end_user, input_tokens, tags: { project: 'shop' } });
    for (let n = 0; n < 5; n += 1) {
      await under.close([
        visit('regular', 5_000),
        ...Array.from({ length: 30 }, (_, of) => visit(`v${n}-${of}`)),
      ]);
    }
    const rows = await sums(under, 'end_user');
    expect(rows.find((row) => row.end_user === 'regular')).toMatchObject({
      requests: 5,
      input_tokens: 25_000,
    });
    expect(rows.length).toBeLessThanOrEqual(mostNamed + 1);
    expect(await sums(under, 'tag:project')).toMatchObject([{ 'tag:project': 'shop', requests: 155 }]);
    expect(await rowsOf(under, 'acme')).toContainEqual(expect.stringMatching(/\tproject=shop\t\(others\)$/));
  });

  it('goes with the totals of its day', async () => {
    const under = await make();
    await under.close([made({ tags: { project: 'x' } })]);
    const expiries = await under.store.attempt((client) =>
      Promise.all([keys.totals(day), keys.breakdown(`${day}/acme`)].map((key) => client.pexpiretime(key))),
    );
    expect(expiries[0]).toBeGreaterThan(0);
    expect(expiries[1]).toBe(expiries[0]);
  });

  it('is not there for requests without tags and end user, nor beside records', async () => {
    const plain = await make();
    await plain.close([made()]);
    expect(await rowsOf(plain, 'acme')).toEqual([]);
    const recorded = await make({ backlogBytes: () => 1_000_000 });
    await recorded.close([made({ tags: { project: 'x' } })]);
    expect(await rowsOf(recorded, 'acme')).toEqual([]);
    expect(await sums(recorded)).toMatchObject([{ requests: 1 }]);
  });
});
