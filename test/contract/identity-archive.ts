import { beforeEach, describe, expect, it } from 'vitest';
import { Backup } from '../../src/backup/backup.ts';
import { loadIdentityFile } from '../../src/backup/identity-file.ts';
import { readDocument } from '../../src/backup/read-document.ts';
import type { IdentityArchive } from '../../src/identity/store/identity-archive.ts';
import type { Administrator } from '../../src/identity/records/administrator.ts';
import type { AdministratorStore } from '../../src/identity/store/administrator-store.ts';
import { systemClock } from '../../src/base/clock.ts';
import type { RecordKey, Token } from '../../src/identity/records/identity.ts';
import type { IdentityStore } from '../../src/identity/store/identity-store.ts';
import type { WebhookStore } from '../../src/identity/store/webhook-store.ts';
import { Refusal } from '../../src/base/refusal.ts';
import type { JsonObject } from '../../src/base/request.ts';
import { documentOf, hashOf, largeDocument, teamRow, tokenRow, userRow } from '../support/documents.ts';
import { canaryPath, canarySecret, webhookRecord } from '../support/webhooks.ts';
import { identityBehind } from '../support/identity-behind.ts';

export interface Stores {
  identities: IdentityStore;
  administrators: AdministratorStore;
  archive: IdentityArchive;
  webhooks: WebhookStore;
  /** The epoch of the prices. */
  pricesEpoch: () => Promise<string | null>;
}

const acme: RecordKey = { kind: 'team', team: 'acme' };
const ana: RecordKey = { kind: 'user', team: 'acme', id: 'ana' };
const tok: RecordKey = { kind: 'token', team: 'acme', id: 'tok_1' };
const at = '2026-01-31T13:00:00.000Z';

/** What every archive does, and export and import on it. `make` gives empty stores. */
export function identityArchiveContract(make: () => Promise<Stores>): void {
  let identities: IdentityStore;
  let administrators: AdministratorStore;
  let archive: IdentityArchive;
  let webhooks: WebhookStore;
  let backup: Backup;
  let pricesEpochNow: Stores['pricesEpoch'];

  beforeEach(async () => {
    ({ identities, administrators, archive, webhooks, pricesEpoch: pricesEpochNow } = await make());
    backup = new Backup({ archive, clock: systemClock });
  });

  const bring = (document: JsonObject, overwrite = false): Promise<JsonObject | Refusal> =>
    backup.import(JSON.stringify(document), { overwrite });

  /** What a repeat must leave as it is. */
  async function everything(): Promise<JsonObject> {
    const { exported_at: _at, ...rest } = (await backup.export(null)) as JsonObject;
    return rest;
  }

  async function change(key: RecordKey, more: object): Promise<void> {
    const text = (await identities.read(key)) ?? '';
    await identities.replace(key, text, JSON.stringify({ ...(JSON.parse(text) as object), ...more }));
  }

  async function epochOf(secret: string): Promise<string | undefined> {
    return (await identityBehind(identities, secret))?.epoch;
  }

  async function load(document: JsonObject): Promise<string[]> {
    const read = await readDocument(JSON.stringify(document));
    if (read instanceof Refusal) throw new Error(read.message);
    const said: string[] = [];
    const write = (message: string): void => void said.push(message);
    await loadIdentityFile({ document: read, archive, log: { info: write, warn: write, error: write } });
    return said;
  }

  describe('commit', () => {
    const created = { key: acme, found: null, next: { text: '{"id":"acme"}', secrets: [] } };

    it('makes all changes, or none where anything is not as it was found', async () => {
      expect(await archive.commit({ changes: [created] })).toBe('done');
      const user = { key: ana, found: null, next: { text: '{}', secrets: [] } };
      expect(await archive.commit({ changes: [user, created] })).toBe('conflict');
      const other = { key: acme, found: { text: '{"id":"else"}', secrets: [] }, next: null };
      expect(await archive.commit({ changes: [user, other] })).toBe('conflict');
      expect(await identities.read(ana)).toBeNull();
      const same = { key: acme, found: { text: '{"id":"acme"}', secrets: [] }, next: null };
      expect(await archive.commit({ changes: [user, same] })).toBe('done');
      expect(await identities.read(ana)).toBe('{}');
    });

    it('is a conflict where a secret is not as it was found, or is another token’s', async () => {
      await bring(documentOf());
      const text = (await identities.read(tok)) ?? '';
      const next = { text, secrets: [hashOf('tok_1')] };
      expect(await archive.commit({ changes: [{ key: tok, found: { text, secrets: [] }, next }] })).toBe(
        'conflict',
      );
      const other: RecordKey = { kind: 'token', team: 'acme', id: 'tok_2' };
      expect(await archive.commit({ changes: [{ key: other, found: null, next }] })).toBe('conflict');
    });

    it('is a conflict where a team is not at the epoch it was read at', async () => {
      const user = { key: ana, found: null, next: { text: '{}', secrets: [] } };
      const commitAt = (epoch: string) =>
        archive.commit({ changes: [user], epochs: new Map([['acme', epoch]]) });
      expect(await archive.commit({ changes: [created], epochs: new Map([['acme', '']]) })).toBe('done');
      const { epoch = '' } = (await archive.team('acme')) ?? {};
      expect([await commitAt(''), await commitAt(`${epoch}x`), await commitAt(epoch)]).toEqual([
        'conflict',
        'conflict',
        'done',
      ]);
      expect(await archive.commit({ changes: [user], epochs: new Map([['acme', epoch]]) })).toBe('conflict');
    });

    it('moves the epochs of the teams it changes, and of no others', async () => {
      const users = [userRow('ana'), userRow('bob', { team: 'beta' })];
      const tokens = [tokenRow('tok_1'), tokenRow('tok_2', { team: 'beta', user: 'bob' })];
      await bring(documentOf({ teams: [teamRow('acme'), teamRow('beta')], users, tokens }));
      const before = [await epochOf(hashOf('tok_1')), await epochOf(hashOf('tok_2'))];
      await bring(
        documentOf({ teams: [teamRow('acme'), teamRow('beta', { name: 'B' })], users, tokens }, {}),
        true,
      );
      expect(await epochOf(hashOf('tok_1'))).toBe(before[0]);
      expect(await epochOf(hashOf('tok_2'))).not.toBe(before[1]);
    });

    it('remembers what it is told to, if that is still what was found', async () => {
      expect(await archive.provenance()).toEqual({ store: null, seen: '' });
      expect(await archive.commit({ changes: [], seen: { found: 'x', next: 'y' } })).toBe('conflict');
      expect(await archive.commit({ changes: [], seen: { found: '', next: 'one' } })).toBe('done');
      expect(await archive.commit({ changes: [created], seen: { found: '', next: 'two' } })).toBe('conflict');
      expect(await archive.provenance()).toEqual({ store: null, seen: 'one' });
      expect(await identities.read(acme)).toBeNull();
    });
  });

  it('has one name, from the first time it is asked', async () => {
    const name = await archive.storeName();
    expect(name).toMatch(/^[A-Za-z0-9_-]{16}$/);
    expect(await archive.storeName()).toBe(name);
    expect(await archive.provenance()).toEqual({ store: name, seen: '' });
  });

  describe('an export', () => {
    it('has every record, the hashes of secrets, and nothing else', async () => {
      const limits = [{ id: 'l1', metric: 'tokens', window: 'day', max: 2 ** 53 - 1, models: ['m'] }];
      const document = documentOf({
        teams: [teamRow('acme', { limits, name: 'Ünïcode "quoted" \\ 😀' }), teamRow('beta')],
        users: [userRow('ana'), userRow('bob', { team: 'beta' })],
        tokens: [tokenRow('tok_1', { revoked_at: at }), tokenRow('tok_2', { team: 'beta', user: 'bob' })],
      });
      await bring(document);
      const { exported_at: _at, ...rows } = document;
      expect(await everything()).toEqual({
        ...rows,
        settings: [],
        admins: [],
        prices: [],
        webhooks: [],
        store: await archive.storeName(),
      });
    });

    it('has the administrators, who come back with their secrets; a file brings none', async () => {
      const auditor: Administrator = {
        id: 'adm_1',
        name: 'Ana',
        role: 'auditor',
        teams: ['acme'],
        prefix: 'tga_12345678',
        expires_at: null,
        created_at: at,
      };
      const hash = 'h'.repeat(43);
      await administrators.create(auditor, hash);
      const before = await everything();
      expect(before['admins']).toEqual([{ ...auditor, secret_hashes: [hash] }]);
      await administrators.delete('adm_1');
      const document = { ...before, exported_at: at };
      // From another store: what this one has exported itself, a file does not bring back.
      await load({ ...document, store: null });
      expect(await administrators.list()).toEqual([]);

      expect(await bring(document)).toMatchObject({ created: 1 });
      expect((await administrators.resolve(hash)).administrator).toEqual(auditor);
      expect(await bring(document)).toMatchObject({ unchanged: 1 });
      const wider = {
        ...document,
        admins: [{ ...auditor, role: 'admin', teams: null, secret_hashes: [hash] }],
      };
      expect(await bring(wider)).toMatchObject({ kept: 1 });
      expect((await administrators.resolve(hash)).administrator?.role).toBe('auditor');
      expect(
        await bring({ ...document, admins: [{ ...auditor, role: 'root', secret_hashes: [hash] }] }),
      ).toBeInstanceOf(Refusal);
    });

    it('has the settings, which come back with the names of their limits, and move every epoch', async () => {
      const settings = [
        {
          limits: [{ id: '@/one', metric: 'cost_usd', window: 'month', max: 500.5 }],
          defaults: { team: [], user: [], token: [{ metric: 'requests', window: 'day', max: 5 }] },
        },
      ];
      await bring(documentOf());
      const epoch = await epochOf(hashOf('tok_1'));
      expect(await bring(documentOf({}, { settings }))).toMatchObject({ created: 1, unchanged: 3 });
      expect((await identityBehind(identities, hashOf('tok_1')))?.gateway).toEqual(settings[0]?.limits);
      expect(await epochOf(hashOf('tok_1'))).not.toBe(epoch);
      expect((await everything())['settings']).toEqual(settings);
      expect(await bring(documentOf({}, { settings }))).toMatchObject({ unchanged: 4 });
      const other = [{ limits: [], defaults: { team: [], user: [], token: [] } }];
      expect(await bring(documentOf({}, { settings: other }))).toMatchObject({ kept: 1 });
      expect(await bring(documentOf({}, { settings: other }), true)).toMatchObject({ overwritten: 1 });
      const two = [...settings, ...other];
      expect(await bring(documentOf({}, { settings: two }))).toMatchObject({ code: 'invalid_body' });
      const unnamed = [
        { ...settings[0], limits: [{ id: 'one', metric: 'concurrency', max: 1 }] },
      ] as JsonObject[];
      expect(await bring(documentOf({}, { settings: unnamed }))).toMatchObject({
        details: { param: 'settings.0.limits.0.id' },
      });
    });

    it('has the prices that were set, which come back, and move the epoch by which processes notice', async () => {
      const prices = [{ id: 'a/model:1', prices: [{ from: at, usd_per_image: 0.25 }] }];
      await bring(documentOf());
      const epoch = await epochOf(hashOf('tok_1'));
      expect(await bring(documentOf({}, { prices }))).toMatchObject({ created: 1, unchanged: 3 });
      expect((await everything())['prices']).toEqual(prices);
      expect((await archive.gateway()).prices.map((text) => JSON.parse(text) as unknown)).toEqual(prices);
      expect(await pricesEpochNow()).toMatch(/^.{16}$/);
      // No team is read again because of a price.
      expect(await epochOf(hashOf('tok_1'))).toBe(epoch);
      const other = [{ id: 'a/model:1', prices: [{ from: at, usd_per_image: 0.5 }] }];
      expect(await bring(documentOf({}, { prices: other }))).toMatchObject({ kept: 1 });
      expect(await bring(documentOf({}, { prices: other }), true)).toMatchObject({ overwritten: 1 });
      const wrong = [{ id: 'm', prices: [{ from: at, usd_per_image: -1 }] }];
      expect(await bring(documentOf({}, { prices: wrong }))).toMatchObject({
        details: { param: 'prices.0.prices.0.usd_per_image' },
      });
    });

    it('has the webhooks without what signs and without the rest of their addresses, which an import does not replace', async () => {
      const [own, ofTeam] = [webhookRecord(), webhookRecord({ id: 'wh_000000000002', team: 'acme' })];
      await bring(documentOf());
      for (const each of [own, ofTeam]) await webhooks.create(each, 5);
      const document = (await backup.export(null)) as JsonObject;
      const text = JSON.stringify(document);
      expect(text).not.toContain(canarySecret);
      expect(text).not.toContain(canaryPath);
      expect(document['webhooks']).toMatchObject([
        { id: own.id, url: 'https://hooks.example.com', disabled_at: own.created_at },
        { id: ofTeam.id, team: 'acme' },
      ]);
      for (const overwrite of [false, true]) {
        expect(await bring(document, overwrite)).toMatchObject({ created: 0, unchanged: 5 });
        expect(await webhooks.all()).toEqual([own, ofTeam]);
      }
      const renamed = {
        ...document,
        webhooks: [{ ...(document['webhooks'] as JsonObject[])[0], name: 'new' }],
      };
      expect(await bring(renamed)).toMatchObject({ kept: 1 });
      expect(await bring(renamed, true)).toMatchObject({ overwritten: 1 });
      expect(await webhooks.all()).toEqual([{ ...own, name: 'new' }, ofTeam]);
      await identities.deleteTeam('acme');
      const key = { id: own.id, team: null };
      await webhooks.replace(key, { expected: (await webhooks.read(own.id)) ?? '', next: null });
      expect(await bring(document)).toMatchObject({ created: 5 });
      expect(await webhooks.all()).toMatchObject([
        { id: own.id, secrets: [], disabled_because: expect.stringContaining('rotate its secret') as string },
        { id: ofTeam.id, team: 'acme', secrets: [] },
      ]);
    });

    it('is refused with webhooks of a team it does not have, with secrets, or with one that could not sign', async () => {
      const { secrets, ...row } = webhookRecord({ disabled_at: at, disabled_because: 'Imported.' });
      const refused = async (wrong: JsonObject): Promise<unknown> =>
        bring(documentOf({}, { webhooks: [wrong] }));
      expect(await refused({ ...row, team: 'gone' })).toMatchObject({
        details: { param: 'webhooks.0.team' },
      });
      expect(await refused({ ...row, secrets })).toMatchObject({ details: { param: 'webhooks.0.secrets' } });
      expect(await refused({ ...row, disabled_at: null })).toMatchObject({
        details: { param: 'webhooks.0.disabled_at' },
      });
      const chat = { ...row, format: 'slack', disabled_at: null, disabled_because: null };
      expect(await refused(chat)).toMatchObject({ created: 4 });
    });

    it('of one team has that alone; of a team there is not, a 404', async () => {
      await bring(documentOf({ teams: [teamRow('acme'), teamRow('beta')] }));
      expect(await backup.export('beta')).toMatchObject({ teams: [{ id: 'beta' }], users: [], tokens: [] });
      expect(await backup.export('gone')).toMatchObject({ code: 'not_found' });
    });

    it('of nothing is a document all the same', async () => {
      expect(await everything()).toMatchObject({ tollgate_export: 1, teams: [], users: [], tokens: [] });
      expect(await bring((await backup.export(null)) as JsonObject)).toMatchObject({ created: 0 });
    });

    it('says of a token whose user was deleted that it has no secret', async () => {
      await bring(documentOf());
      const text = (await identities.read(ana)) ?? '';
      await identities.replace(ana, text, null);
      const document = (await backup.export(null)) as JsonObject;
      expect(document).toMatchObject({ users: [], tokens: [{ id: 'tok_1', secret_hashes: [] }] });
      await identities.deleteTeam('acme');
      expect(await bring(document)).toMatchObject({ created: 2 });
      expect(JSON.parse((await identities.read(tok)) ?? '')).toMatchObject({
        revoked_at: document['exported_at'],
      });
    });
  });

  describe('a file that is loaded', () => {
    it('fills an empty store, and says what may have come back; once, by however many', async () => {
      const said = await Promise.all([load(documentOf()), load(documentOf()), load(documentOf())]);
      expect(said.flat()).toEqual([expect.stringMatching(/^the store was empty .* has come back/)]);
      expect((await identityBehind(identities, hashOf('tok_1')))?.token.id).toBe('tok_1');
      expect(await load(documentOf())).toEqual([]);
    });

    it('does not undo what was done since, in whatever way', async () => {
      const tokens = [tokenRow('tok_1'), tokenRow('tok_2')];
      await load(documentOf({ tokens }));
      await change(acme, { name: 'Changed' });
      await change(tok, { revoked_at: at });
      const gone: RecordKey = { kind: 'token', team: 'acme', id: 'tok_2' };
      await identities.replace(gone, (await identities.read(gone)) ?? '', null);
      const before = await everything();
      expect(await load(documentOf({ tokens }))).toEqual([]);
      expect(await everything()).toEqual(before);
      await identities.deleteTeam('acme');
      expect(await load(documentOf({ tokens }))).toEqual([]);
      expect(await archive.teams()).toEqual([]);
    });

    it('of this very store adds nothing that it has deleted, and fills another', async () => {
      await bring(documentOf());
      const document = (await backup.export(null)) as JsonObject;
      await identities.deleteTeam('acme');
      expect(await load(document)).toEqual([]);
      expect(await archive.teams()).toEqual([]);
      ({ identities, archive } = await make());
      expect(await load(document)).toHaveLength(1);
      expect(await archive.teams()).toEqual(['acme']);
    });

    it('does not bring back what an import brought and was deleted since', async () => {
      await bring(documentOf());
      await identities.deleteTeam('acme');
      expect(await load(documentOf())).toEqual([]);
      expect(await archive.teams()).toEqual([]);
    });

    it('revokes what it says is revoked, and names what it leaves out', async () => {
      await bring(documentOf());
      const tokens = [
        tokenRow('tok_1', { revoked_at: at }),
        tokenRow('tok_3', { secret_hashes: [hashOf('tok_2')] }),
      ];
      await bring(documentOf({ tokens: [tokenRow('tok_2')] }));
      expect(await load(documentOf({ tokens }))).toEqual([
        expect.stringMatching(/^tokens were revoked/),
        expect.stringMatching(/left out/),
      ]);
      expect((await identityBehind(identities, hashOf('tok_1')))?.token.revoked_at).toBe(at);
      expect((await identityBehind(identities, hashOf('tok_2')))?.token.id).toBe('tok_2');
    });
  });

  describe('an import', () => {
    it('brings identities back as they were: the same secrets, revocations and limits', async () => {
      const limits = [{ id: 'l1', metric: 'concurrency', max: 2 }];
      const tokens = [tokenRow('tok_1', { limits }), tokenRow('tok_2', { revoked_at: at })];
      expect(await bring(documentOf({ tokens }))).toEqual({
        created: 4,
        unchanged: 0,
        kept: 0,
        overwritten: 0,
        revoked: 0,
      });
      expect(await identityBehind(identities, hashOf('tok_1'))).toMatchObject({
        team: { id: 'acme' },
        user: { id: 'ana' },
        token: { id: 'tok_1', limits, revoked_at: null },
      });
      expect((await identityBehind(identities, hashOf('tok_2')))?.token.revoked_at).toBe(at);
    });

    it('twice is as once', async () => {
      await bring(documentOf());
      const [before, epoch] = [await everything(), await epochOf(hashOf('tok_1'))];
      expect(await bring(documentOf())).toMatchObject({ created: 0, unchanged: 3 });
      expect(await bring(documentOf(), true)).toMatchObject({ overwritten: 0, unchanged: 3 });
      expect(await everything()).toEqual(before);
      expect(await epochOf(hashOf('tok_1'))).toBe(epoch);
    });

    it('with one bad row changes nothing', async () => {
      const before = await everything();
      const tokens = [tokenRow('tok_1'), tokenRow('tok_2', { limits: 7 })];
      expect(await bring(documentOf({ tokens }))).toMatchObject({
        code: 'invalid_body',
        details: { param: 'tokens.1.limits' },
      });
      expect(await everything()).toEqual(before);
    });

    it('with the secret of another token changes nothing', async () => {
      await bring(documentOf());
      const before = await everything();
      const tokens = [tokenRow('tok_9', { secret_hashes: [hashOf('tok_1')] })];
      const users = [userRow('ana'), userRow('bob')];
      const refusal = await bring(documentOf({ users, tokens }), true);
      expect(refusal).toMatchObject({
        code: 'already_exists',
        details: { param: 'tokens.0.secret_hashes.0' },
      });
      expect(JSON.stringify(refusal)).not.toContain(hashOf('tok_1'));
      expect(await everything()).toEqual(before);
    });

    it('leaves what the store has changed, unless told to overwrite', async () => {
      await bring(documentOf());
      await change(ana, { name: 'Changed here' });
      expect(await bring(documentOf())).toMatchObject({ kept: 1, unchanged: 2 });
      expect(await identities.read(ana)).toContain('Changed here');
      expect(await bring(documentOf(), true)).toMatchObject({ overwritten: 1, unchanged: 2 });
      expect(await identities.read(ana)).not.toContain('Changed here');
    });

    it.each([false, true])('lets a revocation win on both sides, overwrite %s', async (overwrite) => {
      await bring(documentOf({ tokens: [tokenRow('tok_1'), tokenRow('tok_2')] }));
      await change(tok, { revoked_at: at });
      const tokens = [tokenRow('tok_1'), tokenRow('tok_2', { revoked_at: at })];
      expect(await bring(documentOf({ tokens }), overwrite)).toMatchObject({
        kept: 1,
        revoked: 1,
        unchanged: 2,
      });
      for (const id of ['tok_1', 'tok_2']) {
        expect((await identityBehind(identities, hashOf(id)))?.token.revoked_at).toBe(at);
      }
    });

    it('with overwrite puts back the secret that a token had', async () => {
      await bring(documentOf({ tokens: [tokenRow('tok_1', { secret_hashes: [hashOf('new')] })] }));
      expect(await bring(documentOf())).toMatchObject({ kept: 1 });
      expect(await identityBehind(identities, hashOf('tok_1'))).toBeNull();
      expect(await bring(documentOf(), true)).toMatchObject({ overwritten: 1 });
      expect((await identityBehind(identities, hashOf('tok_1')))?.token.id).toBe('tok_1');
      expect(await identityBehind(identities, hashOf('new'))).toBeNull();
    });

    it('binds several secrets of a token', async () => {
      const hashes = [hashOf('one'), hashOf('two')];
      await bring(documentOf({ tokens: [tokenRow('tok_1', { secret_hashes: hashes })] }));
      for (const text of ['one', 'two']) {
        expect((await identityBehind(identities, hashOf(text)))?.token.id).toBe('tok_1');
      }
      expect(
        await bring(documentOf({ tokens: [tokenRow('tok_1', { secret_hashes: hashes })] })),
      ).toMatchObject({ unchanged: 3 });
    });

    it('does not bring back the token of a user who was deleted', async () => {
      await bring(documentOf());
      const text = (await identities.read(ana)) ?? '';
      await identities.replace(ana, text, null);
      expect(await bring(documentOf(), true)).toMatchObject({ created: 1, kept: 1, unchanged: 1 });
      expect(await identityBehind(identities, hashOf('tok_1'))).toBeNull();
    });

    it('of many at once comes to the same as one', async () => {
      const document = largeDocument(300);
      const reports = await Promise.all(Array.from({ length: 5 }, () => bring(document)));
      const created = reports.map((report) => (report instanceof Refusal ? -1 : Number(report['created'])));
      expect(created.sort((a, b) => b - a)).toEqual([603, 0, 0, 0, 0]);
      expect(await bring(document)).toMatchObject({ unchanged: 603 });
    });

    it('goes on when somebody changes things meanwhile', async () => {
      await bring(documentOf());
      const renaming = Array.from({ length: 10 }, (_, n) => change(ana, { name: `n${n}` }));
      const imports = Array.from({ length: 3 }, () => bring(documentOf({ tokens: [tokenRow('tok_5')] })));
      await Promise.all([...renaming, ...imports]);
      expect((await identityBehind(identities, hashOf('tok_5')))?.token.id).toBe('tok_5');
    });

    it('of more records than a Lua stack holds comes in, and goes out again', async () => {
      const document = largeDocument(4_000); // 8,000 is the most that `unpack` gives
      expect(await bring(document)).toMatchObject({ created: 8_040 });
      const exported = await everything();
      expect(exported['tokens']).toHaveLength(4_000);
      expect((await identityBehind(identities, hashOf('tok_3999')))?.user.id).toBe('user-3999');
      expect(await bring(document)).toMatchObject({ unchanged: 8_040 });
    });

    it('larger than one change takes comes in team by team', async () => {
      const document = largeDocument(1_200);
      const padded = { ...document, tokens: (document['tokens'] as JsonObject[]).map(withLongLists) };
      expect(JSON.stringify(padded).length).toBeGreaterThan(8_388_608);
      expect(await bring(padded)).toMatchObject({ created: 2_412 });
      expect(await bring(padded)).toMatchObject({ unchanged: 2_412 });
    });
  });
}

/** A token of the largest kind: nearly 8 kB. */
function withLongLists(token: JsonObject): JsonObject {
  const names = Array.from({ length: 22 }, (_, n) => `${String(n).padStart(4, '0')}${'x'.repeat(124)}`);
  const origins = names.slice(0, 8).map((name) => `https://${name.slice(0, 60)}.${'y'.repeat(60)}.example`);
  const limits = Array.from({ length: 2 }, (_, n) => ({
    id: `${(token as unknown as Token).id}-${n}`,
    metric: 'concurrency',
    max: n,
    models: names.slice(n, n + 1),
  }));
  return { ...token, models: names, tools: names, origins, limits };
}
