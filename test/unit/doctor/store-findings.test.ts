import { describe, expect, it } from 'vitest';
import type { Finding } from '../../../src/doctor/finding.ts';
import { unreached } from '../../../src/doctor/reach-store.ts';
import type { StoreFacts } from '../../../src/doctor/store-facts.ts';
import { type StoreContext, storeFindings } from '../../../src/doctor/store-findings.ts';

const facts: StoreFacts = {
  server: 'Valkey',
  version: '8.1.0',
  answersInMs: 1.2,
  aheadMs: 40,
  condition: { persists: true, evicts: false, policy: 'noeviction' },
  memory: { usedBytes: 2_000_000, maxBytes: 50_000_000 },
  clients: { now: 3, max: 40 },
  isReplica: false,
  isCluster: false,
  processes: 2,
};
const records = { url: 'postgres://h/d', tls: null, retentionDays: 400, backlogBytes: 8_388_608 };
const context: StoreContext = {
  settings: { keptAnswerBytes: 2_097_152, responsesStoreBytes: 0, ledgerMaxEntries: 10_000, records: null },
  url: 'rediss://:secret@store.example:6380',
  verifyTls: false,
  hasIdentityFile: false,
  processes: 2,
};

function told(
  changed: Partial<StoreFacts>,
  other: Partial<StoreContext> = {},
): Pick<Finding, 'check' | 'state'>[] {
  return storeFindings({ ...facts, ...changed }, { ...context, ...other })
    .filter(({ state }) => state !== 'ok')
    .map(({ check, state }) => ({ check, state }));
}

const lossy = { condition: { persists: false, evicts: false, policy: 'noeviction' } };
const withRecords = { settings: { ...context.settings, records } };

describe('a store', () => {
  it('in which nothing is wrong has no warnings', () => {
    expect(told({})).toEqual([]);
  });

  it.each<[string, Partial<StoreFacts>, Partial<StoreContext>, Finding['check'], Finding['state']]>([
    ['is too old', { server: 'Redis', version: '6.2.14' }, {}, 'store.server', 'problem'],
    ['is far away', { answersInMs: 80 }, {}, 'store.server', 'warning'],
    ['is a replica', { isReplica: true }, {}, 'store.primary', 'problem'],
    ['is a cluster', { isCluster: true }, {}, 'store.primary', 'problem'],
    ['runs no scripts', { processes: { refused: 'NOPERM' } }, {}, 'store.scripts', 'problem'],
    [
      'may evict',
      { condition: { persists: true, evicts: true, policy: 'allkeys-lru' } },
      {},
      'store.eviction',
      'problem',
    ],
    [
      'does not tell what it evicts',
      { condition: { persists: true, evicts: null, policy: null } },
      {},
      'store.eviction',
      'warning',
    ],
    ['does not persist', lossy, {}, 'store.persistence', 'problem'],
    [
      'does not persist, beside IDENTITY_FILE',
      lossy,
      { hasIdentityFile: true },
      'store.persistence',
      'warning',
    ],
    [
      'does not tell whether it persists',
      { condition: { persists: null, evicts: false, policy: 'noeviction' } },
      {},
      'store.persistence',
      'warning',
    ],
    ['fills', { memory: { usedBytes: 41e6, maxBytes: 50e6 } }, {}, 'store.memory', 'warning'],
    ['is nearly full', { memory: { usedBytes: 48e6, maxBytes: 50e6 } }, {}, 'store.memory', 'problem'],
    ['has no TLS', {}, { url: 'redis://store.example' }, 'store.tls', 'warning'],
    ['has a clock behind', { aheadMs: -5_000 }, {}, 'clock', 'warning'],
    ['has a clock far ahead', { aheadMs: 60_000 }, {}, 'clock', 'problem'],
  ])('that %s is told to, and nothing else', (_what, changed, other, check, state) => {
    expect(told(changed, other)).toEqual([{ check, state }]);
  });

  it('that does not persist is no trouble if Postgres has what must last', () => {
    expect(told(lossy, withRecords)).toEqual([]);
  });

  it('without TLS is no trouble on this machine', () => {
    expect(told({}, { url: 'redis://127.0.0.1:6379' })).toEqual([]);
  });

  it('whose clock seems off only because the answer took long is not told of', () => {
    const [clock] = storeFindings({ ...facts, aheadMs: 2_500, answersInMs: 2_000 }, context).slice(-1);
    expect(clock).toMatchObject({ check: 'clock', state: 'ok' });
  });

  it.each([
    // 2 alive, this one, and 17 of others: 20 of 40 are for a deploy of 10 processes.
    [{ now: 20, max: 37 }, 10, []],
    [{ now: 20, max: 36 }, 10, [{ check: 'store.connections', state: 'problem' }]],
    [{ now: null, max: null }, 1_000, []],
  ])('with clients %j must have room for a deploy of %d processes', (clients, processes, expected) => {
    expect(told({ clients }, { processes })).toEqual(expected);
  });

  it('must have room for more than the bounds that are set', () => {
    const budget = [{ check: 'store.budget', state: 'warning' }];
    const memory = { usedBytes: 2e6, maxBytes: 25e6 };
    expect(told({ memory }, withRecords)).toEqual([]);
    const settings = { ...withRecords.settings, responsesStoreBytes: 8_000_000 };
    expect(told({ memory }, { settings })).toEqual(budget);
  });
});

describe('a store that cannot be reached', () => {
  it.each([
    [null, /does not answer within 4 s: it hangs/, /redis:info/],
    ['Command timed out', /hangs/, /redis:info/],
    ['connect ECONNREFUSED 10.0.0.1:6379', /ECONNREFUSED/, /REDIS_URL/],
    ['self-signed certificate', /certificate/, /REDIS_TLS_VERIFY/],
    ['it has as many clients as it allows (maxclients)', /maxclients/, /#connections/],
    ['WRONGPASS invalid username-password pair', /WRONGPASS/, /credentials/],
  ])('because of "%s" is told with what to do', (reason, says, remedy) => {
    expect(unreached(reason, 4_000)).toMatchObject({
      state: 'problem',
      says: expect.stringMatching(says) as string,
      remedy: expect.stringMatching(remedy) as string,
    });
  });
});
