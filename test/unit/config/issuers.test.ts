import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadIssuers, parseIssuers } from '../../../src/config/issuers.ts';
import type { TrustedIssuer } from '../../../src/config/issuer.ts';

const shipped = fileURLToPath(new URL('../../../config/issuers.json', import.meta.url));
const minimal = { issuer: 'https://accounts.example.com', audience: 'client-1', team: 'acme' };

function issuersOf(...entries: unknown[]): TrustedIssuer[] {
  const result = parseIssuers(JSON.stringify({ issuers: entries }));
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return result.issuers;
}

/** The problems of a file, less the prefix. */
function problemsOf(...entries: unknown[]): string[] {
  const result = parseIssuers(JSON.stringify({ issuers: entries }));
  return result.ok ? [] : result.problems.map((problem) => problem.replace(/^ISSUERS_FILE: /, ''));
}

/** Where the problems of the minimal entry are once `fields` are changed. */
function pathsOf(fields: Record<string, unknown>): string[] {
  return problemsOf({ ...minimal, ...fields }).map((problem) => problem.split(': ')[0] ?? '');
}

describe('the shipped file', () => {
  it('trusts nobody', () => {
    expect(loadIssuers(shipped)).toEqual({ ok: true, issuers: [] });
  });
});

describe('an issuer', () => {
  it('has safe defaults', () => {
    expect(issuersOf(minimal)).toEqual([
      {
        issuer: 'https://accounts.example.com',
        jwksUri: null,
        audiences: ['client-1'],
        algorithms: ['RS256'],
        isPublic: true,
        team: { kind: 'fixed', team: 'acme' },
        require: {},
        users: 'existing',
        maxExchanges: 20,
        session: {},
      },
    ]);
  });

  it('is read whole', () => {
    const entry = {
      $comment: 'why',
      issuer: 'https://id.example.com/realms/acme/',
      jwks_uri: 'https://keys.example.com/certs?p=1',
      audience: ['client-1', 'client-2'],
      algorithms: ['ES256', 'EdDSA'],
      public: false,
      team: { claim: 'hd', teams: { 'example.com': 'acme' } },
      require: { hd: ['example.com'], level: [2, 3], staff: [true] },
      users: 'create',
      max_exchanges: 1,
      session: { expires_in: 900, limits: [{ metric: 'requests', window: 'day', max: 10 }] },
    };
    expect(issuersOf(entry)).toEqual([
      {
        issuer: 'https://id.example.com/realms/acme/',
        jwksUri: 'https://keys.example.com/certs?p=1',
        audiences: ['client-1', 'client-2'],
        algorithms: ['ES256', 'EdDSA'],
        isPublic: false,
        team: { kind: 'claim', claim: 'hd', teams: { 'example.com': 'acme' } },
        require: { hd: ['example.com'], level: [2, 3], staff: [true] },
        users: 'create',
        maxExchanges: 1,
        session: { expires_in: 900, limits: [{ metric: 'requests', window: 'day', max: 10 }] },
      },
    ]);
  });

  it.each([
    ['https://id.example.com', true],
    ['https://id.example.com/', true],
    ['http://127.0.0.1:8080', true],
    ['http://[::1]:8080', true],
    ['http://localhost:8080/realm', true],
    ['http://id.example.com', false],
    ['http://127.0.0.1.example.com', false],
    ['http://localhost.example.com', false],
    ['http://10.0.0.1', false],
    ['ftp://127.0.0.1', false],
    ['https://user@id.example.com', false],
    ['https://:canary@id.example.com', false],
    ['https://id.example.com?x=1', false],
    ['https://id.example.com#x', false],
    [' https://id.example.com', false],
    ['id.example.com', false],
    ['', false],
    [1, false],
  ])('may be called %j: %s', (issuer, allowed) => {
    const problems = problemsOf({ ...minimal, issuer });
    expect(problems.length > 0 && problems.every((each) => each.startsWith('issuers.0.issuer: '))).toBe(
      !allowed,
    );
    expect(problems.join()).not.toContain('canary');
  });

  it.each([
    ['jwks_uri', 'http://keys.example.com/certs'],
    ['jwks_uri', 'https://user:canary@keys.example.com/certs'],
    ['audience', ''],
    ['audience', 1],
    ['public', 'no'],
    ['team', 'Acme'],
    ['team', null],
    ['team', { claim: 'hd' }],
    ['team', { claim: 'hd', teams: {} }],
    ['team', { claim: 'hd', teams: { 'example.com': 'Acme Inc.' } }],
    ['require', []],
    ['require', { hd: 'example.com' }],
    ['require', { hd: [] }],
    ['require', { hd: [null] }],
    ['require', { '': ['x'] }],
    ['users', 'all'],
    ['max_exchanges', 0],
    ['max_exchanges', 1001],
    ['max_exchanges', 1.5],
    ['session', []],
    ['algorithms', []],
    ['algorithms', ['none']],
    ['algorithms', ['RS256', 'HS256']],
    ['algorithms', ['HS512']],
    ['algorithms', 'RS256'],
  ])('may not have %s: %j', (field, value) => {
    const paths = pathsOf({ [field]: value });
    expect(paths.length).toBeGreaterThan(0);
    for (const path of paths) expect(`${path}.`).toMatch(new RegExp(`^issuers\\.0\\.${field}\\.`));
    expect(problemsOf({ ...minimal, [field]: value }).join()).not.toContain('canary');
  });

  it.each([['issuer'], ['audience'], ['team']])('must have %s', (field) => {
    expect(pathsOf({ [field]: undefined })).toEqual([`issuers.0.${field}`]);
  });

  it.each(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'])(
    'may sign with %s',
    (algorithm) =>
      expect(issuersOf({ ...minimal, algorithms: [algorithm] })[0]?.algorithms).toEqual([algorithm]),
  );

  it.each([
    ['public, no rule', {}, false],
    ['public, a rule without claims', { require: {} }, false],
    [
      'public, a rule everyone can satisfy',
      { require: { email_verified: [true], aud: ['client-1'] } },
      false,
    ],
    ['public, a rule about what people say of themselves', { require: { nickname: ['bo'] } }, false],
    [
      'public, a team by a claim all tokens share',
      { team: { claim: 'aud', teams: { 'client-1': 'acme' } } },
      false,
    ],
    ['public, a rule', { require: { hd: ['example.com'] } }, true],
    ['public, a team by claim', { team: { claim: 'hd', teams: { 'example.com': 'acme' } } }, true],
    ['private, no rule', { public: false }, true],
    ['public, no rule, existing users', { users: 'existing' }, true],
  ])('that is %s, may create users: %j %s', (_, fields, allowed) => {
    const problems = problemsOf({ ...minimal, users: 'create', ...fields });
    expect(problems).toEqual(
      allowed ? [] : [expect.stringMatching(/^issuers\.0\.users: .*anyone .*"require".*"existing"\.$/)],
    );
  });

  it.each([
    ['https://accounts.google.com', true],
    ['https://ACCOUNTS.google.com:443/', true],
    ['https://login.microsoftonline.com/common/v2.0', true],
    ['https://login.microsoftonline.com/organizations', true],
    ['https://login.microsoftonline.com/consumers/v2.0/', true],
    ['https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0', true],
    ['https://appleid.apple.com', true],
    ['https://token.actions.githubusercontent.com', true],
    ['https://gitlab.com', true],
    ['https://www.facebook.com', true],
    ['https://login.yahoo.com', true],
    ['https://www.linkedin.com/oauth', true],
    ['https://login.microsoftonline.com/8a7c1b52-0a4a-4f3a-9a51-2f2f6f1d7c11/v2.0', false],
    ['https://token.actions.githubusercontent.com/acme', false],
    ['https://gitlab.example.com', false],
    ['https://accounts.google.com.example.com', false],
  ])('%s is well known to be public: %s', (issuer, known) => {
    expect(pathsOf({ issuer, public: false })).toEqual(known ? ['issuers.0.public'] : []);
    expect(pathsOf({ issuer })).toEqual([]);
  });

  it('is compared exactly, so a slash at its end makes another one', () => {
    expect(issuersOf(minimal, { ...minimal, issuer: `${minimal.issuer}/` })).toHaveLength(2);
  });
});

describe('the console part of an issuer', () => {
  const console = { client_id: 'the-console' };
  const withRoles = (...roles: object[]) => ({ ...console, roles });
  const boss = { claim: 'groups', values: ['boss'], role: 'admin' };

  it('has safe defaults', () => {
    expect(issuersOf({ ...minimal, console })[0]?.console).toEqual({
      clientId: 'the-console',
      clientSecret: null,
      scopes: ['openid', 'email', 'profile'],
      label: 'accounts.example.com',
      roles: [],
    });
  });

  it('is read whole, the secret from the variable that it names', () => {
    const roles = [boss, { ...boss, role: 'team-admin', teams: ['acme'] }, { ...boss, role: 'auditor' }];
    const whole = { ...console, client_secret_env: 'A_SECRET', scopes: ['openid'], label: 'Acme', roles };
    const text = JSON.stringify({ issuers: [{ ...minimal, public: false, console: whole }] });
    const result = parseIssuers(text, { A_SECRET: ' canary ' });
    expect(result.ok && result.issuers[0]?.console).toEqual({
      clientId: 'the-console',
      clientSecret: 'canary',
      scopes: ['openid'],
      label: 'Acme',
      roles: [
        { claim: 'groups', values: ['boss'], role: 'admin', teams: null },
        { claim: 'groups', values: ['boss'], role: 'team-admin', teams: ['acme'] },
        { claim: 'groups', values: ['boss'], role: 'auditor', teams: null },
      ],
    });
  });

  it.each<[string, object]>([
    ['console', { secret: 'canary' }],
    ['console.client_id', { client_id: '' }],
    ['console.client_secret_env', { client_secret_env: 'NOT_SET' }],
    ['console.client_secret_env', { client_secret_env: 'canary-itself!' }],
    ['console.scopes', { scopes: ['email'] }],
    ['console.scopes.1', { scopes: ['openid', 'two words'] }],
    ['console.label', { label: '' }],
    ['console.roles.0.role', { roles: [{ ...boss, role: 'root' }] }],
    ['console.roles.0.values', { roles: [{ ...boss, values: [] }] }],
    ['console.roles.0.teams', { roles: [{ ...boss, teams: ['acme'] }] }],
    ['console.roles.0.teams', { roles: [{ ...boss, role: 'team-admin' }] }],
    ['console.roles.0.claim', { roles: [{ ...boss, claim: 'email_verified' }] }],
    ['console.roles.0.claim', { roles: [{ ...boss, claim: 'preferred_username' }] }],
  ])('may not have what is wrong with %s: %j', (path, fields) => {
    const problems = problemsOf({ ...minimal, public: false, console: { ...console, ...fields } });
    expect(problems.map((problem) => problem.split(': ')[0])).toEqual([`issuers.0.${path}`]);
    expect(problems.join()).not.toContain('canary');
  });

  it.each<[string, object, boolean]>([
    ['public, no rule', { console: withRoles(boss) }, false],
    ['public, a rule that everyone meets', { require: { name: ['x'] }, console: withRoles(boss) }, false],
    ['public, a rule', { require: { hd: ['example.com'] }, console: withRoles(boss) }, true],
    ['private, no rule', { public: false, console: withRoles(boss) }, true],
    [
      'public, single people',
      { console: withRoles({ ...boss, claim: 'email' }, { ...boss, claim: 'sub' }) },
      true,
    ],
    ['public, a person and a group', { console: withRoles({ ...boss, claim: 'sub' }, boss) }, false],
  ])('of one that is %s, may make administrators: %j %s', (_what, fields, allowed) => {
    const problems = problemsOf({ ...minimal, ...fields });
    expect(problems).toEqual(
      allowed
        ? []
        : [expect.stringMatching(/^issuers\.0\.console\.roles\.\d\.claim: .*strangers.*"require"/)],
    );
  });
});

describe('a file of issuers', () => {
  it('tells every problem at once, by its path', () => {
    const problems = problemsOf(
      { ...minimal, colour: 'red', algorithms: ['none'] },
      'text',
      { ...minimal, users: 'create' },
      { ...minimal, issuer: 'https://b.example.com', max_exchanges: -1 },
    );
    expect(problems.map((problem) => problem.split(': ')[0])).toEqual([
      'issuers.0.algorithms.0',
      'issuers.0',
      'issuers.1',
      'issuers.2.users',
      'issuers.3.max_exchanges',
      'issuers.2.issuer',
    ]);
    expect(problems.at(-1)).toContain('issuers.0');
  });

  it('may pin numbers that doubles would change; its own numbers are plain', () => {
    const session = '{"expires_in":900.0,"pinned":{"metadata":{"id":2512292042121000001}}}';
    const entry = JSON.stringify({ ...minimal, session: '@' }).replace('"@"', session);
    const result = parseIssuers(`{"issuers":[${entry}]}`);
    expect(JSON.stringify(result.ok && result.issuers[0]?.session)).toBe(session.replace('900.0', '900'));
  });

  it.each(['require', 'teams', 'session'])('may not lose a rule in the key __proto__ of %s', (field) => {
    const text = `{"issuers":[{"issuer":"https://a.example.com","audience":"c","team":"acme","${field}":{"__proto__":["x"]}}]}`;
    expect(parseIssuers(text)).toEqual({
      ok: false,
      problems: ['ISSUERS_FILE: expected no key named __proto__.'],
    });
  });

  it.each([[[]], [null], ['text'], [{}], [{ issuers: {} }], [{ issuers: [], extra: 1 }]])(
    'is not %j',
    (value) => {
      expect(parseIssuers(JSON.stringify(value)).ok).toBe(false);
    },
  );

  it('is not what is not JSON, or not there', () => {
    expect(parseIssuers('{')).toEqual({ ok: false, problems: ['ISSUERS_FILE: expected a JSON file.'] });
    const unreadable = {
      ok: false,
      problems: ['ISSUERS_FILE: expected the path of a readable file.'],
    };
    expect(loadIssuers('/no/such/canary.json')).toEqual(unreadable);
    expect(loadIssuers('/')).toEqual(unreadable);
  });
});
