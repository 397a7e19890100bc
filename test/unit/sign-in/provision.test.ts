import { describe, expect, it } from 'vitest';
import type { RecordKey, Taken, Token, User } from '../../../src/identity/records/identity.ts';
import type { IdentityStore } from '../../../src/identity/store/identity-store.ts';
import { createToken, createUser } from '../../../src/identity/operations/create.ts';
import { systemClock } from '../../../src/base/clock.ts';
import {
  adjust,
  isUserOf,
  type Person,
  provide,
  release,
  signInKey,
} from '../../../src/sign-in/provision.ts';
import { userIdFor } from '../../../src/identity/records/end-user.ts';
import { trustedIssuer } from './trusted.ts';

/** What a sign-in has no use for. */
const unasked = (): Promise<never> => Promise.reject(new Error('A sign-in lists nobody.'));

/** Identities in a map. `beforeReplace` runs before a replacement, for what somebody else does in between. */
class FakeIdentities implements Pick<IdentityStore, keyof IdentityStore> {
  readonly records = new Map<string, string>();
  readonly bound = new Map<string, string>();
  beforeReplace: (() => void) | null = null;
  /** What the next creations of users answer, because another user of the team has a field. */
  readonly taken: Taken[] = [];
  settings: string | null = null;

  #name(key: RecordKey): string {
    return key.kind === 'team' ? `team/${key.team}` : `${key.kind}/${key.team}/${key.id}`;
  }

  create(key: RecordKey, text: string, binding?: { secretHash: string; user: string }) {
    const { team } = key;
    if (key.kind !== 'team' && !this.records.has(`team/${team}`)) return Promise.resolve('no_team' as const);
    if (binding && !this.records.has(`user/${team}/${binding.user}`))
      return Promise.resolve('no_user' as const);
    const taken = key.kind === 'user' ? this.taken.shift() : undefined;
    if (taken !== undefined) return Promise.resolve(taken);
    if (this.records.has(this.#name(key)) || this.bound.has(binding?.secretHash ?? '')) {
      return Promise.resolve('exists' as const);
    }
    if (binding) this.bound.set(binding.secretHash, this.#name(key));
    this.records.set(this.#name(key), text);
    return Promise.resolve('created' as const);
  }

  read(key: RecordKey) {
    return Promise.resolve(this.records.get(this.#name(key)) ?? null);
  }

  list(kind: RecordKey['kind'], team = '') {
    const names = [...this.records.keys()].filter((name) => name.startsWith(`${kind}/${team}`)).sort();
    return Promise.resolve(names.map((name) => this.records.get(name) ?? ''));
  }

  ids = unasked;
  readSome = unasked;
  tokenIds = unasked;

  replace(key: RecordKey, expected: string, next: string | null) {
    this.beforeReplace?.();
    const name = this.#name(key);
    if (this.records.get(name) !== expected) return Promise.resolve('conflict' as const);
    if (next === null) this.records.delete(name);
    else this.records.set(name, next);
    return Promise.resolve('replaced' as const);
  }

  readSettings() {
    return Promise.resolve(this.settings);
  }

  resolve(): never {
    throw new Error('not used');
  }

  replaceSettings(): never {
    throw new Error('not used');
  }

  deleteTeam(): never {
    throw new Error('not used');
  }

  parsed<T>(kind: 'user' | 'token'): T[] {
    const found = [...this.records].filter(([name]) => name.startsWith(`${kind}/`));
    return found.map(([, text]) => JSON.parse(text) as T);
  }
}

const subject = { issuer: 'https://accounts.example.com', sub: 'sub-1' };

function person(fields: Partial<Person> = {}): Person {
  return {
    issuer: trustedIssuer(),
    subject: subject.sub,
    claims: { email: 'Ana@example.com', email_verified: true },
    team: 'acme',
    policy: { models: ['m'], endpoints: null, origins: null, tools: null, session_proof: null },
    ...fields,
  };
}

const creating = (fields: Partial<Person> = {}): Person =>
  person({ issuer: trustedIssuer({ users: 'create' }), ...fields });

function store(...users: Partial<User>[]): { identities: FakeIdentities; clock: typeof systemClock } {
  const identities = new FakeIdentities();
  identities.records.set('team/acme', '{"id":"acme"}');
  for (const user of users) {
    const record = { team: 'acme', name: null, email: null, limits: [], ...user };
    identities.records.set(`user/acme/${user.id}`, JSON.stringify(record));
  }
  return { identities, clock: systemClock };
}

describe('provide, for an issuer that creates users', () => {
  it('creates the user and a token that nobody holds', async () => {
    const deps = store();
    expect(await provide(deps, creating())).toBeNull();
    const id = userIdFor(subject.issuer, subject.sub);
    expect(deps.identities.parsed<User>('user')).toMatchObject([{ id, email: 'Ana@example.com', subject }]);
    expect(deps.identities.parsed<Token>('token')).toMatchObject([
      { user: id, name: 'sign-in with accounts.example.com', prefix: '', models: ['m'], revoked_at: null },
    ]);
    expect([...deps.identities.bound.keys()]).toEqual([signInKey(person())]);
  });

  it('creates the user without an address that another user has', async () => {
    const deps = store({ id: 'ana', email: 'ana@example.com' });
    deps.identities.taken.push('email_taken');
    expect(await provide(deps, creating())).toBeNull();
    const id = userIdFor(subject.issuer, subject.sub);
    expect(deps.identities.parsed<User>('user').find((user) => user.id === id)).toMatchObject({
      email: null,
      subject,
    });
    expect(deps.identities.parsed<Token>('token')).toMatchObject([{ user: id }]);
  });

  it('takes the user whom an administrator has given the account', async () => {
    const deps = store({ id: 'ana', subject });
    deps.identities.taken.push('email_taken', 'subject_taken');
    expect(await provide(deps, creating())).toBeNull();
    expect(deps.identities.parsed<Token>('token')).toMatchObject([{ user: 'ana' }]);
  });

  it('gives nobody what the team does not have', async () => {
    const deps = store();
    const policy = {
      models: ['m'],
      endpoints: null,
      origins: null,
      tools: ['run@app'],
      session_proof: null,
    };
    const refusal = await provide(deps, creating({ policy }));
    expect(refusal).toMatchObject({ error: 'access_denied' });
    expect(refusal?.description).toContain('run@app, which the team acme does not have');
    expect(deps.identities.parsed('token')).toEqual([]);
  });

  it('creates records with the same fields as an administrator does', async () => {
    const signedIn = store();
    await provide(signedIn, creating());
    const administered = store();
    await createUser(administered, 'acme', { id: 'ana' });
    await createToken(administered, 'acme', { user: 'ana' }, { secretHash: 'hash', prefix: 'tgk_12345678' });
    for (const kind of ['user', 'token'] as const) {
      const fieldsOf = ({ identities }: typeof signedIn): string[][] =>
        identities.parsed<object>(kind).map((record) => Object.keys(record));
      expect(fieldsOf(signedIn)).toEqual(fieldsOf(administered));
    }
  });

  it('gives the default limits, each with an id', async () => {
    const deps = store();
    const limit = { metric: 'concurrency', max: 2 };
    deps.identities.settings = JSON.stringify({
      limits: [],
      defaults: { team: [], user: [limit], token: [limit] },
    });
    await provide(deps, creating());
    const withId = { ...limit, id: expect.stringMatching(/^\w{12}$/) as string };
    expect(deps.identities.parsed<User>('user')).toMatchObject([{ limits: [withId] }]);
    expect(deps.identities.parsed<Token>('token')).toMatchObject([{ limits: [withId] }]);
  });

  it('changes nothing the second time', async () => {
    const deps = store();
    await provide(deps, creating());
    const before = [...deps.identities.records];
    expect(await provide(deps, creating())).toBeNull();
    expect([...deps.identities.records]).toEqual(before);
  });

  it('is denied if the team does not exist', async () => {
    expect(await provide(store(), creating({ team: 'gone' }))).toMatchObject({ error: 'access_denied' });
  });
});

describe('provide, for an issuer of existing users', () => {
  const ana = { id: 'ana', email: 'ana@Example.com' };

  it.each<[string, Partial<User>[], string]>([
    ['the user with this account', [{ id: 'eve', subject }, ana], 'eve'],
    ['the user with this verified address and no account', [ana], 'ana'],
    [
      'the one without an account of two with this address',
      [{ ...ana, id: 'ann', subject: { ...subject, sub: 'x' } }, ana],
      'ana',
    ],
  ])('takes %s', async (_, users, user) => {
    const deps = store(...users);
    expect(await provide(deps, person())).toBeNull();
    expect(deps.identities.parsed<Token>('token')).toMatchObject([{ user }]);
    expect(deps.identities.parsed<User>('user').find(({ id }) => id === user)).toMatchObject({ subject });
  });

  it.each<[string, Partial<User>[], Partial<Person>]>([
    ['nobody has this account or address', [{ id: 'bob', email: 'bob@example.com' }], {}],
    ['the address is not verified', [ana], { claims: { email: 'ana@example.com' } }],
    ['the user with this address has another account', [{ ...ana, subject: { ...subject, sub: 'x' } }], {}],
    ['two users have this address', [ana, { ...ana, id: 'ann' }], {}],
    ...['\u212aim@example.com', 'kim\u200b@example.com', '\uff4bim@example.com', 'kim@e\u0445ample.com'].map(
      (email): [string, Partial<User>[], Partial<Person>] => [
        `the address only looks the same: ${email}`,
        [{ id: 'kim', email: 'kim@example.com' }],
        { claims: { email, email_verified: true } },
      ],
    ),
    [
      'the capital of a letter beyond ASCII is meant',
      [{ id: 'oe', email: '\u00d6@example.com' }],
      { claims: { email: '\u00f6@example.com', email_verified: true } },
    ],
  ])('is refused if %s', async (_, users, fields) => {
    const deps = store(...users);
    expect(await provide(deps, person(fields))).toMatchObject({ error: 'invalid_request' });
    expect(deps.identities.parsed('token')).toEqual([]);
  });

  it('does not link a user whom somebody else linked in between', async () => {
    const deps = store(ana);
    const other = { ...subject, sub: 'somebody else' };
    deps.identities.beforeReplace = () => {
      deps.identities.beforeReplace = null;
      deps.identities.records.set('user/acme/ana', JSON.stringify({ ...ana, subject: other }));
    };
    expect(await provide(deps, person())).toMatchObject({ error: 'invalid_request' });
    expect(deps.identities.parsed<User>('user')).toMatchObject([{ subject: other }]);
  });

  it('is temporarily unavailable while others change the user all the time', async () => {
    const deps = store(ana);
    let changes = 0;
    deps.identities.beforeReplace = () => {
      changes += 1;
      deps.identities.records.set('user/acme/ana', JSON.stringify({ ...ana, name: `name ${changes}` }));
    };
    expect(await provide(deps, person())).toMatchObject({ error: 'temporarily_unavailable' });
  });
});

describe('the token of a sign-in', () => {
  async function signedIn() {
    const deps = store();
    await provide(deps, creating());
    const [token] = deps.identities.parsed<Token>('token');
    if (!token) throw new Error('no token');
    return { deps, token };
  }

  it('gets the policy of the issuer, and keeps what an administrator set', async () => {
    const { deps, token } = await signedIn();
    const key = `token/acme/${token.id}`;
    deps.identities.records.set(key, JSON.stringify({ ...token, max_session_body_bytes: 5 }));
    const policy = {
      models: null,
      endpoints: ['/v1/embeddings'],
      origins: [],
      tools: null,
      session_proof: 'required' as const,
    };
    expect(await adjust(deps, creating({ policy }), token)).toMatchObject(policy);
    expect(deps.identities.parsed<Token>('token')).toEqual([
      { ...token, ...policy, max_session_body_bytes: 5 },
    ]);
  });

  it('keeps its policy once it is revoked', async () => {
    const { deps, token } = await signedIn();
    const revoked = { ...token, revoked_at: '2026-01-01T00:00:00.000Z' };
    deps.identities.records.set(`token/acme/${token.id}`, JSON.stringify(revoked));
    expect(await adjust(deps, creating(), token)).toMatchObject({ code: 'precondition_failed' });
    expect(deps.identities.parsed<Token>('token')).toEqual([revoked]);
  });

  it('is deleted when it is released, even if somebody changes it in between', async () => {
    const { deps, token } = await signedIn();
    deps.identities.beforeReplace = () => {
      deps.identities.beforeReplace = null;
      deps.identities.records.set(`token/acme/${token.id}`, JSON.stringify({ ...token, name: 'renamed' }));
    };
    expect(await release(deps, token)).toBeNull();
    expect(deps.identities.parsed('token')).toEqual([]);
    expect(await release(deps, token)).toBeNull();
  });
});

describe('isUserOf', () => {
  const user = { id: 'ana', team: 'acme', name: null, email: null, limits: [], created_at: '' };

  it.each<[string, Partial<User>, boolean]>([
    ['one created for this account', { id: userIdFor(subject.issuer, subject.sub) }, true],
    ['one linked to this account', { subject }, true],
    ['one linked to another account', { subject: { ...subject, sub: 'x' } }, false],
    ['one without an account', {}, false],
  ])('knows %s', (_, fields, expected) => {
    expect(isUserOf({ ...user, ...fields }, person())).toBe(expected);
  });
});
