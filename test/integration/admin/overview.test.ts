import { beforeEach, describe, expect, it } from 'vitest';
import { dayMs, dayOf } from '../../../src/base/days.ts';
import type { JsonObject } from '../../../src/base/request.ts';
import type { LedgerEntry } from '../../../src/ledger/entry.ts';
import { LedgerReader } from '../../../src/ledger/ledger-reader.ts';
import type { RefusedAs } from '../../../src/ledger/refusal-count.ts';
import { RefusalStore } from '../../../src/ledger/refusal-store.ts';
import { AdmissionStore } from '../../../src/limits/admission-store.ts';
import { closingOf, entryOf } from '../../contract/admission-store-samples.ts';
import { testKeys } from '../../support/embedded-store.ts';
import { bearer, errorOf, Harness, startMs } from './harness.ts';

/* An overview beside the reports that it sums up, on the embedded store. */

let admin: Harness;
const today = dayOf(startMs);
const before = (days: number): string => dayOf(startMs - days * dayMs);

beforeEach(async () => {
  admin = new Harness();
  admin.reader = new LedgerReader(admin.kept, testKeys);
  for (const team of ['acme', 'beta']) {
    await admin.call('POST', '/admin/teams', { id: team });
    await admin.call('POST', `/admin/teams/${team}/users`, { id: 'ana' });
  }
  await write();
  await refuse();
});

async function write(): Promise<void> {
  const store = new AdmissionStore(admin.kept, testKeys, {
    leaseMs: 1_000,
    maxEntries: 100,
    retentionDays: 60,
  });
  const entries: Partial<LedgerEntry>[] = [
    { time: `${today}T01:00:00.000Z`, cost_usd: 0.5 },
    { time: `${today}T02:00:00.000Z`, team: 'beta', model: 'nova-pro', outcome: 'lost' },
    { time: `${before(1)}T02:00:00.000Z`, user: 'bob', images: 2, outcome: 'error' },
    { time: `${before(6)}T00:00:00.000Z`, cache_read_tokens: 5, outcome: 'aborted' },
    { time: `${before(7)}T23:59:59.999Z`, user: 'cy' },
    { time: `${before(29)}T00:00:00.000Z` },
    { time: `${before(30)}T23:59:59.999Z` },
  ];
  const settlements = entries.map((entry, n) => {
    const closing = closingOf(entryOf(`e${n}`, entry));
    return { grant: `e${n}`, incarnation: 'earlier', team: 'acme', adjustments: [], closing };
  });
  await store.settle('p1', settlements);
}

async function refuse(): Promise<void> {
  const store = new RefusalStore(admin.kept, testKeys, { retentionDays: 60 });
  const nobody: RefusedAs = {
    team: null,
    user: null,
    token: null,
    endpoint: 'other',
    code: 'invalid_token',
    model: null,
    limit: null,
  };
  const ana: RefusedAs = { ...nobody, team: 'acme', user: 'ana', token: 'tok_1', code: 'insufficient_quota' };
  const counts = [
    { day: today, as: nobody, refused: 3, lastMs: startMs },
    { day: before(1), as: ana, refused: 4, lastMs: startMs - dayMs },
  ];
  await store.add({ process: 'p1', sequence: 1, counts });
}

async function get(path: string, token?: string): Promise<JsonObject> {
  const answer = await admin.call('GET', path, undefined, token === undefined ? {} : bearer(token));
  expect([path, answer.status]).toEqual([path, 200]);
  return answer.body;
}

async function administrator(body: object): Promise<string> {
  return (await admin.call('POST', '/admin/admins', body)).body['token'] as string;
}

async function rows(path: string, token?: string): Promise<JsonObject[]> {
  return (await get(path, token))['data'] as JsonObject[];
}

const withoutZeros = (list: unknown): JsonObject[] =>
  (list as JsonObject[]).filter((row) => row['requests'] !== 0 || row['refused'] !== 0);

/** What an overview has in common with the reports, and the same made of these. */
async function bothOf(period: string, token?: string): Promise<[overview: object, reports: object]> {
  const overview = await get(`/admin/overview?period=${period}`, token);
  const { from, to } = overview['period'] as { from: string; to: string };
  const report = (name: string, by: string): Promise<JsonObject[]> =>
    rows(`/admin/${name}?from=${from}&to=${to}${by && `&group_by=${by}`}`, token);
  const [[used] = [], byDay, byUser, byModel] = await Promise.all(
    ['', 'day', 'user', 'model'].map((by) => report('usage', by)),
  );
  const [[refused] = [], refusedByDay, byCode] = await Promise.all(
    ['', 'day', 'code'].map((by) => report('refusals', by)),
  );
  const refusedOn = new Map(refusedByDay?.map(({ day, refused: count }) => [day, count]));
  const days = new Set([...(byDay ?? []), ...(refusedByDay ?? [])].map(({ day }) => day as string));
  const zeros = Object.fromEntries(Object.keys(used ?? {}).map((name) => [name, 0]));
  const sorted = (list: unknown): string[] => (list as object[]).map((row) => JSON.stringify(row)).toSorted();
  const plain = (list: JsonObject[] = []): JsonObject[] =>
    list.map(({ code, refused: count }) => ({ code: code ?? null, refused: count ?? null }));
  return [
    {
      figures: overview['figures'],
      series: withoutZeros(overview['series']),
      users: sorted(overview['top_users']),
      models: sorted(overview['top_models']),
      refusals: sorted(overview['refusals']),
    },
    {
      figures: { ...used, refused: refused?.['refused'] },
      series: [...days].toSorted().map((day) => ({
        ...zeros,
        ...byDay?.find((row) => row['day'] === day),
        day,
        refused: refusedOn.get(day) ?? 0,
      })),
      users: sorted(byUser),
      models: sorted(byModel),
      refusals: sorted(plain(byCode)),
    },
  ];
}

describe('GET /admin/overview', () => {
  it.each(['today', '7d', '30d', 'month'])('of %s has the same numbers as the reports', async (period) => {
    const [overview, reports] = await bothOf(period);
    expect(overview).toEqual(reports);
    const limited = await administrator({ role: 'auditor', teams: ['beta'] });
    const [own, ownReports] = await bothOf(period, limited);
    expect(own).toEqual(ownReports);
  });

  it('is of today without a period, and of whole days, each of which is in its series', async () => {
    expect((await get('/admin/overview'))['period']).toEqual({ name: 'today', from: today, to: today });
    const { figures, series } = (await get('/admin/overview?period=7d')) as {
      figures: JsonObject;
      series: JsonObject[];
    };
    expect(series.map(({ day }) => day)).toEqual([6, 5, 4, 3, 2, 1, 0].map(before));
    expect(figures).toMatchObject({ requests: 4, lost: 1, errors: 1, aborted: 1, images: 2, refused: 7 });
    expect((await get('/admin/overview?period=30d'))['figures']).toMatchObject({ requests: 6 });
  });

  it('shows an administrator who is limited to teams what is of these teams, and nothing of the gateway', async () => {
    await admin.call('PATCH', '/admin/settings', { limits: [{ metric: 'concurrency', max: 3 }] });
    await admin.call('PATCH', '/admin/teams/acme', { limits: [{ metric: 'concurrency', max: 4 }] });
    await admin.call('PATCH', '/admin/teams/beta', { limits: [{ metric: 'concurrency', max: 5 }] });
    const token = await administrator({ role: 'team-admin', teams: ['beta'] });
    const shown = await get('/admin/overview', token);
    expect(shown).toMatchObject({ upstreams: null, store: null, records: null });
    expect(shown['figures']).toMatchObject({ requests: 1, refused: 0 });
    expect(shown['limits']).toMatchObject([{ team: 'beta', max: 5 }]);
    const whole = await get('/admin/overview');
    expect(whole['limits']).toMatchObject([{ max: 3 }, { max: 4 }, { max: 5 }]);
    expect(whole).toMatchObject({
      upstreams: [{ name: 'INFERENCE', model_id: 'm', circuit: 'closed' }],
      store: { kind: 'memory' },
      records: { state: 'off' },
    });
  });

  it('names the ten limits of which the greatest share is used', async () => {
    const limits = ['minute', 'hour', 'day', 'month'].map((window) => ({
      metric: 'requests',
      window,
      max: 100,
    }));
    await admin.call('PATCH', '/admin/settings', { limits });
    await admin.call('PATCH', '/admin/teams/beta', { limits });
    const none = { metric: 'cost_usd', window: 'day', max: 0 };
    const { body } = await admin.call('PATCH', '/admin/teams/acme', { limits: [...limits, none] });
    expect(body['limits']).toHaveLength(5);
    const shown = (await get('/admin/overview'))['limits'] as JsonObject[];
    expect(shown).toHaveLength(10);
    expect(shown[0]).toEqual({
      ...none,
      scope: 'team',
      team: 'acme',
      used: 0,
      remaining: 0,
      resets_at: `${dayOf(startMs + dayMs)}T00:00:00.000Z`,
    });
    expect(shown[1]).toMatchObject({ scope: 'gateway', team: null, max: 100, used: 0, remaining: 100 });
  });

  it('goes through the days of usage once, and through those of refusals once', async () => {
    let read = 0;
    const inStore = admin.reader;
    admin.reader = {
      maxDays: 400,
      usage: (query) => inStore.usage(query),
      refusals: (query) => inStore.refusals(query),
      entries: (query) => inStore.entries(query),
      groupedUsage: (query) => ((read += 1), inStore.groupedUsage(query)),
      groupedRefusals: (query) => ((read += 1), inStore.groupedRefusals(query)),
    };
    const all = await Promise.all([1, 2, 3].map(() => get('/admin/overview?period=30d')));
    expect(new Set(all.map((body) => JSON.stringify(body))).size).toBe(1);
    // Those who ask at once share a reading.
    expect(read).toBe(2);
  });

  it('400 for a period that there is not', async () => {
    const answer = await admin.call('GET', '/admin/overview?period=year');
    expect([answer.status, errorOf(answer)['param']]).toEqual([400, 'period']);
  });
});
