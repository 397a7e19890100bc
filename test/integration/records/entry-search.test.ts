import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { EntryQuery } from '../../../src/ledger/ledger.ts';
import { recordedEntries } from '../../../src/records/entry-search.ts';
import { useRecords } from '../../support/records.ts';

/* Pages of a Postgres in which the first window is so small that a search goes through many of them. */

const records = useRecords();
const startMs = Date.UTC(2026, 2, 28);
const hourMs = 3_600_000;

interface Made {
  id: string;
  closedMs: number;
  closedSeq: number;
  admittedMs: number;
  team: string;
  outcome: string;
}

/** Two a moment, at gaps of very different lengths, over the end of a month; some were admitted long before. */
const made = Array.from({ length: 240 }, (_, n): Made => {
  const closedMs = startMs + Math.floor(n / 2) ** 2 * 60_000;
  const tookMs = n % 7 === 0 ? 30 * hourMs : 1_000;
  return {
    id: `p1-${n}`,
    closedMs,
    closedSeq: n % 2,
    admittedMs: closedMs - tookMs,
    team: n < 20 ? 'early' : `team-${n % 5}`,
    outcome: n % 60 === 1 ? 'lost' : 'ok',
  };
});

beforeAll(async () => {
  await records().empty();
  const { database } = records();
  for (const [table, from, to] of [
    ['entries_2026_03', '2026-03-01', '2026-04-01'],
    ['entries_2026_04', '2026-04-01', '2026-05-01'],
  ]) {
    await database.query(
      `CREATE TABLE IF NOT EXISTS ${table} PARTITION OF entries FOR VALUES FROM ('${from}') TO ('${to}')`,
    );
  }
  await database.query(
    `INSERT INTO entries (admitted_at, id, closed_ms, closed_seq, team, outcome, status, model_accepted, stream, duration_ms,
       request_id, user_id, token, endpoint, model, usage)
     SELECT to_timestamp(admitted / 1000.0), id, closed, seq, team, outcome, 200, true, false, 5, 'r', 'u', 't', '/v1', 'm', 'reported'
     FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::int[], $5::text[], $6::text[])
       AS made (admitted, id, closed, seq, team, outcome)`,
    [
      made.map(({ admittedMs }) => admittedMs),
      made.map(({ id }) => id),
      made.map(({ closedMs }) => closedMs),
      made.map(({ closedSeq }) => closedSeq),
      made.map(({ team }) => team),
      made.map(({ outcome }) => outcome),
    ],
  );
});

const moment = fc.integer({ min: -2, max: 242 }).map((n) => startMs + Math.floor(n / 2) ** 2 * 60_000);
const query = fc.record({
  limit: fc.constantFrom(1, 4, 50, 300),
  cursor: fc.option(fc.constantFrom(...made.map(({ closedMs, closedSeq }) => `${closedMs}-${closedSeq}`))),
  team: fc.constantFrom(undefined, 'early', 'team-3', 'nobody'),
  outcome: fc.constantFrom(undefined, undefined, 'lost'),
  teams: fc.constantFrom(undefined, ['team-1', 'early'], []),
  fromMs: fc.option(moment, { nil: undefined }),
  beforeMs: fc.option(moment, { nil: undefined }),
});

/** What passes, found by looking at everything. */
function expectedOf({ cursor, limit, filters, teams, admitted }: EntryQuery): string[] {
  const before = made.findIndex(({ closedMs, closedSeq }) => `${closedMs}-${closedSeq}` === cursor);
  return made
    .slice(0, before === -1 ? undefined : before)
    .toReversed()
    .filter(
      ({ team, outcome, admittedMs }) =>
        (filters.team ?? team) === team &&
        (filters.outcome ?? outcome) === outcome &&
        (teams ?? [team]).includes(team) &&
        admittedMs >= (admitted?.fromMs ?? -Infinity) &&
        admittedMs < (admitted?.beforeMs ?? Infinity),
    )
    .slice(0, limit)
    .map(({ id }) => id);
}

describe('a page of recorded entries', () => {
  it.each([1, 3, 5_000])('is found whatever the first window has: %d entries', async (firstWindowRows) => {
    const property = fc.asyncProperty(
      query,
      async ({ limit, cursor, teams, fromMs, beforeMs, ...filters }) => {
        const given = Object.entries(filters).filter(([, wanted]) => wanted !== undefined);
        const asked: EntryQuery = {
          limit,
          cursor,
          filters: Object.fromEntries(given),
          ...(teams === undefined ? {} : { teams }),
          ...(fromMs === undefined && beforeMs === undefined ? {} : { admitted: { fromMs, beforeMs } }),
        };
        const found = await recordedEntries(records().database, asked, { firstWindowRows });
        expect(found.map(({ row }) => row.id)).toEqual(expectedOf(asked));
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });

  it('begins after any cursor that a caller may send', async () => {
    const cursor = `${startMs}-999999999999999`;
    const found = await recordedEntries(records().database, { cursor, limit: 5, filters: {} });
    expect(found.map(({ row }) => row.id)).toEqual(['p1-1', 'p1-0']);
  });
});
