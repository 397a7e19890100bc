import { describe, expect, it } from 'vitest';
import {
  settingsSchema,
  teamSchemas,
  tokenSchemas,
  userSchemas,
} from '../../../../src/identity/schemas/requests.ts';
import { check } from '../../../../src/base/check.ts';
import { Refusal } from '../../../../src/base/refusal.ts';
import type { JsonObject, JsonValue } from '../../../../src/base/request.ts';

const clock = { now: () => Date.UTC(2026, 1, 3), monotonic: () => 0 };
const { newTeam } = teamSchemas(['/v1/embeddings']);
const { newUser } = userSchemas(['/v1/embeddings']);
const { newToken } = tokenSchemas({ endpointPaths: ['/v1/embeddings'], clock });

/** The params of the problems of a body; none where it is right. */
function teamProblems(fields: JsonObject): string[] {
  return problems(check(newTeam, { id: 'acme', ...fields }));
}
function userProblems(fields: JsonObject): string[] {
  return problems(check(newUser, { id: 'ana', ...fields }));
}
function tokenProblems(fields: JsonObject): string[] {
  return problems(check(newToken, { user: 'ana', ...fields }));
}
function problems(checked: object): string[] {
  return checked instanceof Refusal ? (checked.details.problems ?? []).map(({ param }) => param) : [];
}

describe('an id', () => {
  it.each(['a', '0', 'a-', 'a--b', 'a'.repeat(39), '1-2-3'])('may be %j', (id) => {
    expect(teamProblems({ id })).toEqual([]);
  });

  it.each<JsonValue>(['', '-a', 'A', 'a_b', 'a b', 'ä', 'a\n', 'a'.repeat(40), 1, null, ['a']])(
    'may not be %j',
    (id) => {
      expect(teamProblems({ id })).toEqual(['id']);
    },
  );
});

describe('a name', () => {
  it.each(['x', 'x'.repeat(200), 'Ünïcode 😀 "quoted" <b>', null])('may be %j', (name) => {
    expect(teamProblems({ name })).toEqual([]);
  });

  it.each<JsonValue>([
    '',
    'x'.repeat(201),
    'a\nb',
    'a\u0000',
    '\u001b[2J',
    '\u0085',
    '\u2028',
    '\ud800',
    1,
    {},
  ])('may not be %j', (name) => {
    expect(new Set(teamProblems({ name }))).toEqual(new Set(['name']));
  });
});

describe('an e-mail address', () => {
  it.each(['a@b.co', 'root@localhost', 'first.last+tag@sub.example.com', null])('may be %j', (email) => {
    expect(userProblems({ email })).toEqual([]);
  });

  it.each(['', 'a', '@b.co', 'a@', 'a b@c.de', 'a@b.co\n', `${'a'.repeat(250)}@b.co`])(
    'may not be %j',
    (email) => {
      expect(new Set(userProblems({ email }))).toEqual(new Set(['email']));
    },
  );
});

describe('a limit', () => {
  const max = 1;
  it.each<JsonObject>([
    { metric: 'requests', window: 'minute', max },
    { metric: 'tokens', window: 'hour', max: 0 },
    { metric: 'images', window: 'day', max: 2 ** 53 - 1 },
    { metric: 'requests', window: 'month', max, models: ['m'] },
    { metric: 'concurrency', max },
    { metric: 'concurrency', max, models: ['m', 'n'] },
    { metric: 'concurrency', max, enforce: false },
    { metric: 'concurrency', max, id: 'as-it-was-told' },
  ])('may be %j', (limit) => {
    expect(teamProblems({ limits: [limit] })).toEqual([]);
  });

  it.each<[JsonValue, string[]]>([
    [{}, ['limits.0.metric']],
    ['tokens/day=1', ['limits.0']],
    [null, ['limits.0']],
    [{ metric: 'dollars', window: 'day', max }, ['limits.0.metric']],
    [{ metric: 'tokens', max }, ['limits.0.window']],
    [{ metric: 'tokens', window: 'year', max }, ['limits.0.window']],
    [{ metric: 'tokens', window: 'day' }, ['limits.0.max']],
    [{ metric: 'tokens', window: 'day', max: -1 }, ['limits.0.max']],
    [{ metric: 'tokens', window: 'day', max: 1.5 }, ['limits.0.max']],
    [{ metric: 'tokens', window: 'day', max: 2 ** 53 }, ['limits.0.max']],
    [{ metric: 'tokens', window: 'day', max: '1' }, ['limits.0.max']],
    [{ metric: 'concurrency', window: 'day', max }, ['limits.0.window']],
    [{ metric: 'concurrency', max, models: [] }, ['limits.0.models']],
    [{ metric: 'concurrency', max, models: null }, ['limits.0.models']],
    [{ metric: 'concurrency', max, models: ['a b'] }, ['limits.0.models.0']],
    [{ metric: 'concurrency', max, id: 5 }, ['limits.0.id']],
    [{ metric: 'concurrency', max, enforce: null }, ['limits.0.enforce']],
  ])('may not be %j', (limit, expected) => {
    expect(teamProblems({ limits: [limit] })).toEqual(expected);
  });

  it('comes at most 16 times in a list', () => {
    const limits = (count: number): JsonValue =>
      Array.from({ length: count }, (_, n) => ({ metric: 'tokens', window: 'day', max, models: [`m${n}`] }));
    expect(teamProblems({ limits: limits(16) })).toEqual([]);
    expect(teamProblems({ limits: limits(17) })).toEqual(['limits']);
  });

  it('comes once by metric, window and models', () => {
    const day = { metric: 'tokens', window: 'day', max };
    const hour = { metric: 'tokens', window: 'hour', max };
    const twice = (models: string[]): JsonValue => ({ ...day, models });
    expect(teamProblems({ limits: [day, hour, twice(['m']), twice(['m', 'n'])] })).toEqual([]);
    expect(teamProblems({ limits: [day, hour, { ...day, max: 2 }] })).toEqual(['limits.2']);
    expect(teamProblems({ limits: [twice(['m', 'n']), twice(['n', 'm'])] })).toEqual(['limits.1']);
  });
});

describe('an origin', () => {
  it.each([
    'https://app.example.com',
    'http://localhost:3000',
    'https://app.example.com:8443',
    'http://[::1]:8080',
    'chrome-extension://abcdef',
    'none',
  ])('may be %j', (origin) => {
    expect(tokenProblems({ origins: [origin] })).toEqual([]);
  });

  it.each([
    '*',
    'null',
    '',
    'app.example.com',
    'https://',
    'https://*.example.com',
    'https://app.example.com/',
    'https://app.example.com/path',
    'https://app.example.com:443',
    'https://App.example.com',
    'https://user@app.example.com',
    'https://app.example.com?x',
    'https://a.com, https://b.com',
    'None',
  ])('may not be %j', (origin) => {
    expect(tokenProblems({ origins: [origin] })).toEqual(['origins.0']);
  });
});

describe('a list', () => {
  it('has at most 64 entries, each once', () => {
    const models = Array.from({ length: 64 }, (_, n) => `m${n}`);
    expect(tokenProblems({ models })).toEqual([]);
    expect(tokenProblems({ models: [...models, 'm'] })).toEqual(['models']);
    const checked = check(newToken, { user: 'ana', models: ['m', 'n', 'm'] });
    expect(checked).toMatchObject({ models: ['m', 'n'] });
  });
});

describe('any body', () => {
  it('may not bring a field along by __proto__', () => {
    const body = JSON.parse('{"id":"acme","__proto__":{"name":"x"}}') as JsonObject;
    expect(problems(check(newTeam, body))).toEqual(['__proto__']);
  });

  it('tells what is missing, and what type was expected', () => {
    const checked = check(newUser, { name: 5 });
    const details = checked instanceof Refusal ? checked.details.problems : [];
    expect(details).toEqual([
      { param: 'id', message: 'id is required.' },
      { param: 'name', message: 'name must be of type string.' },
    ]);
  });

  it('is told of both expiries beside other problems', () => {
    const both = { expires_in: 60, expires_at: '2027-01-01T00:00:00Z' };
    expect(tokenProblems({ ...both, name: 1 })).toEqual(['name', 'expires_at']);
    expect(tokenProblems({ ...both, expires_in: null })).toEqual([]);
  });
});

describe('a limit of a path', () => {
  const at = (path: string): JsonObject => ({
    limits: [{ metric: 'requests', window: 'day', max: 1, endpoints: [path] }],
  });

  it('is refused if there is no such path, wherever it is set', () => {
    const wrong = at('/v1/chat/completion');
    for (const found of [teamProblems(wrong), userProblems(wrong), tokenProblems(wrong)])
      expect(found).toEqual(['limits.0.endpoints.0']);
    const settings = settingsSchema(['/v1/embeddings']);
    expect(problems(check(settings, wrong))).toEqual(['limits.0.endpoints.0']);
    expect(problems(check(settings, { defaults: { token: wrong } }))).toEqual([
      'defaults.token.limits.0.endpoints.0',
    ]);
    expect(teamProblems(at('/v1/embeddings'))).toEqual([]);
  });
});
