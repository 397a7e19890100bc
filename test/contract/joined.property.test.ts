import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dayMs, dayOf } from '../../src/base/days.ts';
import { figures } from '../../src/base/figures.ts';
import { unacceptedModel, type LedgerEntry } from '../../src/ledger/entry.ts';
import { LedgerReader } from '../../src/ledger/ledger-reader.ts';
import type { EntryQuery, Ledger } from '../../src/ledger/ledger.ts';
import { refusalGroups, type RefusedAs } from '../../src/ledger/refusal-count.ts';
import { type UsageGroup, usageGroups } from '../../src/ledger/totals.ts';
import type { Store } from '../../src/store/store.ts';
import { embeddedStore, testKeys as keys } from '../support/embedded-store.ts';
import { closeInStore, refuseInStore, useRecords } from '../support/records.ts';
import { entryOf } from './admission-store-samples.ts';

/*
 * However a list of entries and refusals is split between the store and Postgres, and whatever of the drained part the store
 * still has: pages, cursors and sums are those of a store that has everything.
 */

const nowMs = Date.UTC(2026, 5, 15, 12);
const days = Array.from({ length: 24 }, (_, n) => dayOf(nowMs - n * dayMs));

const entry = fc.record({
  team: fc.constantFrom('acme', 'beta'),
  user: fc.constantFrom('ana', 'bob'),
  token_id: fc.constantFrom('tok_1', 'tok_2'),
  session_id: fc.constantFrom(null, 'ses_1'),
  end_user: fc.constantFrom(null, "O'Neill", 'a"b\\c'),
  tags: fc.constantFrom(null, { project: 'x' }, { project: 'y', 'a-b_c': 'x.:/@-' }),
  endpoint: fc.constantFrom('/v1/chat/completions', '/v1/rerank'),
  model: fc.constantFrom('nova-pro', 'Nova-Pro', 'said'),
  model_requested: fc.constantFrom(null, 'claude'),
  model_accepted: fc.boolean(),
  status: fc.constantFrom(200, 502),
  outcome: fc.constantFrom('ok', 'error', 'aborted', 'lost' as const),
  error_code: fc.constantFrom(null, 'upstream_error'),
  usage: fc.constantFrom('reported', 'estimated' as const),
  stream: fc.boolean(),
  duration_ms: fc.nat(90_000),
  ttfb_ms: fc.option(fc.nat(90_000)),
  cost_usd: fc.option(fc.nat(9_999).map((nano) => nano / 1e9)),
  time: fc
    .tuple(fc.constantFrom(...days), fc.nat(dayMs - 1))
    .map(([day, ms]) => new Date(Date.parse(day) + ms).toISOString()),
  figures: fc.array(fc.nat(99_999), { minLength: figures.length, maxLength: figures.length }),
});
const refused = fc.record({
  day: fc.constantFrom(...days),
  refused: fc.integer({ min: 1, max: 9 }),
  lastMs: fc.nat(dayMs).map((ms) => nowMs - ms),
  as: fc.record<RefusedAs>({
    team: fc.constantFrom(null, 'acme', 'beta'),
    user: fc.constantFrom(null, 'ana'),
    token: fc.constantFrom(null, 'tok_1'),
    endpoint: fc.constantFrom('/v1/chat/completions', 'other'),
    code: fc.constantFrom('invalid_token', 'insufficient_quota', 'would_refuse'),
    model: fc.constantFrom(null, 'nova-pro'),
    limit: fc.constantFrom(null, 'token requests/day'),
  }),
});
const range = fc.tuple(fc.constantFrom(...days), fc.constantFrom(...days)).map((pair) => {
  const [from = '', to = ''] = pair.toSorted();
  return { from, to };
});
const who = {
  team: fc.constantFrom('acme', 'gamma'),
  user: fc.constantFrom('ana', 'bob'),
  token: fc.constantFrom('tok_1'),
  endpoint: fc.constantFrom('/v1/rerank', 'other'),
  model: fc.constantFrom('nova-pro', 'said', unacceptedModel),
};
const teams = fc.constantFrom(undefined, undefined, ['beta'], ['acme', 'beta'], []);
const usage = fc.record({
  range,
  teams,
  groupBy: fc.subarray<UsageGroup>([...usageGroups, 'tag:project', 'tag:a-b_c']),
  filters: fc.record(
    {
      ...who,
      end_user: fc.constantFrom("O'Neill", 'nobody'),
      'tag:project': fc.constantFrom('x', 'z'),
      'tag:a-b_c': fc.constantFrom('x.:/@-'),
    },
    { requiredKeys: [] },
  ),
});
const refusals = fc.record({
  range,
  teams,
  groupBy: fc.subarray([...refusalGroups]),
  filters: fc.record(
    { ...who, code: fc.constantFrom('invalid_token', 'would_refuse') },
    { requiredKeys: [] },
  ),
});
const pages = fc.record({
  teams,
  tags: fc.constantFrom(undefined, undefined, { project: 'x' }, { 'a-b_c': 'x.:/@-', project: 'y' }),
  limit: fc.constantFrom(1, 3, 7, 100),
  moments: fc.option(range.map(({ from, to }) => ({ fromMs: Date.parse(from), beforeMs: Date.parse(to) }))),
  filters: fc.record(
    {
      ...who,
      session: fc.constantFrom('ses_1'),
      end_user: fc.constantFrom("O'Neill", 'a"b\\c', ''),
      outcome: fc.constantFrom('ok', 'lost'),
    },
    { requiredKeys: [] },
  ),
});

type Entry = typeof entry extends fc.Arbitrary<infer T> ? T : never;
type Refused = typeof refused extends fc.Arbitrary<infer T> ? T : never;

async function close(store: Store, { figures: amounts, ...fields }: Entry, n: number): Promise<void> {
  const named = Object.fromEntries(figures.map(({ name }, at) => [name, amounts[at] ?? 0]));
  await closeInStore(store, keys, entryOf(`p1-${n}`, { ...fields, ...named }));
}

async function refuse(store: Store, count: Refused, n: number): Promise<void> {
  await refuseInStore(store, keys, n + 1, count);
}

/** Every page with its cursor. */
async function pagesOf(ledger: Ledger, query: Omit<EntryQuery, 'cursor'>): Promise<object[]> {
  const read: { data: LedgerEntry[]; next_cursor: string | null }[] = [];
  let cursor: string | null = null;
  do {
    const page = await ledger.entries({ ...query, cursor });
    read.push(page);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return read;
}

function narrowedTo(only: readonly string[] | undefined): { teams?: readonly string[] } {
  return only === undefined ? {} : { teams: only };
}

describe('a ledger in two places', () => {
  const records = useRecords();

  it('says what one in one place says', async () => {
    const property = fc.asyncProperty(
      fc.array(entry, { maxLength: 30, size: 'max' }),
      fc.array(refused, { maxLength: 12, size: 'max' }),
      fc.array(fc.record({ at: fc.nat(30), isTrimmed: fc.boolean() }), { maxLength: 2 }),
      fc.record({
        usage: fc.array(usage, { minLength: 1, maxLength: 3 }),
        refusals: fc.array(refusals, { minLength: 1, maxLength: 3 }),
        pages: fc.array(pages, { minLength: 1, maxLength: 3 }),
      }),
      async (entries, counts, drains, asked) => {
        const [whole, split] = [embeddedStore(() => nowMs), embeddedStore(() => nowMs)];
        await records().empty();
        for (let n = 0; n <= 30; n += 1) {
          for (const { isTrimmed } of drains.filter(({ at }) => at === n)) {
            await records().drain(split, keys);
            if (isTrimmed) await records().trim(split, keys);
          }
          for (const store of [whole, split]) {
            const [made, count] = [entries[n], counts[n]];
            if (made) await close(store, made, n);
            if (count) await refuse(store, count, n);
          }
        }
        const expected = new LedgerReader(whole, keys);
        const { ledger } = records().readers(split, keys);
        for (const { range: of, teams: only, groupBy, filters } of asked.usage) {
          const query = { ...of, groupBy, filters, ...narrowedTo(only) };
          expect(await ledger.usage(query)).toEqual(await expected.usage(query));
        }
        for (const { range: of, teams: only, groupBy, filters } of asked.refusals) {
          const query = { ...of, groupBy, filters, ...narrowedTo(only) };
          expect(await ledger.refusals(query)).toEqual(await expected.refusals(query));
        }
        for (const { teams: only, tags, limit, moments, filters } of asked.pages) {
          const narrowed = { ...(moments ? { admitted: moments } : {}), ...(tags ? { tags } : {}) };
          const query = { limit, filters, ...narrowed, ...narrowedTo(only) };
          expect(await pagesOf(ledger, query)).toEqual(await pagesOf(expected, query));
        }
      },
    );
    await fc.assert(property, { numRuns: 40 });
  });
});
