import { describe, expect, it } from 'vitest';
import { maxDocumentBytes } from '../../../src/backup/document.ts';
import { readDocument } from '../../../src/backup/read-document.ts';
import { Refusal } from '../../../src/base/refusal.ts';
import type { JsonObject, JsonValue } from '../../../src/base/request.ts';
import { documentOf, hashOf, largeDocument, teamRow, tokenRow, userRow } from '../../support/documents.ts';

async function problemsOf(document: JsonValue): Promise<string[]> {
  return problemsOfText(JSON.stringify(document));
}

async function problemsOfText(text: string): Promise<string[]> {
  const read = await readDocument(text);
  if (!(read instanceof Refusal)) return [];
  return read.details.problems?.map(({ param }) => param) ?? [read.code];
}

const dayLimit = (id: JsonValue): JsonObject => ({ id, metric: 'tokens', window: 'day', max: 5 });

/** The team, with raises of its only limit that are like a valid one but for these fields. */
function raisedTeam(...raises: JsonObject[]): JsonObject {
  const valid = {
    limit: 'a',
    by: 5,
    until: '2026-05-02T12:00:00.000Z',
    created_at: '2026-01-31T12:00:00.000Z',
  };
  const listed = raises.map((raise, n) => ({ id: `rse_${n}`, ...valid, ...raise }));
  return { teams: [teamRow('acme', { limits: [dayLimit('a')], raises: listed })] };
}

const suspended = (_: unknown, n: number): JsonObject => ({
  end_user: `visitor-${n}`,
  suspended_at: '2026-01-31T12:00:00.000Z',
});

describe('a document', () => {
  it('gives rows in the order in which they need each other, with the ids of limits', async () => {
    const limits = [
      dayLimit('a'),
      { ...dayLimit('c'), count_cached: false },
      { id: 'b', metric: 'concurrency', max: 1, models: ['m'] },
    ];
    const read = await readDocument(JSON.stringify(documentOf({ teams: [teamRow('acme', { limits })] })));
    if (read instanceof Refusal) throw new Error(read.message);
    expect(read.rows.map(({ path }) => path)).toEqual(['teams.0', 'users.0', 'tokens.0']);
    expect(read.rows[0]?.record['limits']).toEqual(limits);
    expect(read.rows[2]).toMatchObject({
      key: { kind: 'token', team: 'acme', id: 'tok_1' },
      secrets: [hashOf('tok_1')],
    });
    expect(read.rows[2]?.record).not.toHaveProperty('secret_hashes');
    expect(read).toMatchObject({ exportedAt: '2026-02-01T00:00:00.000Z', store: null });
  });

  it('may lack sections, users of revoked tokens without a secret, and optional fields', async () => {
    expect(await problemsOf({ tollgate_export: 1, exported_at: '2026-02-01T00:00:00.000Z' })).toEqual([]);
    const dead = tokenRow('tok_2', {
      user: 'gone',
      secret_hashes: [],
      revoked_at: '2026-01-31T12:00:00.000Z',
    });
    expect(await problemsOf(documentOf({ tokens: [dead] }))).toEqual([]);
    const subject = { issuer: 'https://issuer.example', sub: 'x' };
    expect(await problemsOf(documentOf({ users: [userRow('ana', { subject })] }))).toEqual([]);
  });

  it('takes raises as the API makes them, and as many suspended end users', async () => {
    expect(await problemsOf(documentOf(raisedTeam({}, { by: 2 ** 52 })))).toEqual([]);
    const suspended_end_users = Array.from({ length: 200 }, suspended);
    expect(await problemsOf(documentOf({ teams: [teamRow('acme', { suspended_end_users })] }))).toEqual([]);
  });

  it('takes the token that sign-ins of a person belong to', async () => {
    const hash = `sign-in:oidc-${'0'.repeat(32)}:acme`;
    expect(
      await problemsOf(documentOf({ tokens: [tokenRow('tok_1', { prefix: '', secret_hashes: [hash] })] })),
    ).toEqual([]);
  });

  it('takes a token without a secret as ended when the document was written', async () => {
    const read = await readDocument(
      JSON.stringify(documentOf({ tokens: [tokenRow('tok_1', { secret_hashes: [] })] })),
    );
    if (read instanceof Refusal) throw new Error(read.message);
    expect(read.rows[2]?.record['revoked_at']).toBe('2026-02-01T00:00:00.000Z');
  });

  it('reads 10,000 tokens without keeping others waiting for long', async () => {
    const text = JSON.stringify(largeDocument(10_000));
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 5);
    const read = await readDocument(text);
    clearInterval(timer);
    expect(read).not.toBeInstanceOf(Refusal);
    expect(turns).toBeGreaterThan(3);
  });
});

describe('a document that is wrong', () => {
  it.each<[string, JsonObject, string[]]>([
    ['an id with a newline', { teams: [teamRow('acme'), teamRow('a\nb')] }, ['teams.1.id']],
    ['a token id with a stroke', { tokens: [tokenRow('tok_1/x')] }, ['tokens.0.id']],
    [
      'a team that is not there',
      { users: [userRow('ana'), userRow('bob', { team: 'beta' })] },
      ['users.1.team'],
    ],
    ['a user that is not there', { tokens: [tokenRow('tok_1', { user: 'bob' })] }, ['tokens.0.user']],
    [
      'a user of another team',
      { tokens: [tokenRow('tok_1', { team: 'beta' })] },
      ['tokens.0.team', 'tokens.0.user'],
    ],
    [
      'one id twice',
      { tokens: [tokenRow('tok_1'), tokenRow('tok_1', { secret_hashes: [] })] },
      ['tokens.1.id'],
    ],
    [
      'one hash for two tokens',
      { tokens: [tokenRow('tok_1'), tokenRow('tok_2', { secret_hashes: [hashOf('tok_1')] })] },
      ['tokens.1.secret_hashes.0'],
    ],
    [
      'one limit id twice in a team',
      {
        teams: [teamRow('acme', { limits: [dayLimit('x')] })],
        users: [userRow('ana', { limits: [dayLimit('x')] })],
      },
      ['users.0.limits.0.id'],
    ],
    [
      'a limit without an id',
      { teams: [teamRow('acme', { limits: [dayLimit(7)] })] },
      ['teams.0.limits.0.id'],
    ],
    [
      "a session's limit id",
      { teams: [teamRow('acme', { limits: [dayLimit('ses_1/0')] })] },
      ['teams.0.limits.0.id'],
    ],
    [
      'a limit of nothing',
      { teams: [teamRow('acme', { limits: [{ id: 'a', metric: 'cats', max: 1 }] })] },
      ['teams.0.limits.0.metric'],
    ],
    ['a raise of a limit there is not', raisedTeam({ limit: 'x' }), ['teams.0.raises.0.limit']],
    ['a raise by more than can be counted', raisedTeam({ by: 1e300 }), ['teams.0.raises.0.by']],
    ['a raise by part of a token', raisedTeam({ by: 0.5 }), ['teams.0.raises.0.by']],
    [
      'raises that are too much together',
      raisedTeam({ by: 2 ** 52 }, { by: 2 ** 52 }),
      ['teams.0.raises.1.by'],
    ],
    [
      'a raise that hardly ends',
      raisedTeam({ until: '9999-01-01T00:00:00.000Z' }),
      ['teams.0.raises.0.until'],
    ],
    [
      'a raise that ends before it began',
      raisedTeam({ until: '2026-01-31T11:00:00Z' }),
      ['teams.0.raises.0.until'],
    ],
    [
      'more suspended end users than there may be',
      { teams: [teamRow('acme', { suspended_end_users: Array.from({ length: 201 }, suspended) })] },
      ['teams.0.suspended_end_users'],
    ],
    ['limits that are no list', { teams: [teamRow('acme', { limits: { a: 1 } })] }, ['teams.0.limits']],
    ['an unknown field', { users: [userRow('ana', { isAdmin: true })] }, ['users.0.isAdmin']],
    ['secrets of a user', { users: [userRow('ana', { secret_hashes: [] })] }, ['users.0.secret_hashes']],
    [
      'a rotated token that lists no secrets, which nothing could call',
      { tokens: [tokenRow('tok_1', { secrets: null }), tokenRow('tok_2', { secrets: [] })] },
      ['tokens.0.secrets', 'tokens.1.secrets'],
    ],
    [
      'a hash that is a token',
      { tokens: [tokenRow('tok_1', { secret_hashes: ['tgk_x'] })] },
      ['tokens.0.secret_hashes.0'],
    ],
    [
      'secrets that are no list',
      { tokens: [tokenRow('tok_1', { secret_hashes: 'x' })] },
      ['tokens.0.secret_hashes'],
    ],
    ['a time that is none', { tokens: [tokenRow('tok_1', { revoked_at: 'yes' })] }, ['tokens.0.revoked_at']],
    [
      'rows that are no objects',
      { teams: [teamRow('acme'), null, 7, []] },
      ['teams.1', 'teams.2', 'teams.3'],
    ],
    ['a section that is no list', { teams: { acme: 1 } }, ['teams', 'users.0.team', 'tokens.0.team']],
    [
      'several at once',
      { teams: [teamRow('acme', { name: '' })], users: [userRow('Ana')] },
      ['teams.0.name', 'users.0.id', 'tokens.0.user'],
    ],
  ])('%s is named with its path', async (_, rows, params) => {
    expect(await problemsOf(documentOf(rows))).toEqual(params);
  });

  it('a section of a newer version is refused, saying so', async () => {
    const read = await readDocument(JSON.stringify(documentOf({}, { vaults: [] })));
    expect(read).toMatchObject({
      code: 'invalid_body',
      message: expect.stringMatching(
        /^vaults is not a section known here: a newer version wrote it/,
      ) as string,
    });
  });

  it('another version is refused by itself', async () => {
    expect(await problemsOf({ tollgate_export: 2, exported_at: 'x', teams: 7 })).toEqual(['invalid_body']);
    expect(await problemsOf({ data: [] })).toEqual(['invalid_body']);
    expect(await problemsOf([])).toEqual(['invalid_json']);
    expect(await problemsOfText('')).toEqual(['invalid_json']);
  });

  it('a wrong envelope is told', async () => {
    const document = documentOf({}, { exported_at: 'yesterday', store: 'a b' });
    expect(await problemsOf(document)).toEqual(['exported_at', 'store']);
  });

  it('never repeats what stands where a hash should', async () => {
    const secret = `tgk_${'A'.repeat(44)}`;
    const read = await readDocument(
      JSON.stringify(documentOf({ tokens: [tokenRow('tok_1', { secret_hashes: [secret] })] })),
    );
    expect(JSON.stringify(read)).not.toContain(secret);
  });

  it('tells fifty problems of many', async () => {
    const teams = Array.from({ length: 500 }, (_, n) => teamRow(`Wrong ${n}`));
    expect(await problemsOf(documentOf({ teams }))).toHaveLength(50);
  });
});

describe('a hostile document', () => {
  const withText = (text: string): string => JSON.stringify(documentOf()).replace('"name":null', text);

  it.each([
    ['at a row', withText('"name":null,"__proto__":{"revoked_at":null}')],
    ['escaped', withText('"name":null,"\\u005f_proto__":{}')],
    ['at the top', JSON.stringify(documentOf()).replace('{', '{"__proto__":{"teams":[]},')],
    ['in a limit', JSON.stringify(documentOf()).replace('"limits":[]', '"limits":[{"__proto__":{"max":1}}]')],
  ])('may not say __proto__: %s', async (_, text) => {
    const [param = ''] = await problemsOfText(text);
    expect(param).toMatch(/(^|\.)__proto__$/);
    expect({}).not.toHaveProperty('revoked_at');
  });

  it('may have constructor and toString as ids, like any other', async () => {
    const teams = [teamRow('acme'), teamRow('constructor'), teamRow('tostring')];
    expect(await problemsOf(documentOf({ teams }))).toEqual([]);
  });

  it('may not be larger than the bound', async () => {
    expect(await problemsOfText(JSON.stringify(documentOf()) + ' '.repeat(maxDocumentBytes))).toEqual([
      'body_too_large',
    ]);
  });

  it.each<[string, () => string]>([
    [
      'nested a million deep',
      () => JSON.stringify(documentOf()).replace('"acme"', '['.repeat(1e6) + ']'.repeat(1e6)),
    ],
    [
      'a row of a million values',
      () =>
        JSON.stringify(documentOf({ tokens: [tokenRow('tok_1', { models: Array<null>(1e6).fill(null) })] })),
    ],
    ['a million rows', () => JSON.stringify(documentOf({ teams: Array<number>(1e6).fill(0) }))],
    [
      'a hundred thousand sections',
      () =>
        JSON.stringify({
          ...documentOf(),
          ...Object.fromEntries(Array.from({ length: 1e5 }, (_, n) => [`s${n}`, n])),
        }),
    ],
    ['an endless key', () => JSON.stringify({ ...documentOf(), ['k'.repeat(1e6)]: 1 })],
  ])('%s is refused in bounded time and words', async (_, text) => {
    const read = await readDocument(text());
    expect(read).toBeInstanceOf(Refusal);
    if (read instanceof Refusal) expect(JSON.stringify(read.body('id')).length).toBeLessThan(20_000);
  });
});
