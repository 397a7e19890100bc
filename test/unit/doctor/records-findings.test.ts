import { describe, expect, it } from 'vitest';
import type { Finding } from '../../../src/doctor/finding.ts';
import type { RecordsFacts, ServerFacts } from '../../../src/doctor/records-facts.ts';
import {
  type RecordsContext,
  recordsFailure,
  recordsFindings,
} from '../../../src/doctor/records-findings.ts';
import { beforeRecords } from '../../../src/records/drain.ts';
import { RecordsUnavailable } from '../../../src/records/records-unavailable.ts';
import { StoreUnavailable } from '../../../src/store/store-unavailable.ts';
import type { Gap, RecordsStatus } from '../../../src/records/records-view.ts';

const nowMs = Date.UTC(2026, 10, 30, 12);
const agoAt = (ms: number): string => new Date(nowMs - ms).toISOString();
const server: ServerFacts = {
  version: '16.4',
  version_number: 160_004,
  is_follower: false,
  is_read_only: false,
  server_limit: 500,
  role_limit: 20,
  database_limit: -1,
  connections: 3,
  may_write: true,
};
const status: RecordsStatus = {
  state: 'on',
  problem: null,
  backlog: { entries: 0, refusals: 0, audit: 0, bytes: 0 },
  last_drain_at: agoAt(3_600_000),
  drained_to: null,
  oldest_entry_at: null,
  size_bytes: 12_000_000,
  gaps: [],
  audit_anchor: null,
};
const facts: RecordsFacts = { server, migrations: { missing: [], newer: [] }, status };
const context: RecordsContext = { processes: 1, alive: 1, backlogBytes: 8e6, nowMs };

function told(changed: Partial<RecordsFacts>, other: Partial<RecordsContext> = {}): string[] {
  return recordsFindings({ ...facts, ...changed }, { ...context, ...other })
    .filter(({ state }) => state !== 'ok')
    .map(({ check, state }) => `${check}: ${state}`);
}

const serverWith = (changed: Partial<ServerFacts>): Partial<RecordsFacts> => ({
  server: { ...server, ...changed },
});
const statusWith = (changed: Partial<RecordsStatus>): Partial<RecordsFacts> => ({
  status: { ...status, ...changed },
});
const waiting = { entries: 900, refusals: 0, audit: 0, bytes: 200_000 };
const gap: Gap = {
  stream: 'entries',
  found_at: agoAt(86_400_000),
  from: null,
  to: null,
  missing: 12,
  reason: 'It left the store before it was drained.',
};

describe('records', () => {
  it('in which nothing is wrong have no warnings, however long nothing happened', () => {
    expect(told({})).toEqual([]);
    expect(told({ status: null })).toEqual([]);
  });

  it.each<[string, Partial<RecordsFacts>, string]>([
    ['on a server that is too old', serverWith({ version_number: 130_011 }), 'records.server: problem'],
    ['on a follower', serverWith({ is_follower: true }), 'records.writable: problem'],
    ['on a server that is read-only', serverWith({ is_read_only: true }), 'records.writable: problem'],
    ['larger than their plan', serverWith({ may_write: false }), 'records.writable: problem'],
    ['whose tables come', { migrations: { missing: ['0002_tags'], newer: [] } }, 'records.tables: warning'],
    ['whose tables are newer', { migrations: { missing: [], newer: ['0009_x'] } }, 'records.tables: problem'],
    [
      'of another store',
      statusWith({ state: 'unreachable', problem: 'DATABASE_URL has the records of another store.' }),
      'records.status: problem',
    ],
    ['that are behind', statusWith({ backlog: waiting }), 'records.drain: problem'],
    [
      'that will soon have a gap',
      statusWith({ backlog: { ...waiting, bytes: 5e6 }, last_drain_at: agoAt(1_000) }),
      'records.backlog: problem',
    ],
    ['with a gap', statusWith({ gaps: [gap] }), 'records.gaps: warning'],
  ])('%s are told to be', (_what, changed, expected) => {
    expect(told(changed)).toEqual([expected]);
  });

  it('that are drained just now are not behind, and without a gateway nobody drains', () => {
    expect(told(statusWith({ backlog: waiting, last_drain_at: agoAt(1_000) }))).toEqual([]);
    expect(told(statusWith({ backlog: waiting }), { alive: 0 })).toEqual(['records.drain: warning']);
  });

  it('had no gap if it was long ago, or before they began', () => {
    const old = { ...gap, found_at: agoAt(8 * 86_400_000) };
    expect(told(statusWith({ gaps: [{ ...gap, reason: beforeRecords }, old] }))).toEqual([]);
  });

  it.each([
    // Two each, twice during a deploy, by the smallest of the limits.
    [5, {}, []],
    [6, {}, ['records.connections: problem']],
    [6, { role_limit: -1 }, []],
    [6, { role_limit: -1, database_limit: 20 }, ['records.connections: problem']],
    [5, { connections: 4 }, ['records.connections: problem']],
  ])('need connections for %d processes: %j', (processes, changed, expected) => {
    expect(told(serverWith(changed), { processes })).toEqual(expected);
  });
});

describe('Postgres that cannot be read', () => {
  const because = (message: string, sqlState: string | null = null): Finding =>
    recordsFailure(new RecordsUnavailable('Postgres …', { cause: new Error(message), sqlState }));

  it.each([
    ['timeout expired', null, /^Postgres does not answer: it hangs/],
    ['connect ECONNREFUSED 127.0.0.1:1', null, /^Postgres cannot be used: connect ECONNREFUSED/],
    ['password authentication failed', '28P01', /refuses the user or the password/],
    ['The server does not support SSL connections', null, /TLS/],
  ])('is told why: %s', (message, sqlState, says) => {
    const found = because(message, sqlState);
    expect(found.state).toBe('problem');
    expect(found.says).toMatch(says);
  });

  it('is not blamed for the store', () => {
    expect(recordsFailure(new StoreUnavailable('OOM'))).toMatchObject({
      check: 'records.status',
      state: 'warning',
    });
  });
});
