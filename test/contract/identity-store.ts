import { beforeEach, describe, expect, it } from 'vitest';
import type { RecordKey, Team, Token, User } from '../../src/identity/records/identity.ts';
import type { IdentityStore } from '../../src/identity/store/identity-store.ts';
import { identityBehind } from '../support/identity-behind.ts';

const at = '2026-01-31T12:00:00.000Z';

export function teamNamed(id: string, more: Partial<Team> = {}): Team {
  return { id, name: null, limits: [], models: null, created_at: at, ...more };
}

export function userNamed(id: string, more: Partial<User> = {}): User {
  return { id, team: 'acme', name: null, email: null, limits: [], created_at: at, ...more };
}

export function tokenNamed(id: string, more: Partial<Token> = {}): Token {
  return {
    id,
    team: 'acme',
    user: 'ana',
    name: null,
    prefix: 'tgk_12345678',
    models: null,
    endpoints: null,
    origins: null,
    tools: null,
    limits: [],
    expires_at: null,
    revoked_at: null,
    created_at: at,
    ...more,
  };
}

const acme: RecordKey = { kind: 'team', team: 'acme' };
const ana: RecordKey = { kind: 'user', team: 'acme', id: 'ana' };
const tok: RecordKey = { kind: 'token', team: 'acme', id: 'tok_1' };
const secret = 'a'.repeat(43);

/** What every identity store does. `make` gives an empty one. */
export function identityStoreContract(make: () => Promise<IdentityStore>): void {
  let store: IdentityStore;

  beforeEach(async () => {
    store = await make();
  });

  async function createAll(): Promise<void> {
    await store.create(acme, JSON.stringify(teamNamed('acme')));
    await store.create(ana, JSON.stringify(userNamed('ana')));
    await store.create(tok, JSON.stringify(tokenNamed('tok_1')), { secretHash: secret, user: 'ana' });
  }

  async function epoch(): Promise<string> {
    const identity = await identityBehind(store, secret);
    if (!identity) throw new Error('The token does not resolve.');
    return identity.epoch;
  }

  async function textOf(key: RecordKey): Promise<string> {
    const text = await store.read(key);
    if (text === null) throw new Error('There is no such record.');
    return text;
  }

  describe('reading some', () => {
    it('tells the ids of records, and some records in the order asked, null for one that is gone', async () => {
      await createAll();
      expect(await store.ids('team')).toEqual(['acme']);
      expect(await store.ids('user', 'acme')).toEqual(['ana']);
      expect(await store.ids('token', 'gone')).toEqual([]);
      const found = await store.readSome('token', 'acme', ['tok_2', 'tok_1']);
      expect(found).toEqual([null, JSON.stringify(tokenNamed('tok_1'))]);
      expect(await store.readSome('team', '', ['acme'])).toEqual([await textOf(acme)]);
      expect(await store.readSome('user', 'acme', [])).toEqual([]);
    });

    it('tells the ids of the tokens of whole teams until there are enough, of one team at least', async () => {
      await createAll();
      const second = { ...tok, id: 'tok_2' } as const;
      await store.create(second, JSON.stringify(tokenNamed('tok_2')), {
        secretHash: 'b'.repeat(43),
        user: 'ana',
      });
      const of = async (teams: string[], enough: number): Promise<string[][]> =>
        (await store.tokenIds(teams, enough)).map((ids) => ids.toSorted());
      expect(await of(['acme'], 1)).toEqual([['tok_1', 'tok_2']]);
      expect(await of(['empty', 'acme', 'beta'], 1)).toEqual([[], ['tok_1', 'tok_2']]);
      expect(await of(['acme', 'beta'], 3)).toEqual([['tok_1', 'tok_2'], []]);
    });
  });

  describe('create', () => {
    it('stores a team, a user and a token', async () => {
      expect(await store.create(acme, JSON.stringify(teamNamed('acme')))).toBe('created');
      expect(await store.create(ana, JSON.stringify(userNamed('ana')))).toBe('created');
      const binding = { secretHash: secret, user: 'ana' };
      expect(await store.create(tok, JSON.stringify(tokenNamed('tok_1')), binding)).toBe('created');
      expect(await store.read(acme)).toBe(JSON.stringify(teamNamed('acme')));
      expect(await store.read(ana)).toBe(JSON.stringify(userNamed('ana')));
      expect(await store.read(tok)).toBe(JSON.stringify(tokenNamed('tok_1')));
    });

    it('refuses what exists, and leaves it as it is', async () => {
      await createAll();
      const other = JSON.stringify(teamNamed('acme', { name: 'Other' }));
      expect(await store.create(acme, other)).toBe('exists');
      expect(await store.create(ana, other)).toBe('exists');
      expect(await store.create(tok, other, { secretHash: 'b'.repeat(43), user: 'ana' })).toBe('exists');
      expect(await store.read(acme)).toBe(JSON.stringify(teamNamed('acme')));
      expect(await identityBehind(store, 'b'.repeat(43))).toBeNull();
    });

    it('refuses a secret that is bound already', async () => {
      await createAll();
      const second: RecordKey = { kind: 'token', team: 'acme', id: 'tok_2' };
      const binding = { secretHash: secret, user: 'ana' };
      expect(await store.create(second, JSON.stringify(tokenNamed('tok_2')), binding)).toBe('exists');
      expect((await identityBehind(store, secret))?.token.id).toBe('tok_1');
    });

    it('refuses a user and a token without their team, and a token without its user', async () => {
      const binding = { secretHash: secret, user: 'ana' };
      expect(await store.create(ana, '{}')).toBe('no_team');
      expect(await store.create(tok, '{}', binding)).toBe('no_team');
      await store.create(acme, JSON.stringify(teamNamed('acme')));
      expect(await store.create(tok, '{}', binding)).toBe('no_user');
      expect(await store.list('user', 'acme')).toEqual([]);
      expect(await store.list('token', 'acme')).toEqual([]);
    });

    it('keeps a user id apart from the same id in another team', async () => {
      await createAll();
      await store.create({ kind: 'team', team: 'beta' }, JSON.stringify(teamNamed('beta')));
      const key: RecordKey = { kind: 'user', team: 'beta', id: 'ana' };
      expect(await store.create(key, JSON.stringify(userNamed('ana', { team: 'beta' })))).toBe('created');
    });
  });

  describe('resolve', () => {
    it('gives team, user, token, epoch and the clock', async () => {
      await createAll();
      const identity = await identityBehind(store, secret);
      expect(identity).toMatchObject({
        team: teamNamed('acme'),
        user: userNamed('ana'),
        token: tokenNamed('tok_1'),
      });
      expect(identity?.epoch).toMatch(/^.{8,}$/);
      const { nowMs } = await store.resolve({ secretHash: secret, session: null });
      expect(Number.isSafeInteger(nowMs)).toBe(true);
      expect(Math.abs(nowMs - Date.now())).toBeLessThan(60_000);
    });

    it('gives null for a secret nobody has', async () => {
      await createAll();
      expect(await identityBehind(store, 'z'.repeat(43))).toBeNull();
      expect(await identityBehind(store, '')).toBeNull();
      expect(await identityBehind(store, 'acme/tok_1')).toBeNull();
    });

    it('still gives a token that is revoked or expired', async () => {
      await createAll();
      const ended = JSON.stringify(tokenNamed('tok_1', { revoked_at: at, expires_at: at }));
      await store.replace(tok, await textOf(tok), ended);
      expect((await identityBehind(store, secret))?.token).toMatchObject({ revoked_at: at, expires_at: at });
    });

    it('keeps texts as they are, whatever is in them', async () => {
      await createAll();
      const name = 'Ünïcode "quoted" \\ \u2028 😀';
      const limits = [{ id: 'x', metric: 'tokens', window: 'day', max: 2 ** 53 - 1 }] as const;
      await store.replace(
        ana,
        await textOf(ana),
        JSON.stringify(userNamed('ana', { name, limits: [...limits] })),
      );
      expect((await identityBehind(store, secret))?.user).toEqual(
        userNamed('ana', { name, limits: [...limits] }),
      );
    });
  });

  describe('list', () => {
    it('gives all records of a kind in the order of their ids', async () => {
      await createAll();
      await store.create({ kind: 'team', team: 'aaa' }, JSON.stringify(teamNamed('aaa')));
      await store.create({ kind: 'user', team: 'acme', id: 'a-2' }, JSON.stringify(userNamed('a-2')));
      await store.create({ kind: 'user', team: 'acme', id: 'zed' }, JSON.stringify(userNamed('zed')));
      const ids = (texts: string[]): unknown[] =>
        texts.map((text) => (JSON.parse(text) as { id: string }).id);
      expect(ids(await store.list('team'))).toEqual(['aaa', 'acme']);
      expect(ids(await store.list('user', 'acme'))).toEqual(['a-2', 'ana', 'zed']);
      expect(ids(await store.list('token', 'acme'))).toEqual(['tok_1']);
    });

    it('gives nothing for a team there is not', async () => {
      expect(await store.list('user', 'acme')).toEqual([]);
      expect(await store.list('team')).toEqual([]);
    });
  });

  describe('replace', () => {
    it('swaps a text that is still what was read', async () => {
      await createAll();
      const next = JSON.stringify(userNamed('ana', { name: 'Ana' }));
      expect(await store.replace(ana, await textOf(ana), next)).toBe('replaced');
      expect(await store.read(ana)).toBe(next);
    });

    it('is a conflict where the text has changed, or is gone', async () => {
      await createAll();
      expect(await store.replace(acme, '{"old":true}', '{}')).toBe('conflict');
      expect(await store.replace(ana, '{"old":true}', null)).toBe('conflict');
      expect(await store.replace({ kind: 'user', team: 'acme', id: 'bob' }, '{}', '{}')).toBe('conflict');
      expect(await store.replace({ kind: 'team', team: 'beta' }, '{}', '{}')).toBe('conflict');
      expect(await store.read(ana)).toBe(JSON.stringify(userNamed('ana')));
      expect(await store.list('team')).toHaveLength(1);
    });

    it('lets one of many at once through', async () => {
      await createAll();
      const before = await textOf(acme);
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          store.replace(acme, before, JSON.stringify(teamNamed('acme', { name: `${n}` }))),
        ),
      );
      expect(results.filter((result) => result === 'replaced')).toHaveLength(1);
    });

    it('with null deletes a token and its secret', async () => {
      await createAll();
      expect(await store.replace(tok, await textOf(tok), null)).toBe('replaced');
      expect(await store.read(tok)).toBeNull();
      expect(await identityBehind(store, secret)).toBeNull();
    });

    it('with null deletes a user, whose tokens stay listed and dead for ever', async () => {
      await createAll();
      await store.replace(ana, await textOf(ana), null);
      expect(await identityBehind(store, secret)).toBeNull();
      expect(await store.list('token', 'acme')).toHaveLength(1);
      await store.create(ana, JSON.stringify(userNamed('ana')));
      expect(await identityBehind(store, secret)).toBeNull();
    });

    it('with null leaves the tokens of other users alone', async () => {
      await createAll();
      const bob: RecordKey = { kind: 'user', team: 'acme', id: 'bob' };
      await store.create(bob, JSON.stringify(userNamed('bob')));
      await store.replace(bob, await textOf(bob), null);
      expect((await identityBehind(store, secret))?.user.id).toBe('ana');
    });

    it('with null deletes a team and all that is in it', async () => {
      await createAll();
      expect(await store.replace(acme, await textOf(acme), null)).toBe('replaced');
      expect(await identityBehind(store, secret)).toBeNull();
      expect(await store.list('user', 'acme')).toEqual([]);
    });
  });

  describe('deleteTeam', () => {
    it('removes users, tokens and secrets, of that team alone', async () => {
      await createAll();
      const other = 'b'.repeat(43);
      await store.create({ kind: 'team', team: 'beta' }, JSON.stringify(teamNamed('beta')));
      await store.create(
        { kind: 'user', team: 'beta', id: 'ana' },
        JSON.stringify(userNamed('ana', { team: 'beta' })),
      );
      await store.create(
        { kind: 'token', team: 'beta', id: 'tok_1' },
        JSON.stringify(tokenNamed('tok_1', { team: 'beta' })),
        { secretHash: other, user: 'ana' },
      );

      expect(await store.deleteTeam('acme')).toBe(true);
      expect(await identityBehind(store, secret)).toBeNull();
      expect((await identityBehind(store, other))?.team.id).toBe('beta');
      await store.create(acme, JSON.stringify(teamNamed('acme')));
      expect(await store.list('user', 'acme')).toEqual([]);
      expect(await store.list('token', 'acme')).toEqual([]);
      expect(await identityBehind(store, secret)).toBeNull();
    });

    it('is false where there is no such team', async () => {
      expect(await store.deleteTeam('acme')).toBe(false);
    });
  });

  describe('an address and an account of a user', () => {
    const subject = { issuer: 'https://id.example.com', sub: 'a "quoted" ſub' };
    const key = (id: string, team = 'acme'): RecordKey => ({ kind: 'user', team, id });
    const create = (id: string, more: Partial<User>, team = 'acme') =>
      store.create(key(id, team), JSON.stringify(userNamed(id, more)));

    beforeEach(async () => {
      await store.create({ kind: 'team', team: 'acme' }, JSON.stringify(teamNamed('acme')));
      await store.create({ kind: 'team', team: 'beta' }, JSON.stringify(teamNamed('beta')));
    });

    it('are of one user of a team, also if two are created at once', async () => {
      const results = await Promise.all([1, 2, 3].map((n) => create(`u${n}`, { email: 'kim@example.com' })));
      expect(results.toSorted()).toEqual(['created', 'email_taken', 'email_taken']);
      const others = await Promise.all([4, 5].map((n) => create(`u${n}`, { subject })));
      expect(others.toSorted()).toEqual(['created', 'subject_taken']);
      expect(await create('kim', { email: 'KIM@Example.com' })).toBe('email_taken');
      expect(await create('kim', { email: 'kim@example.com', subject }, 'beta')).toBe('created');
      expect(await create('other', { email: 'm@example.com', subject: { ...subject, sub: 'ſub' } })).toBe(
        'created',
      );
      expect(await create('longer', { email: 'kim@example.com.au' })).toBe('created');
    });

    it('are compared byte for byte beyond ASCII', async () => {
      expect(await create('kim', { email: 'kim@example.com' })).toBe('created');
      for (const [n, email] of [
        '\u212aim@example.com',
        'k\u0131m@example.com',
        'k\u0130m@example.com',
        'kim@example\uff0ecom',
        '\uff4bim@example.com',
      ].entries()) {
        expect([email, await create(`u${n}`, { email })]).toEqual([email, 'created']);
      }
      expect(await create('sam', { email: 'sam@example.com' })).toBe('created');
      expect(await create('long-s', { email: '\u017fam@example.com' })).toBe('created');
      expect(await create('oe', { email: '\u00f6@example.com' })).toBe('created');
      expect(await create('oe-again', { email: '\u00f6@example.com' })).toBe('email_taken');
      expect(await create('oe-capital', { email: '\u00d6@example.com' })).toBe('created');
    });

    it('can be changed to those that nobody has, and stay where two have had them for long', async () => {
      const text = JSON.stringify(userNamed('bob', { name: '"email":"ana@example.com"' }));
      await create('ana', { email: 'ana@example.com', subject });
      await store.create(key('bob'), text);
      const to = (more: Partial<User>) =>
        store.replace(key('bob'), text, JSON.stringify(userNamed('bob', more)));
      expect(await to({ email: 'ANA@example.com' })).toBe('email_taken');
      expect(await to({ subject })).toBe('subject_taken');
      expect(await store.read(key('bob'))).toBe(text);
      expect(await to({ email: 'bob@example.com' })).toBe('replaced');
      const known = JSON.stringify(userNamed('ana', { email: 'ana@example.com', subject }));
      const shouted = JSON.stringify(userNamed('ana', { email: 'ANA@example.com', subject }));
      expect(await store.replace(key('ana'), known, shouted)).toBe('replaced');
    });
  });

  describe('the epoch of a team', () => {
    const changes: Record<string, () => Promise<unknown>> = {
      'a change to the team': async () =>
        store.replace(acme, await textOf(acme), JSON.stringify(teamNamed('acme', { name: 'A' }))),
      'a new user': () =>
        store.create({ kind: 'user', team: 'acme', id: 'bob' }, JSON.stringify(userNamed('bob'))),
      'a change to a user': async () =>
        store.replace(ana, await textOf(ana), JSON.stringify(userNamed('ana', { name: 'A' }))),
      'a user deleted': async () => {
        const bob: RecordKey = { kind: 'user', team: 'acme', id: 'bob' };
        await store.create(bob, JSON.stringify(userNamed('bob')));
        const before = await epoch();
        await store.replace(bob, await textOf(bob), null);
        expect(await epoch()).not.toBe(before);
      },
      'a new token': () =>
        store.create({ kind: 'token', team: 'acme', id: 'tok_2' }, JSON.stringify(tokenNamed('tok_2')), {
          secretHash: 'b'.repeat(43),
          user: 'ana',
        }),
      'a change to a token': async () =>
        store.replace(tok, await textOf(tok), JSON.stringify(tokenNamed('tok_1', { revoked_at: at }))),
      'a team deleted and made again': async () => {
        await store.deleteTeam('acme');
        await createAll();
      },
    };

    for (const [what, change] of Object.entries(changes)) {
      it(`moves with ${what}`, async () => {
        await createAll();
        const before = await epoch();
        await change();
        expect(await epoch()).not.toBe(before);
      });
    }

    it('stays with reading, with refusals and conflicts, and with changes to other teams', async () => {
      await createAll();
      const before = await epoch();
      await identityBehind(store, secret);
      await store.list('token', 'acme');
      await store.create(ana, '{}');
      await store.replace(ana, 'not this', '{}');
      await store.create({ kind: 'team', team: 'beta' }, JSON.stringify(teamNamed('beta')));
      expect(await epoch()).toBe(before);
    });
  });
}
