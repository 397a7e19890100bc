import { beforeEach, describe, expect, it } from 'vitest';
import { noUsage } from '../support/no-usage.ts';
import { dayMs } from '../../src/base/days.ts';
import { figures } from '../../src/base/figures.ts';
import { unacceptedModel, type LedgerEntry } from '../../src/ledger/entry.ts';
import type { EntryQuery, Ledger } from '../../src/ledger/ledger.ts';
import type { UsageQuery, UsageRow } from '../../src/ledger/totals.ts';
import { closingOf, entryOf } from './admission-store-samples.ts';

/** An empty ledger, and the way entries get into it. */
export interface LedgerUnderTest {
  reader: Ledger;
  /** Closes requests in this order, each with its totals. */
  write(...closings: Closing[]): Promise<void>;
}

export type Closing = ReturnType<typeof closingOf>;

// Years ahead, since totals expire.
const day = '2095-06-15';

function entry(id: string, more: Partial<LedgerEntry> = {}): LedgerEntry {
  return entryOf(id, { time: `${day}T12:00:00.000Z`, ...more });
}

/** What every ledger does. `make` gives an empty one. */
export function ledgerContract(make: () => Promise<LedgerUnderTest>): void {
  let under: LedgerUnderTest;

  beforeEach(async () => {
    under = await make();
  });

  function usage(more: Partial<UsageQuery> = {}): Promise<UsageRow[]> {
    return under.reader.usage({ from: day, to: day, filters: {}, groupBy: [], ...more });
  }

  async function ids(more: Partial<EntryQuery> = {}): Promise<string[]> {
    const { data } = await under.reader.entries({ filters: {}, limit: 100, cursor: null, ...more });
    return data.map(({ id }) => id);
  }

  describe('usage', () => {
    async function writeSome(): Promise<void> {
      const embeddings = '/v1/embeddings';
      await under.write(
        closingOf(entry('a')),
        closingOf(entry('b', { user: 'bob', token_id: 'tok_2', model: 'nova-pro', images: 3 })),
        closingOf(entry('c', { team: 'beta', endpoint: embeddings, output_tokens: 0 })),
        closingOf(entry('d', { time: '2095-06-16T00:00:00.000Z' })),
        closingOf(entry('e', { time: '2095-06-14T23:59:59.999Z' })),
      );
    }

    it('without groups is one row, of zeros where there is nothing', async () => {
      expect(await usage()).toEqual([noUsage]);
    });

    it('with groups has no row where there is nothing', async () => {
      expect(await usage({ groupBy: ['team'] })).toEqual([]);
    });

    it('sums whole days, both ends included', async () => {
      await writeSome();
      expect(await usage()).toEqual([
        { ...noUsage, requests: 3, input_tokens: 36, output_tokens: 68, images: 3 },
      ]);
      expect((await usage({ to: '2095-06-16' }))[0]?.requests).toBe(4);
      expect((await usage({ from: '2095-06-14', to: '2095-06-16' }))[0]?.requests).toBe(5);
      expect((await usage({ from: '2095-06-16', to: '2095-06-14' }))[0]?.requests).toBe(0);
    });

    it('sums every figure', async () => {
      const each = Object.fromEntries(figures.map(({ name }, n) => [name, n + 1]));
      await under.write(
        closingOf(entry('a', { ...each, cost_usd: 0.008 })),
        closingOf(entry('b', { ...each, cost_usd: 0.009, outcome: 'error' })),
        closingOf(entry('c', { ...each, outcome: 'aborted' })),
        closingOf(entry('d', { ...each, outcome: 'lost' })),
        closingOf(entry('e', { ...each, outcome: 'lost' })),
      );
      const summed = Object.fromEntries(figures.map(({ name }, n) => [name, 5 * (n + 1)]));
      expect(await usage()).toEqual([
        { ...noUsage, ...summed, requests: 5, errors: 1, aborted: 1, lost: 2, cost_usd: 0.017 },
      ]);
    });

    it('sums beyond 32 bits exactly', async () => {
      const large = { input_tokens: 999_999_999_999_999, output_tokens: 2 ** 40 };
      await under.write(closingOf(entry('a', large)), closingOf(entry('b', large)));
      expect(await usage()).toEqual([
        { ...noUsage, requests: 2, input_tokens: 1_999_999_999_999_998, output_tokens: 2 ** 41 },
      ]);
    });

    it.each([
      [{ team: 'beta' }, 1],
      [{ user: 'ana' }, 2],
      [{ token: 'tok_2' }, 1],
      [{ model: 'nova-pro' }, 1],
      [{ endpoint: '/v1/embeddings' }, 1],
      [{ team: 'acme', user: 'ana' }, 1],
      [{ team: 'beta', user: 'bob' }, 0],
      [{ team: 'acm' }, 0],
    ])('is narrowed by %j', async (filters, requests) => {
      await writeSome();
      expect(await usage({ filters })).toMatchObject([{ requests }]);
    });

    it.each(['team', 'user', 'token', 'model', 'endpoint'] as const)('is told by %s, sorted', async (by) => {
      await writeSome();
      const rows = await usage({ groupBy: [by] });
      const groups = rows.map((row) => row[by] ?? '');
      expect(groups).toHaveLength(2);
      expect(groups).toEqual(groups.toSorted());
      expect(rows.reduce((sum, { requests }) => sum + requests, 0)).toBe(3);
    });

    it('is told by several groups at once, in their order', async () => {
      await writeSome();
      const rows = await usage({ from: '2095-06-14', to: '2095-06-16', groupBy: ['day', 'team', 'user'] });
      expect(rows.map(({ day: of, team, user, requests }) => [of, team, user, requests])).toEqual([
        ['2095-06-14', 'acme', 'ana', 1],
        ['2095-06-15', 'acme', 'ana', 1],
        ['2095-06-15', 'acme', 'bob', 1],
        ['2095-06-15', 'beta', 'ana', 1],
        ['2095-06-16', 'acme', 'ana', 1],
      ]);
      expect(Object.keys(rows[0] ?? {}).slice(0, 3)).toEqual(['day', 'team', 'user']);
    });

    it('is in several groupings at once what it is in each alone', async () => {
      await writeSome();
      const groupings: UsageQuery['groupBy'][] = [['team', 'user'], [], ['day'], ['model'], ['day', 'team']];
      const range = { from: '2095-06-14', to: '2095-06-16', filters: {} };
      const narrowed = { ...range, filters: { user: 'ana' }, teams: ['acme'] };
      for (const query of [range, narrowed]) {
        const alone = await Promise.all(groupings.map((groupBy) => usage({ ...query, groupBy })));
        expect(await under.reader.groupedUsage({ ...query, groupings })).toEqual(alone);
      }
    });

    it('is of the teams it is kept to, whatever the filters say', async () => {
      await writeSome();
      expect(await usage({ teams: ['acme', 'beta'] })).toMatchObject([{ requests: 3 }]);
      expect(await usage({ teams: ['beta'] })).toMatchObject([{ requests: 1 }]);
      expect(await usage({ teams: ['beta'], groupBy: ['team'] })).toMatchObject([
        { team: 'beta', requests: 1 },
      ]);
      expect(await usage({ teams: ['beta'], filters: { team: 'acme' } })).toEqual([noUsage]);
      expect(await usage({ teams: ['acme'], filters: { user: 'ana' } })).toMatchObject([{ requests: 1 }]);
      expect(await usage({ teams: [] })).toEqual([noUsage]);
    });

    it('keeps a user apart from the one of the same name in another team', async () => {
      await under.write(closingOf(entry('a')), closingOf(entry('b', { team: 'beta' })));
      expect(await usage({ groupBy: ['team', 'user'] })).toHaveLength(2);
      expect(await usage({ groupBy: ['user'] })).toMatchObject([{ user: 'ana', requests: 2 }]);
    });
  });

  describe('entries', () => {
    it('are none at first', async () => {
      expect(await under.reader.entries({ filters: {}, limit: 5, cursor: null })).toEqual({
        data: [],
        next_cursor: null,
      });
    });

    it('are what was written, newest closed first', async () => {
      const late = entry('late', { time: '2095-06-10T00:00:00.000Z', outcome: 'lost', ttfb_ms: null });
      const early = entry('early', { session_id: 'ses_1', error_code: 'upstream_error', outcome: 'error' });
      await under.write(closingOf(early), closingOf(late));
      const { data } = await under.reader.entries({ filters: {}, limit: 5, cursor: null });
      expect(data).toEqual([late, early]);
    });

    it('come in pages, none twice and none left out, whatever is written meanwhile', async () => {
      const all = Array.from({ length: 25 }, (_, n) => `e${n}`);
      await under.write(...all.map((id) => closingOf(entry(id))));
      const found: string[] = [];
      let cursor: string | null = null;
      let pages = 0;
      do {
        const page = await under.reader.entries({ filters: {}, limit: 10, cursor });
        expect(page.data.length).toBeLessThanOrEqual(10);
        found.push(...page.data.map(({ id }) => id));
        cursor = page.next_cursor;
        pages += 1;
        await under.write(closingOf(entry(`later${pages}`)));
      } while (cursor !== null);
      expect(found).toEqual(all.toReversed());
      expect(pages).toBe(3);
    });

    it('may end with an empty page, where the one before was full', async () => {
      await under.write(closingOf(entry('a')), closingOf(entry('b')));
      const page = await under.reader.entries({ filters: {}, limit: 2, cursor: null });
      expect(page.data).toHaveLength(2);
      expect(page.next_cursor).toMatch(/^\d+-\d+$/);
      expect(await under.reader.entries({ filters: {}, limit: 2, cursor: page.next_cursor })).toEqual({
        data: [],
        next_cursor: null,
      });
    });

    it.each([
      [{ team: 'beta' }, ['c']],
      [{ user: 'bob' }, ['b']],
      [{ token: 'tok_2' }, ['b']],
      [{ model: 'nova-pro' }, ['b']],
      [{ endpoint: '/v1/embeddings' }, ['c']],
      [{ outcome: 'aborted' }, ['d']],
      [{ team: 'acme' }, ['d', 'b', 'a']],
      [{ team: 'acme', outcome: 'ok' }, ['b', 'a']],
      [{ team: 'beta', user: 'bob' }, []],
      [{ outcome: 'o' }, []],
    ])('are narrowed by %j', async (filters, expected) => {
      await under.write(
        closingOf(entry('a')),
        closingOf(entry('b', { user: 'bob', token_id: 'tok_2', model: 'nova-pro' })),
        closingOf(entry('c', { team: 'beta', endpoint: '/v1/embeddings' })),
        closingOf(entry('d', { outcome: 'aborted' })),
      );
      expect(await ids({ filters })).toEqual(expected);
    });

    it('are of the teams they are kept to, whatever the filters say', async () => {
      await under.write(
        closingOf(entry('a')),
        closingOf(entry('b', { team: 'beta' })),
        closingOf(entry('c', { team: 'gamma' })),
        closingOf(entry('d', { team: 'beta', user: 'bob' })),
      );
      expect(await ids({ teams: ['beta'] })).toEqual(['d', 'b']);
      expect(await ids({ teams: ['acme', 'beta'], filters: { user: 'ana' } })).toEqual(['b', 'a']);
      expect(await ids({ teams: ['beta'], filters: { team: 'acme' } })).toEqual([]);
      expect(await ids({ teams: [] })).toEqual([]);
      const page = await under.reader.entries({ teams: ['beta'], filters: {}, limit: 1, cursor: null });
      expect(await ids({ teams: ['beta'], cursor: page.next_cursor })).toEqual(['b']);
    });

    it('are narrowed to when they were admitted, from a moment to before another', async () => {
      // Closed now, so admitted before.
      const noonMs = Math.floor(Date.now() / dayMs) * dayMs - dayMs / 2;
      const at = (id: string, offsetMs: number): Closing =>
        closingOf(entry(id, { time: new Date(noonMs + offsetMs).toISOString() }));
      await under.write(at('b', 0), at('c', 1), at('a', -1), at('d', 2));
      const [fromMs, beforeMs] = [noonMs, noonMs + 2];
      expect(await ids({ admitted: { fromMs, beforeMs } })).toEqual(['c', 'b']);
      expect(await ids({ admitted: { fromMs } })).toEqual(['d', 'c', 'b']);
      expect(await ids({ admitted: { beforeMs } })).toEqual(['a', 'c', 'b']);
      expect(await ids({ admitted: { fromMs: beforeMs, beforeMs: fromMs } })).toEqual([]);
    });

    it('tell apart a model that was accepted and one that was only said, as the totals do', async () => {
      const said = entry('said', { model: 'nova-pro', model_accepted: false });
      await under.write(closingOf(said), closingOf(entry('known', { model: 'nova-pro' })));
      const { data } = await under.reader.entries({ filters: {}, limit: 5, cursor: null });
      expect(data.at(-1)).toEqual(said);
      expect(await ids({ filters: { model: 'nova-pro' } })).toEqual(['known']);
      expect(await ids({ filters: { model: unacceptedModel } })).toEqual(['said']);
    });

    it.each(['*', '?', 'a%', "');redis.call('FLUSHALL')--", '=1+1', 'a,b"c', '[a-z]', '\\*'])(
      'take a filter as plain text: %j',
      async (name) => {
        await under.write(
          closingOf(entry('named', { end_user: name })),
          closingOf(entry('other', { end_user: 'ab' })),
        );
        expect(await ids({ filters: { end_user: name } })).toEqual(['named']);
        expect(await ids()).toHaveLength(2);
      },
    );

    it('are found in pages among many others', async () => {
      const all = Array.from({ length: 1_600 }, (_, n) =>
        closingOf(entry(`e${n}`, n % 400 === 0 ? { user: 'bob' } : {})),
      );
      await under.write(...all);
      const filters = { user: 'bob' };
      const first = await under.reader.entries({ filters, limit: 3, cursor: null });
      expect(first.data.map(({ id }) => id)).toEqual(['e1200', 'e800', 'e400']);
      expect(await ids({ filters, cursor: first.next_cursor })).toEqual(['e0']);
    });
  });
}
