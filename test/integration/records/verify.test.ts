import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { figures } from '../../../src/base/figures.ts';
import type { LedgerEntry } from '../../../src/ledger/entry.ts';
import { encodeRefusalRow, type RefusedAs } from '../../../src/ledger/refusal-count.ts';
import { encodeTotalsRow, usageFigures } from '../../../src/ledger/totals.ts';
import type { Difference } from '../../../src/records/differences.ts';
import type { Verification } from '../../../src/records/records-view.ts';
import { usageColumns } from '../../../src/records/sum-tables.ts';
import { scriptOf } from '../../../src/store/script.ts';
import type { Store } from '../../../src/store/store.ts';
import { entryOf } from '../../contract/admission-store-samples.ts';
import { embeddedStore, testKeys as keys } from '../../support/embedded-store.ts';
import { closeInStore, refuseInStore, useRecords } from '../../support/records.ts';

/* `ledger verify` finds what somebody changed in one of the places, and nothing else. */

const records = useRecords();
const days = { from: '2026-06-13', to: '2026-06-15' };
const nowMs = Date.parse('2026-06-15T12:00:00Z');
const users = ['ana', 'bob', 'eve'];
let store: Store;

function entry(n: number, more: Partial<LedgerEntry> = {}): LedgerEntry {
  const named = Object.fromEntries(figures.map(({ name }, at) => [name, (n + at) % 3]));
  return entryOf(`p1-${n}`, {
    time: `2026-06-${13 + (n % 3)}T11:00:00.000Z`,
    user: users[n % 2] ?? '',
    model_accepted: n % 4 > 0,
    outcome: (['ok', 'error', 'aborted', 'lost'] as const)[n % 4] ?? 'ok',
    cost_usd: n % 5 === 0 ? null : n / 1e9,
    ...named,
    ...more,
  });
}

const refused: RefusedAs = {
  team: 'acme',
  user: null,
  token: null,
  endpoint: 'other',
  code: 'invalid_token',
  model: null,
  limit: null,
};

async function refuse(n: number): Promise<void> {
  const day = `2026-06-${13 + (n % 3)}`;
  await refuseInStore(store, keys, n + 1, { day, as: refused, refused: n + 1, lastMs: nowMs + n });
}

/** What differs in the days that anything is of. */
async function verified(): Promise<Verification> {
  const found = await records().readers(store, keys).recordsView.verify(days);
  if (found === null) throw new Error('There are records.');
  return found;
}

const setField = scriptOf('set_field', "return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])");

async function inStore(key: string, row: string, change: (sums: number[]) => void): Promise<void> {
  const text = (await store.attempt((client) => client.hget(key, row))) ?? '';
  const sums = text.split(' ').map(Number);
  change(sums);
  await store.run(setField, [key], [row, sums.join(' ')]);
}

beforeEach(async () => {
  store = embeddedStore(() => nowMs);
  await records().empty();
  for (let n = 0; n < 24; n += 1) {
    if (n === 18) await records().drain(store, keys);
    await closeInStore(store, keys, entry(n));
    await refuse(n);
  }
});

describe('ledger verify', () => {
  it('finds nothing where nothing is wrong, though some is not drained yet', async () => {
    expect(await verified()).toMatchObject({ differences: [], left_out: 0, gaps: [] });
    expect((await verified()).rows).toBeGreaterThan(9);
    await records().drain(store, keys);
    await records().trim(store, keys);
    expect(await verified()).toMatchObject({ differences: [], left_out: 0, gaps: [] });
  });

  it('finds nothing wrong while requests are closed, refused and drained all the time', async () => {
    const done = new AbortController();
    const traffic = (async () => {
      for (let n = 24; !done.signal.aborted; n += 1) {
        await closeInStore(store, keys, entry(n));
        await refuse(n);
        if (n % 9 === 0) await records().drain(store, keys);
        if (n % 27 === 0) await records().trim(store, keys);
      }
    })();
    try {
      for (let n = 0; n < 6; n += 1) expect((await verified()).differences).toEqual([]);
    } finally {
      done.abort();
      await traffic;
    }
  });

  /** The row that entry n is summed in, as a difference names it. */
  function rowOf(n: number): { day: string; row: Record<string, string> } {
    const { time, team, user, token_id: token, model, model_accepted, endpoint } = entry(n);
    const shown = model_accepted ? model : '(not accepted)';
    return { day: time.slice(0, 10), row: { team, user, token, model: shown, endpoint } };
  }

  const sqlRow = 'day = $1 AND team = $2 AND user_id = $3 AND token = $4 AND model = $5 AND endpoint = $6';

  function valuesOf(n: number): string[] {
    const { day, row } = rowOf(n);
    return [day, ...Object.values(row)];
  }

  const drained = fc.nat(17);
  const amount = fc.integer({ min: 1, max: 9 });

  it('finds a figure that was changed in the sums of either place', async () => {
    const property = fc.asyncProperty(drained, fc.nat(usageFigures.length - 1), amount, async (n, at, by) => {
      const { day, row } = rowOf(n);
      const { database } = records();
      const changeSum = (to: number): Promise<unknown> =>
        database.query(
          `UPDATE usage_days SET ${usageColumns[at]} = ${usageColumns[at]} + ${to} WHERE ${sqlRow}`,
          valuesOf(n),
        );
      const changeTotal = (to: number): Promise<void> =>
        inStore(keys.totals(day), encodeTotalsRow(row as Parameters<typeof encodeTotalsRow>[0]), (sums) => {
          sums[at] = (sums[at] ?? 0) + to;
        });
      for (const [change, place] of [
        [changeSum, 'sums'],
        [changeTotal, 'store'],
      ] as const) {
        await change(by);
        const { differences } = await verified();
        expect(differences).toMatchObject([{ kind: 'usage', day, row, figure: usageFigures[at] }]);
        const { places } = differences[0] as Difference;
        const others = Object.entries(places).filter(([name]) => name !== place);
        expect(others).toHaveLength(2);
        for (const [, said] of others) expect(Number(places[place]) - Number(said)).toBe(by);
        await change(-by);
        expect((await verified()).differences).toEqual([]);
      }
    });
    await fc.assert(property, { numRuns: 6 });
  });

  it('finds a row of sums that was deleted, and one that was added', async () => {
    const { database } = records();
    await records().drain(store, keys);
    await database.query(`DELETE FROM usage_days WHERE ${sqlRow}`, valuesOf(3));
    await database.query(
      "INSERT INTO usage_days (day, team, user_id, token, model, endpoint, requests) VALUES ('2026-06-14', 'acme', 'mallory', 't', 'm', '/v1', 4)",
    );
    const { differences } = await verified();
    const deleted = differences.filter(({ row }) => row['user'] !== 'mallory');
    for (const { day, row } of deleted) expect({ day, row }).toEqual(rowOf(3));
    expect(deleted.find(({ figure }) => figure === 'requests')?.places).toMatchObject({ sums: null });
    expect(differences.filter(({ row }) => row['user'] === 'mallory')).toEqual([
      {
        kind: 'usage',
        day: '2026-06-14',
        row: { team: 'acme', user: 'mallory', token: 't', model: 'm', endpoint: '/v1' },
        figure: 'requests',
        places: { store: null, sums: 4, entries: null },
      },
    ]);
  });

  /** What may be done to an entry, by how much that changes a figure, and how it is undone. */
  const tampering = {
    deleted: {
      figure: 'requests',
      by: -1,
      done: 'DELETE FROM entries WHERE id = $1 RETURNING row_to_json(entries) AS gone',
      undone: 'INSERT INTO entries SELECT * FROM json_populate_record(NULL::entries, $1)',
    },
    changed: {
      figure: 'output_tokens',
      by: 5,
      done: 'UPDATE entries SET output_tokens = output_tokens + 5 WHERE id = $1 RETURNING id AS gone',
      undone: 'UPDATE entries SET output_tokens = output_tokens - 5 WHERE id = $1',
    },
    twice: {
      figure: 'requests',
      by: 1,
      done: `INSERT INTO entries SELECT (json_populate_record(entries, '{"id":"twice"}')).* FROM entries WHERE id = $1
             RETURNING id AS gone`,
      undone: 'DELETE FROM entries WHERE id = $1',
    },
  };

  it('finds an entry that was deleted, changed, or is there twice', async () => {
    const { database } = records();
    const property = fc.asyncProperty(
      drained,
      fc.constantFrom(...Object.values(tampering)),
      async (n, how) => {
        const [{ gone } = { gone: '' }] = await database.query<{ gone: string }>(how.done, [`p1-${n}`]);
        const { differences } = await verified();
        for (const { day, row } of differences) expect({ day, row }).toEqual(rowOf(n));
        const { places } = differences.find(({ figure }) => figure === how.figure) ?? {};
        expect(places?.sums).toBe(places?.store);
        expect(Number(places?.entries) - Number(places?.sums)).toBe(how.by);
        await database.query(how.undone, [gone]);
        expect((await verified()).differences).toEqual([]);
      },
    );
    await fc.assert(property, { numRuns: 6 });
  });

  it('finds a row of refusals that was changed in either place', async () => {
    await records().database.query("UPDATE refusal_days SET refused = refused + 2 WHERE day = '2026-06-13'");
    await inStore(keys.refusals('2026-06-15'), encodeRefusalRow(refused), (sums) => {
      sums[1] = 5;
    });
    const { differences } = await verified();
    expect(differences.map(({ kind, day, figure }) => [kind, day, figure])).toEqual([
      ['refusals', '2026-06-13', 'refused'],
      ['refusals', '2026-06-15', 'last_at'],
    ]);
    const { sums, store: said } = differences[0]?.places ?? {};
    expect(Number(sums) - Number(said)).toBe(2);
  });
});
