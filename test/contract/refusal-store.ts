import { beforeEach, describe, expect, it } from 'vitest';
import { errorTable } from '../../src/base/refusal.ts';
import {
  maxRefusalRows,
  type RefusalBatch,
  type RefusalCount,
  type RefusalQuery,
  type RefusalRow,
  type RefusedAs,
  wouldRefuse,
} from '../../src/ledger/refusal-count.ts';
import type { LedgerReader } from '../../src/ledger/ledger-reader.ts';
import type { RefusalStore } from '../../src/ledger/refusal-store.ts';

// Years ahead, since counts expire.
const day = '2095-06-15';

const ana: RefusedAs = {
  team: 'acme',
  user: 'ana',
  token: 'tok_1',
  endpoint: '/v1/chat/completions',
  code: 'insufficient_quota',
  model: 'claude-4-sonnet',
  limit: 'token requests/day',
};
const nobody: RefusedAs = {
  team: null,
  user: null,
  token: null,
  endpoint: 'other',
  code: 'invalid_token',
  model: null,
  limit: null,
};

/** What every store of refusals does. `make` gives an empty one. */
export function refusalStoreContract(
  make: () => Promise<{ store: RefusalStore; ledger: LedgerReader }>,
): void {
  let store: RefusalStore;
  let ledger: LedgerReader;
  let sequence: number;
  let lastMs: number;

  beforeEach(async () => {
    ({ store, ledger } = await make());
    sequence = 0;
    lastMs = Date.parse(day);
  });

  function batchOf(...counts: [as: RefusedAs, refused: number, day?: string][]): RefusalBatch {
    sequence += 1;
    lastMs += 1_000;
    const made = counts.map(([as, refused, of = day]): RefusalCount => ({ day: of, as, refused, lastMs }));
    return { process: 'p1', sequence, counts: made };
  }

  const read = (more: Partial<RefusalQuery> = {}): Promise<RefusalRow[]> =>
    ledger.refusals({ from: day, to: day, filters: {}, groupBy: [], ...more });

  async function addSome(): Promise<void> {
    await store.add(batchOf([ana, 2], [{ ...ana, code: 'model_not_allowed' }, 1], [nobody, 7]));
    await store.add(batchOf([ana, 3], [{ ...ana, team: 'beta', token: 'tok_2' }, 4]));
    await store.add(batchOf([ana, 10, '2095-06-16'], [ana, 20, '2095-06-14']));
  }

  it('without groups is one row, of 0 where there is nothing', async () => {
    expect(await read()).toEqual([{ refused: 0, last_at: null }]);
    expect(await read({ groupBy: ['code'] })).toEqual([]);
  });

  it('sums whole days, both ends included', async () => {
    await addSome();
    expect(await read()).toMatchObject([{ refused: 17 }]);
    expect(await read({ to: '2095-06-16' })).toMatchObject([{ refused: 27 }]);
    expect(await read({ from: '2095-06-14', to: '2095-06-16' })).toMatchObject([{ refused: 47 }]);
    expect(await read({ from: '2095-06-16', to: '2095-06-14' })).toMatchObject([{ refused: 0 }]);
  });

  it.each<[RefusalQuery['filters'], number]>([
    [{ team: 'beta' }, 4],
    [{ user: 'ana' }, 10],
    [{ token: 'tok_1' }, 6],
    [{ endpoint: 'other' }, 7],
    [{ code: 'insufficient_quota' }, 9],
    [{ team: 'acme', code: 'model_not_allowed' }, 1],
    [{ team: '*' }, 0],
    [{ team: 'acm' }, 0],
    [{ team: '' }, 0],
  ])('is narrowed by %j', async (filters, refused) => {
    await addSome();
    expect(await read({ filters })).toMatchObject([{ refused }]);
  });

  it('is told by groups, in their order and sorted, those of nobody known under null', async () => {
    await addSome();
    expect(await read({ groupBy: ['team', 'code'] })).toMatchObject([
      { team: null, code: 'invalid_token', refused: 7 },
      { team: 'acme', code: 'insufficient_quota', refused: 5 },
      { team: 'acme', code: 'model_not_allowed', refused: 1 },
      { team: 'beta', code: 'insufficient_quota', refused: 4 },
    ]);
    const byDay = await read({ from: '2095-06-14', to: '2095-06-16', groupBy: ['day', 'token'] });
    expect(byDay.map(({ day: of, token, refused }) => [of, token, refused])).toEqual([
      ['2095-06-14', 'tok_1', 20],
      ['2095-06-15', null, 7],
      ['2095-06-15', 'tok_1', 6],
      ['2095-06-15', 'tok_2', 4],
      ['2095-06-16', 'tok_1', 10],
    ]);
  });

  it('sums what would have been refused apart, only when its code is asked for', async () => {
    await addSome();
    await store.add(batchOf([{ ...ana, code: wouldRefuse }, 5]));
    expect(await read()).toMatchObject([{ refused: 17 }]);
    expect(await read({ groupBy: ['code'] })).not.toMatchObject(
      expect.arrayContaining([expect.objectContaining({ code: wouldRefuse })]),
    );
    expect(await read({ filters: { code: wouldRefuse }, groupBy: ['limit'] })).toMatchObject([
      { limit: ana.limit, refused: 5 },
    ]);
  });

  it('tells model, limit and the time of the last one', async () => {
    await addSome();
    await store.add(batchOf([{ ...ana, model: null, limit: null }, 1]));
    const atS = (s: number): string => new Date(Date.parse(day) + s * 1_000).toISOString();
    expect(await read({ groupBy: ['model', 'limit'], filters: { token: 'tok_1' } })).toEqual([
      { model: null, limit: null, refused: 1, last_at: atS(4) },
      { model: ana.model, limit: ana.limit, refused: 6, last_at: atS(2) },
    ]);
    expect(await read()).toEqual([{ refused: 18, last_at: atS(4) }]);
  });

  it('leaves room for the rows of others when one caller has many models', async () => {
    for (let from = 0; from < maxRefusalRows; from += 200) {
      const counts = Array.from({ length: 200 }, (_, n): [RefusedAs, number] => [
        { ...ana, model: `model-${from + n}` },
        1,
      ]);
      await store.add(batchOf(...counts));
    }
    const late = { ...ana, team: 'beta', token: 'tok_2' };
    await store.add(batchOf([late, 3]));
    expect(await read({ groupBy: ['team', 'token', 'model'], filters: { team: 'beta' } })).toMatchObject([
      { team: 'beta', token: 'tok_2', model: null, refused: 3 },
    ]);
    expect(await read({ filters: { team: 'acme' } })).toMatchObject([{ refused: maxRefusalRows }]);
  });

  it('counts a batch once, however often it is sent', async () => {
    const first = batchOf([ana, 2]);
    const second = batchOf([ana, 5]);
    await store.add(first);
    await store.add(first);
    await store.add(second);
    await store.add(second);
    await store.add(first);
    await store.add({ ...first, process: 'p2' });
    expect(await read()).toMatchObject([{ refused: 9 }]);
  });

  it('keeps a day to so many rows, and counts what comes beyond by its code alone', async () => {
    const codes = Object.keys(errorTable).length;
    for (let from = 0; from < maxRefusalRows + 400; from += 200) {
      const counts = Array.from(
        { length: 200 },
        (_, n) => [{ ...ana, token: `tok_${from + n}` }, 1] as const,
      );
      await store.add(batchOf(...counts.map(([as, refused]): [RefusedAs, number] => [as, refused])));
    }
    await store.add(batchOf([{ ...ana, token: 'tok_0' }, 5]));
    const rows = await read({ groupBy: ['token'] });
    expect(rows.length).toBeLessThanOrEqual(maxRefusalRows + codes);
    expect(rows.find(({ token }) => token === null)).toMatchObject({ token: null, refused: 400 });
    expect(rows.find(({ token }) => token === 'tok_0')).toMatchObject({ token: 'tok_0', refused: 6 });
    expect(await read({ groupBy: ['code'] })).toMatchObject([
      { code: 'insufficient_quota', refused: maxRefusalRows + 405 },
    ]);
  });

  describe('days', () => {
    it('are kept for as long as it is told', async () => {
      const days = ['2095-06-01', '2095-06-02', '2095-06-03'];
      for (const of of days) await store.add(batchOf([ana, 1, of]));
      const rows = await read({ from: '2095-06-01', to: '2095-06-03', groupBy: ['day'] });
      expect(rows.map(({ day: of }) => of)).toEqual(days);
    });
  });
}
