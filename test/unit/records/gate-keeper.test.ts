import { afterEach, describe, expect, it } from 'vitest';
import type { Database } from '../../../src/records/database.ts';
import { DrainedStore } from '../../../src/records/drained-store.ts';
import { GateKeeper } from '../../../src/records/gate-keeper.ts';
import { Gate } from '../../../src/records/gate.ts';
import { RecordsUnavailable } from '../../../src/records/records-unavailable.ts';
import { keysUnder } from '../../../src/store/keys.ts';
import { scriptOf } from '../../../src/store/script.ts';
import type { Store } from '../../../src/store/store.ts';
import { AdmissionStore } from '../../../src/limits/admission-store.ts';
import { embeddedStore } from '../../support/embedded-store.ts';
import { waitFor } from '../../support/wait-for.ts';

/* Whether a store is served from, by what it has and what Postgres says. */

const keys = keysUnder('t:', { hasRecords: true });
const put = scriptOf('put', "return redis.call('HSET', KEYS[1], unpack(ARGV))");
const flush = scriptOf('flush', "return redis.call('DEL', unpack(KEYS))");

/** What Postgres says of its records, or that it does not answer. */
type Says = { store: string | null; mark: number } | 'away' | 'no tables';

const keepers: GateKeeper[] = [];
afterEach(() => {
  for (const keeper of keepers.splice(0)) keeper.stop();
});

function watched({ says, isOff = false }: { says: Says; isOff?: boolean }) {
  const store = embeddedStore(() => Date.now());
  const gate = new Gate();
  const told = { says, isOff, woken: 0, asked: 0 };
  const query = (sql: string): Promise<object[]> => {
    told.asked += 1;
    const { says: now } = told;
    if (now === 'away') return Promise.reject(new RecordsUnavailable('It does not answer.'));
    if (now === 'no tables')
      return Promise.reject(new RecordsUnavailable('No table.', { sqlState: '42P01' }));
    return Promise.resolve(sql.includes('checkpoints') ? [] : [now]);
  };
  const keeper = new GateKeeper({
    gate,
    store,
    keys,
    drained: new DrainedStore(store, keys),
    database: { query } as unknown as Database, // reads nothing else
    isOff: () => told.isOff,
    wake: () => (told.woken += 1),
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  keepers.push(keeper);
  return { store, gate, told, keeper };
}

const drainedTo = (store: Store, mark: number): Promise<unknown> =>
  store.run(put, [keys.records], ['store', 'a', 'mark', mark]);
const withTeam = (store: Store): Promise<unknown> => store.run(put, [keys.teams], ['acme', '{}']);
const beat = (store: Store): Promise<unknown> =>
  new AdmissionStore(store, keys, { leaseMs: 1_000, maxEntries: 1, retentionDays: 1 }).beat('p1');

describe('a gate', () => {
  it('opens if the store has what was drained last', async () => {
    const { store, gate, keeper } = watched({ says: { store: 'a', mark: 3 } });
    await drainedTo(store, 3);
    keeper.start();
    await gate.opened();
    await beat(store);
  });

  it('stays closed while the store lacks it, has it restored, and opens then', async () => {
    const { store, gate, told, keeper } = watched({ says: { store: 'a', mark: 3 } });
    keeper.start();
    await waitFor(() => told.woken > 0, { what: 'restoring to be asked for' });
    expect(gate.state.closed).toBe('forgotten');
    await drainedTo(store, 3);
    await gate.opened();
  });

  it('closes as soon as a script finds that the store has lost its data', async () => {
    const { store, gate, told, keeper } = watched({ says: { store: 'a', mark: 3 } });
    await drainedTo(store, 3);
    keeper.start();
    await gate.opened();
    await store.run(flush, [keys.records], []);
    await expect(beat(store)).rejects.toThrow('FORGOTTEN');
    expect(gate.state.closed).toBe('forgotten');
    await waitFor(() => told.woken > 0, { what: 'restoring to be asked for' });
  });

  it('waits for tables that are not made yet', async () => {
    const { store, gate, told, keeper } = watched({ says: 'no tables' });
    await drainedTo(store, 0);
    keeper.start();
    await waitFor(() => told.asked > 3, { what: 'some looks' });
    expect(gate.isOpen).toBe(false);
    told.says = { store: null, mark: 0 };
    await gate.opened();
  });

  it('opens without Postgres to a store that was drained', async () => {
    const { store, gate, keeper } = watched({ says: 'away' });
    await drainedTo(store, 3);
    keeper.start();
    await gate.opened();
  });

  it('opens without Postgres to a store in use that was never drained, which then takes processes', async () => {
    const { store, gate, keeper } = watched({ says: 'away' });
    await withTeam(store);
    keeper.start();
    await gate.opened();
    await beat(store);
  });

  it('stays closed without Postgres to an empty store, and to one that another process restores', async () => {
    const { store, gate, told, keeper } = watched({ says: 'away' });
    keeper.start();
    await waitFor(() => told.asked > 3, { what: 'some looks' });
    expect(gate.state.closed).toBe('no_records');
    await store.run(scriptOf('set', "return redis.call('SET', KEYS[1], 'x')"), [keys.restoring], []);
    await withTeam(store);
    const before = told.asked;
    await waitFor(() => told.asked > before + 3, { what: 'some looks' });
    expect(gate.isOpen).toBe(false);
    await expect(beat(store)).rejects.toThrow('FORGOTTEN');
  });

  it('stays closed without Postgres to a store that is older than it was', async () => {
    const { store, gate, told, keeper } = watched({ says: { store: 'a', mark: 3 } });
    await drainedTo(store, 3);
    keeper.start();
    await gate.opened();
    await drainedTo(store, 2);
    told.says = 'away';
    gate.note({ kind: 'doubt', why: 'unreachable' });
    const before = told.asked;
    await waitFor(() => told.asked > before + 3, { what: 'some looks' });
    expect(gate.state.closed).toBe('no_records');
    told.says = { store: 'a', mark: 2 };
    await gate.opened();
  });

  it('is open if Postgres cannot be used, whatever the store has, also once it is emptied', async () => {
    const { store, gate, keeper } = watched({ says: 'away', isOff: true });
    keeper.start();
    await gate.opened();
    await waitFor(() => beat(store), { what: 'the store to take a process' });
    await store.run(flush, [keys.records], []);
    await expect(beat(store)).rejects.toThrow('FORGOTTEN');
    await waitFor(() => beat(store), { what: 'the store to take a process' });
    expect(gate.isOpen).toBe(true);
  });
});
