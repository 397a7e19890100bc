import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noUsage } from '../support/no-usage.ts';
import { figures } from '../../src/base/figures.ts';
import { lostSettlement, settlementOf } from '../../src/limits/settlement.ts';
import { encodeOpen } from '../../src/limits/open-record.ts';
import type { Settlement } from '../../src/limits/store.ts';
import { dayMs, dayOf } from '../../src/base/days.ts';
import { unacceptedModel, type LedgerEntry } from '../../src/ledger/entry.ts';
import type { LedgerReader } from '../../src/ledger/ledger-reader.ts';
import { usageGroups, type UsageGroup, type UsageRow } from '../../src/ledger/totals.ts';
import { Harness } from '../integration/admin/harness.ts';
import { grantOf, openRequest, outcomeOf } from '../unit/limits/samples.ts';
import { engines, useEngine } from './engines.ts';
import { asks, decided, emptyAdmission, process } from './admission-store-samples.ts';

/*
 * Whatever was asked, by whom, on which day and how it ended: what /admin/usage says for a range, filters and groups is
 * what the entries of /admin/requests for the same range and filters sum up to.
 */

type Closing = NonNullable<Settlement['closing']>;

interface Store {
  reader: LedgerReader;
  close(closings: readonly Closing[]): Promise<void>;
}

const today = dayOf(Date.now());
const lastDays = Array.from({ length: 8 }, (_, n) => dayOf(Date.parse(today) - (8 - n) * dayMs));
const endpoints = ['/v1/chat/completions', '/v1/embeddings', '/v1/images/generations', '/v1/rerank'];
const models = ['nova-pro', 'claude-4-sonnet', 'only-said'];

const request = fc.record({
  team: fc.constantFrom('acme', 'beta'),
  user: fc.constantFrom('ana', 'bob'),
  tokenId: fc.constantFrom('tok_1', 'tok_2', 'tok_3'),
  endpoint: fc.constantFrom(...endpoints),
  model: fc.constantFrom(...models),
  modelKnown: fc.boolean(),
  endUser: fc.constantFrom(null, null, 'Zoë', '(others)'),
  tags: fc.constantFrom('', '', 'project=x', 'env=test,project=y', 'env=live'),
  inputTokens: fc.nat(5_000),
  outputTokens: fc.nat(5_000),
  images: fc.nat(4),
  searchUnits: fc.nat(4),
});
const outcome = fc.record({
  ending: fc.constantFrom('answered', 'not_taken', 'rejected', 'failed', 'broken', 'left' as const),
  outcome: fc.constantFrom('ok', 'error', 'aborted' as const),
  accepted: fc.boolean(),
  usage: fc.option(fc.record({ inputTokens: fc.nat(9_999), outputTokens: fc.nat(9_999) })),
  unreportedTokens: fc.nat(100),
});
const closedRequest = fc.record({
  request,
  outcome: fc.option(outcome, { freq: 4 }), // none: its process died
  day: fc.constantFrom(...lastDays),
  timeMs: fc.oneof(fc.constantFrom(0, dayMs - 1), fc.nat(dayMs - 1)),
});

const groups: UsageGroup[] = [...usageGroups, 'tag:project', 'tag:env'];

const question = fc.record({
  days: fc.tuple(fc.constantFrom(...lastDays), fc.constantFrom(...lastDays)),
  groups: fc.subarray(groups),
  filters: fc.record(
    {
      team: fc.constantFrom('acme', 'beta', 'gamma'),
      user: fc.constantFrom('ana', 'bob'),
      token: fc.constantFrom('tok_1', 'tok_3'),
      endpoint: fc.constantFrom(...endpoints),
      model: fc.constantFrom(...models, unacceptedModel),
      end_user: fc.constantFrom('Zoë', 'nobody'),
      tag: fc.constantFrom('project=x', 'project=y,env=test', 'env=none'),
    },
    { requiredKeys: [] },
  ),
});
type Question = typeof question extends fc.Arbitrary<infer T> ? T : never;

function closingOf(
  closed: typeof closedRequest extends fc.Arbitrary<infer T> ? T : never,
  n: number,
): Closing {
  const admittedAtMs = Date.parse(closed.day) + closed.timeMs;
  const asked = openRequest(closed.request);
  const id = `p1-${n}`;
  const { closing } = closed.outcome
    ? settlementOf(grantOf({ id, admittedAtMs, request: asked }), outcomeOf(closed.outcome)).settlement
    : lostSettlement({ grant: id, admittedAtMs, record: encodeOpen(asked) }, 'memory');
  if (!closing) throw new Error('A settlement closes.');
  return closing;
}

/** What both reports say of a question. */
async function answers(
  admin: Harness,
  { days, groups: asked, filters }: Question,
): Promise<[UsageRow[], UsageRow[]]> {
  const [from = '', to = ''] = days.toSorted();
  const wanted = new URLSearchParams({ from, to, ...filters });
  const entries = await admin.request('GET', `/admin/requests?${wanted.toString()}&format=ndjson`);
  const isKnown = entries.status === 200;
  const lines = isKnown ? (await entries.text()).split('\n').filter((line) => line !== '') : [];
  if (asked.length > 0) wanted.set('group_by', asked.join(','));
  const usage = await admin.call('GET', `/admin/usage?${wanted.toString()}`);
  // Nobody here is in the store: those who have used nothing are not known.
  expect([entries.status, usage.status]).toEqual(isKnown ? [200, 200] : [404, 404]);
  const bringsTeam = asked.some((group) => group === 'user' || group === 'token' || group === 'end_user');
  const sums = sumsOf(
    lines.map((line) => JSON.parse(line) as LedgerEntry),
    groups.filter((group) => asked.includes(group) || (group === 'team' && bringsTeam)),
  );
  return [sums, isKnown ? (usage.body['data'] as unknown as UsageRow[]) : sums];
}

function sumsOf(entries: readonly LedgerEntry[], by: readonly UsageGroup[]): UsageRow[] {
  const sums = new Map<string, UsageRow>();
  if (by.length === 0) sums.set('', { ...noUsage });
  for (const entry of entries) {
    const names = by.map((group) => [group, groupOf(entry, group)] as const);
    const key = names.map(([, name]) => name).join('\t');
    const sum = sums.get(key) ?? { ...Object.fromEntries(names), ...noUsage };
    sum.requests += 1;
    for (const { name } of figures) sum[name] += entry[name];
    sum.errors += entry.outcome === 'error' ? 1 : 0;
    sum.aborted += entry.outcome === 'aborted' ? 1 : 0;
    sum.lost += entry.outcome === 'lost' ? 1 : 0;
    sums.set(key, sum);
  }
  return [...sums.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => sum);
}

function groupOf(entry: LedgerEntry, group: UsageGroup): string | null {
  if (isTag(group)) return entry.tags?.[group.slice('tag:'.length)] ?? null;
  switch (group) {
    case 'day':
      return entry.time.slice(0, 10);
    case 'token':
      return entry.token_id;
    case 'model':
      return entry.model_accepted ? entry.model : unacceptedModel;
    default:
      return entry[group];
  }
}

function isTag(group: UsageGroup): group is `tag:${string}` {
  return group.startsWith('tag:');
}

describe.each(engines)('the totals are the sums of the entries ($name)', (engine) => {
  const on = useEngine(engine);
  const make = async (): Promise<Store> => {
    const under = await emptyAdmission(on, { running: true });
    await under.setEpoch('acme', 'e1');
    const { store, ledger } = under;
    const { incarnation } = await store.beat(process);
    return {
      reader: ledger,
      close: async (closings) => {
        const open = closings.map((closing) => ({ closing, request: asks([]) }));
        decided(
          await store.admit(
            process,
            open.map(({ request: asked }) => asked),
          ),
        );
        const settlements = open.map(({ closing, request: { grant } }) => {
          return { grant, incarnation, team: 'acme', adjustments: [], closing };
        });
        expect(await store.settle(process, settlements)).not.toContain(null);
      },
    };
  };

  it('for any requests, range, filters and groups', async () => {
    const property = fc.asyncProperty(
      fc.array(closedRequest, { maxLength: 80 }),
      fc.array(question, { minLength: 1, maxLength: 8 }),
      async (requests, questions) => {
        const store = await make();
        await store.close(requests.map(closingOf));
        const admin = new Harness();
        admin.reader = store.reader;
        for (const each of questions) {
          const [expected, told] = await answers(admin, each);
          expect(told).toEqual(expected);
        }
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });
});
