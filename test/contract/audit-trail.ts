import { beforeEach, expect, it } from 'vitest';
import { ChainCheck, type Verdict } from '../../src/audit/chain-check.ts';
import type { AdministratorStore } from '../../src/identity/store/administrator-store.ts';
import type { IdentityArchive } from '../../src/identity/store/identity-archive.ts';
import type { AuditEntry, AuditQuery } from '../../src/audit/audit.ts';
import type { AuditTrail } from '../../src/audit/audit-trail.ts';
import { actingAs } from '../../src/audit/context.ts';
import type { ClaimStore } from '../../src/claims/claim-store.ts';
import type { IdentityStore } from '../../src/identity/store/identity-store.ts';
import type { StoredEvent } from '../../src/base/event.ts';
import type { JsonObject } from '../../src/base/request.ts';
import type { SecretStore } from '../../src/identity/store/secret-store.ts';
import { expectEvent } from '../support/expect-event.ts';
import { administratorNamed } from './administrator-store.ts';

type Trail = Pick<AuditTrail, 'entries'>;

/** The stores that make changes, and the trail beside them. */
export interface AuditedStores {
  identities: IdentityStore;
  administrators: AdministratorStore;
  secrets: SecretStore;
  claims: ClaimStore;
  archive: IdentityArchive;
  audit: Trail;
  /** The events that were told. */
  events: () => Promise<StoredEvent[]>;
  /** What the log was told. */
  heads: { sequence: number; hash: string }[];
}

const secretHashes = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(43)) as [
  string,
  string,
  string,
  string,
];
const text = (record: object): string => JSON.stringify(record);
const team = { id: 'acme', name: null, limits: [{ id: 'l1', metric: 'concurrency', max: 3 }], models: null };
const user = { id: 'ana', team: 'acme' };
const token = { id: 'tok_1', team: 'acme', user: 'ana', prefix: 'tgk_AAAA', revoked_at: null };

/** Everything of a trail, newest first, read in small pages. */
export async function wholeTrail(
  audit: Trail,
  narrowed: Partial<AuditQuery> = {},
): Promise<(AuditEntry & JsonObject)[]> {
  const all: (AuditEntry & JsonObject)[] = [];
  let cursor: string | null = null;
  do {
    const page = await audit.entries({ limit: 7, ...narrowed, cursor });
    // Whether they can be read is what the caller looks at.
    all.push(...(page.data as unknown as (AuditEntry & JsonObject)[]));
    cursor = page.next_cursor;
  } while (cursor !== null);
  return all;
}

/** What verifying says of a trail. */
export async function verdictOn(audit: Trail, heads?: ReadonlyMap<number, string>): Promise<Verdict> {
  const check = new ChainCheck(heads);
  for (const entry of await wholeTrail(audit)) check.older(entry);
  return check.end();
}

/** What every trail does. `make` gives empty stores. */
export function auditTrailContract(make: () => Promise<AuditedStores>): void {
  let stores: AuditedStores;

  beforeEach(async () => {
    stores = await make();
  });

  const makeMembers = async (): Promise<void> => {
    const { identities } = stores;
    await identities.create({ kind: 'team', team: 'acme' }, text(team));
    await identities.create({ kind: 'user', team: 'acme', id: 'ana' }, text(user));
    await identities.create({ kind: 'token', team: 'acme', id: 'tok_1' }, text(token), {
      secretHash: secretHashes[0],
      user: 'ana',
    });
  };

  /** A change of every kind. */
  const changeEverything = async (): Promise<void> => {
    const { identities, administrators, secrets, claims, archive } = stores;
    await makeMembers();
    const key = { kind: 'token', team: 'acme', id: 'tok_1' } as const;
    await claims.put('code', { sealed: 'sealed', livesMs: 60_000, team: 'acme', tokenId: 'tok_1' });
    const rotated = {
      ...token,
      prefix: 'tgk_BBBB',
      secrets: [{ hash: secretHashes[1], prefix: 'tgk_BBBB' }],
    };
    const rotation = { expected: text(token), next: text(rotated), secretHash: secretHashes[1] };
    expect(await secrets.rotate({ kind: 'token', team: 'acme', id: 'tok_1' }, rotation)).toBe('replaced');
    const revoked = { ...rotated, revoked_at: '2026-01-01T00:00:00Z' };
    expect(await identities.replace(key, text(rotated), text(revoked))).toBe('replaced');
    expect(await identities.replace(key, text(revoked), null)).toBe('replaced');
    const [suspended, renamed] = [
      { ...team, suspended_at: '2026-01-01T00:00:00Z' },
      { ...team, name: 'Acme' },
    ];
    const place = { kind: 'team', team: 'acme' } as const;
    expect(await identities.replace(place, text(team), text(suspended))).toBe('replaced');
    expect(await identities.replace(place, text(suspended), text(team))).toBe('replaced');
    expect(await identities.replace(place, text(team), text(renamed))).toBe('replaced');
    expect(await identities.replaceSettings(null, text({ limits: [] }))).toBe('replaced');
    expect(await administrators.create(administratorNamed('adm_1'), secretHashes[2])).toBe('created');
    expect(await administrators.delete('adm_1')).toBe(true);
    const imported = {
      key: { kind: 'team', team: 'beta' } as const,
      found: null,
      next: { text: text({ id: 'beta' }), secrets: [] },
    };
    expect(await archive.commit({ changes: [imported] })).toBe('done');
    expect(await identities.deleteTeam('acme')).toBe(true);
  };

  it('has an entry for each change, numbered without a gap, and verifies', async () => {
    await changeEverything();
    const entries = await wholeTrail(stores.audit);
    expect(entries.map(({ operation }) => operation).toReversed()).toEqual([
      'team.create',
      'user.create',
      'token.issue',
      'claim.issue',
      'token.rotate',
      'token.revoke',
      'token.delete',
      'team.suspend',
      'team.resume',
      'team.change',
      'settings.change',
      'administrator.create',
      'administrator.delete',
      'import.write',
      'team.delete',
    ]);
    expect(entries.map(({ sequence }) => sequence)).toEqual(entries.map((_, n) => entries.length - n));
    const { flaw, head } = await verdictOn(
      stores.audit,
      new Map(stores.heads.map((told) => [told.sequence, told.hash])),
    );
    expect(flaw).toBeNull();
    expect(head).toEqual({ sequence: entries.length, hash: entries[0]?.['hash'] });
  });

  it('tells the events of changes with them, and none of what did not happen', async () => {
    await changeEverything();
    const told = (await stores.events()).map((event) => [event.type, event.team, expectEvent(event)]);
    const ofToken = { token: 'tok_1', user: 'ana', name: null, actor: 'unknown' };
    expect(told).toEqual([
      ['token.rotated', 'acme', ofToken],
      ['token.revoked', 'acme', { ...ofToken, because: null }],
      ['admin.created', null, expect.objectContaining({ admin: 'adm_1', actor: 'unknown' }) as unknown],
    ]);
    const { administrators } = stores;
    expect(await administrators.create(administratorNamed('adm_2'), secretHashes[2])).toBe('created');
    expect(await administrators.create(administratorNamed('adm_2'), secretHashes[3])).toBe('exists');
    expect(await stores.events()).toHaveLength(4);
  });

  it('tells the log each new head', async () => {
    await changeEverything();
    const entries = await wholeTrail(stores.audit);
    const told = stores.heads.map(({ sequence, hash }) => `${sequence} ${hash}`);
    expect(told).toEqual(entries.map(({ sequence, hash }) => `${sequence} ${hash as string}`).toReversed());
  });

  it('says who, from where, in which request, and when', async () => {
    const origin = { actor: 'adm_1', address: '203.0.113.9', requestId: 'request-1' };
    await actingAs(origin, makeMembers);
    const [entry] = await wholeTrail(stores.audit);
    expect(entry).toMatchObject({ actor: 'adm_1', address: '203.0.113.9', request_id: 'request-1' });
    expect(Math.abs(Date.parse(entry?.time ?? '') - Date.now())).toBeLessThan(60_000);
  });

  it('says what was before and after, without a secret, its hash, or the id of a counter', async () => {
    await changeEverything();
    const entries = await wholeTrail(stores.audit);
    const of = (operation: string): AuditEntry | undefined =>
      entries.find((entry) => entry.operation === operation);
    expect(of('team.create')).toMatchObject({
      kind: 'team',
      team: 'acme',
      id: 'acme',
      before: null,
      after: { id: 'acme', limits: [{ metric: 'concurrency', max: 3 }] },
    });
    expect(of('team.change')).toMatchObject({ before: { name: null }, after: { name: 'Acme' } });
    expect(of('token.revoke')).toMatchObject({
      before: { revoked_at: null },
      after: { revoked_at: '2026-01-01T00:00:00Z' },
    });
    expect(of('import.write')?.after).toMatchObject({ written: 1, records: [{ operation: 'team.create' }] });
    const all = JSON.stringify(entries);
    for (const hash of secretHashes) expect(all).not.toContain(hash);
    expect(all).not.toContain('sealed');
    expect(all).not.toContain('"l1"');
  });

  it('has nothing of what did not happen', async () => {
    await makeMembers();
    const before = await wholeTrail(stores.audit);
    const { identities, administrators, secrets, archive } = stores;
    const place = { kind: 'team', team: 'acme' } as const;
    expect(await identities.create(place, text(team))).toBe('exists');
    expect(await identities.create({ kind: 'user', team: 'gone', id: 'x' }, text(user))).toBe('no_team');
    expect(await identities.replace(place, 'something else', text(team))).toBe('conflict');
    expect(await identities.replace(place, 'something else', null)).toBe('conflict');
    expect(await identities.deleteTeam('gone')).toBe(false);
    expect(await identities.replaceSettings('{"a":1}', '{}')).toBe('conflict');
    expect(await administrators.delete('adm_9')).toBe(false);
    const rotation = { expected: 'something else', next: text(token), secretHash: secretHashes[3] };
    expect(await secrets.rotate({ kind: 'token', team: 'acme', id: 'tok_1' }, rotation)).toBe('conflict');
    const wrong = { key: place, found: { text: 'x', secrets: [] }, next: { text: text(team), secrets: [] } };
    expect(await archive.commit({ changes: [wrong] })).toBe('conflict');
    await archive.commit({ changes: [] });
    expect(await wholeTrail(stores.audit)).toEqual(before);
  });

  it('neither loses nor repeats a number when all change at once', async () => {
    const teams = Array.from({ length: 40 }, (_, n) => `team-${n}`);
    await Promise.all(
      teams.map((id) =>
        actingAs({ actor: id, address: null, requestId: null }, () =>
          stores.identities.create({ kind: 'team', team: id }, text({ id })),
        ),
      ),
    );
    const entries = await wholeTrail(stores.audit);
    expect(entries.map(({ sequence }) => sequence)).toEqual(teams.map((_, n) => teams.length - n));
    for (const { actor, team: of } of entries) expect(actor).toBe(of);
    expect((await verdictOn(stores.audit)).flaw).toBeNull();
  });

  it('is narrowed by team, actor, operation and time, as plain text', async () => {
    await changeEverything();
    await actingAs({ actor: 'a*%', address: null, requestId: null }, () =>
      stores.identities.create({ kind: 'team', team: 'other' }, text({ id: 'other' })),
    );
    const operations = async (query: Partial<AuditQuery>): Promise<string[]> =>
      (await wholeTrail(stores.audit, query)).map(({ operation }) => operation);
    expect(await operations({ team: 'other' })).toEqual(['team.create']);
    expect(await operations({ actor: 'a*%' })).toEqual(['team.create']);
    expect(await operations({ actor: '*' })).toEqual([]);
    expect(await operations({ operation: 'token.revoke' })).toEqual(['token.revoke']);
    expect(await operations({ operation: 'token.%' })).toEqual([]);
    expect(await operations({ beforeMs: Date.now() - 60_000 })).toEqual([]);
    expect(await operations({ fromMs: Date.now() - 60_000, limit: 3 })).toHaveLength(16);
  });
}
