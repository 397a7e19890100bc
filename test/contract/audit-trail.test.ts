import { describe, expect, it } from 'vitest';
import { within } from '../support/wait-for.ts';
import { useRecords } from '../support/records.ts';
import type { AuditQuery } from '../../src/audit/audit.ts';
import { AuditTrail } from '../../src/audit/audit-trail.ts';
import { AdministratorStore } from '../../src/identity/store/administrator-store.ts';
import { IdentityArchive } from '../../src/identity/store/identity-archive.ts';
import { IdentityStore } from '../../src/identity/store/identity-store.ts';
import { SecretStore } from '../../src/identity/store/secret-store.ts';
import { ClaimStore } from '../../src/claims/claim-store.ts';
import { Outbox } from '../../src/events/outbox.ts';
import { systemClock } from '../../src/base/clock.ts';
import { keysUnder } from '../../src/store/keys.ts';
import { RedisStore } from '../../src/store/redis.ts';
import type { Store } from '../../src/store/store.ts';
import { StoreUnavailable } from '../../src/store/store-unavailable.ts';
import { engines, servers, useEngine, useServer } from './engines.ts';
import { administratorNamed } from './administrator-store.ts';
import { auditTrailContract, verdictOn, wholeTrail, type AuditedStores } from './audit-trail.ts';

type Heads = AuditedStores['heads'];

function logInto(heads: Heads): { info: (told: string, fields?: object) => void } {
  return { info: (_told, fields) => heads.push(fields as Heads[number]) };
}

const keys = keysUnder('t:');

/** The stores of one process. */
function storesOn(store: Store): AuditedStores & { audit: AuditTrail } {
  const heads: Heads = [];
  const audit = new AuditTrail(store, keys, { log: logInto(heads), clock: systemClock });
  return {
    identities: new IdentityStore(store, keys, audit),
    administrators: new AdministratorStore(store, keys, audit),
    secrets: new SecretStore(store, keys, audit),
    claims: new ClaimStore(store, keys, audit),
    archive: new IdentityArchive(store, keys, audit),
    audit,
    events: () => new Outbox(store, keys).after('0-0', 1_000),
    heads,
  };
}

describe.each(engines)('the audit trail ($name)', (engine) => {
  const on = useEngine(engine);
  auditTrailContract(async () => storesOn(await on.empty()));
});

describe.each(engines)('the audit trail in Postgres ($name)', (engine) => {
  const on = useEngine(engine);
  const records = useRecords();
  auditTrailContract(async () => {
    const [store] = await Promise.all([on.empty(), records().empty()]);
    const { audit } = records().readers(store, keys);
    const entries = async (query: AuditQuery) => {
      await records().drain(store, keys);
      await records().trim(store, keys, 'audit');
      return audit.entries(query);
    };
    return { ...storesOn(store), audit: { entries } };
  });
});

describe.each(servers)('the audit trail on a server ($name)', (engine) => {
  const on = useServer(engine);
  const empty = async (): Promise<ReturnType<typeof storesOn>> => storesOn(await on.empty());

  async function connected(commandTimeoutMs = 5_000): Promise<RedisStore> {
    const store = new RedisStore({ url: on.server.url, verifyTls: false, commandTimeoutMs });
    store.connect();
    await store.whenReady(5_000);
    return store;
  }

  it('is one chain, whichever process changes what', async () => {
    await empty();
    const connections = await Promise.all(Array.from({ length: 4 }, () => connected()));
    const processes = connections.map(storesOn);
    const perProcess = 25;
    try {
      await Promise.all(
        processes.flatMap(({ identities }, process) =>
          Array.from({ length: perProcess }, async (_, n) => {
            const id = `team-${process}-${n}`;
            expect(await identities.create({ kind: 'team', team: id }, JSON.stringify({ id }))).toBe(
              'created',
            );
            if (n % 5 === 0) expect(await identities.deleteTeam(id)).toBe(true);
          }),
        ),
      );
      const count = processes.length * perProcess * 1.2;
      const entries = await wholeTrail(storesOn(on.redis).audit);
      expect(entries.map(({ sequence }) => sequence)).toEqual(
        Array.from({ length: count }, (_, n) => count - n),
      );
      const told = new Map(
        processes.flatMap(({ heads }) => heads.map(({ sequence, hash }) => [sequence, hash])),
      );
      expect(told.size).toBe(count);
      expect(await verdictOn(storesOn(on.redis).audit, told)).toMatchObject({ heads: count, flaw: null });
    } finally {
      for (const connection of connections) connection.close();
    }
  });

  it('tells the log of a head that another process made and did not tell', async () => {
    const first = await empty();
    await first.identities.create({ kind: 'team', team: 'acme' }, '{}');
    const second = storesOn(on.redis);
    await second.audit.head();
    await second.audit.head();
    expect(second.heads).toEqual(first.heads);
  });

  it('when full still ends things, with their entries, and makes nothing, without one', async () => {
    const { identities, administrators, audit } = await empty();
    await identities.create({ kind: 'team', team: 'acme' }, '{"id":"acme"}');
    await identities.create({ kind: 'user', team: 'acme', id: 'ana' }, '{"id":"ana"}');
    const key = { kind: 'token', team: 'acme', id: 'tok_1' } as const;
    await identities.create(key, '{"id":"tok_1","user":"ana"}', { secretHash: 'a'.repeat(43), user: 'ana' });
    await administrators.create(administratorNamed('adm_1'), 'b'.repeat(43));
    await on.server.command('CONFIG', 'SET', 'maxmemory', '1');
    try {
      const made = identities.create({ kind: 'team', team: 'beta' }, '{}');
      await expect(made).rejects.toBeInstanceOf(StoreUnavailable);
      const revoked = '{"id":"tok_1","user":"ana","revoked_at":"2026-01-01T00:00:00Z"}';
      expect(await identities.replace(key, '{"id":"tok_1","user":"ana"}', revoked)).toBe('replaced');
      expect(await identities.replace({ kind: 'user', team: 'acme', id: 'ana' }, '{"id":"ana"}', null)).toBe(
        'replaced',
      );
      expect(await administrators.delete('adm_1')).toBe(true);
      expect(await identities.deleteTeam('acme')).toBe(true);
      const operations = (await wholeTrail(audit)).map(({ operation }) => operation);
      expect(operations.slice(0, 4)).toEqual([
        'team.delete',
        'administrator.delete',
        'user.delete',
        'token.revoke',
      ]);
      expect(operations).toHaveLength(8);
      expect((await verdictOn(audit)).flaw).toBeNull();
    } finally {
      await on.server.command('CONFIG', 'SET', 'maxmemory', '0');
    }
  });

  it('keeps nobody waiting for ever on a store that hangs', async () => {
    await empty();
    const impatient = await connected(100);
    const { identities } = storesOn(impatient);
    on.server.pause();
    try {
      const changes = Array.from({ length: 100 }, (_, n) =>
        identities.create({ kind: 'team', team: `team-${n}` }, '{}'),
      );
      const ends = await within(Promise.allSettled(changes), 60_000, 'every change to be given up');
      expect(ends.map(({ status }) => status)).toEqual(changes.map(() => 'rejected'));
    } finally {
      on.server.resume();
      impatient.close();
    }
  });
});
