import { beforeEach, describe, expect, it } from 'vitest';
import { errorOf, Harness, problemsOf } from './harness.ts';

const limits = [
  { metric: 'tokens', window: 'day', max: 100_000 },
  { metric: 'requests', window: 'minute', max: 60, models: ['claude-haiku', 'nova-pro'] },
  { metric: 'concurrency', max: 5 },
];
let admin: Harness;

beforeEach(() => {
  admin = new Harness();
});

async function storedIds(): Promise<string[]> {
  const text = await admin.identities.read({ kind: 'team', team: 'acme' });
  return (JSON.parse(text ?? '') as { limits: { id: string }[] }).limits.map(({ id }) => id);
}

describe('POST /admin/teams', () => {
  it('201 with the team, each limit with an id', async () => {
    const bounds = {
      endpoints: ['/v1/embeddings'],
      origins: ['none'],
      tools: ['t@app'],
      dearer_fallback: true,
    };
    const body = { id: 'acme', name: 'Acme Inc.', limits, models: ['claude-haiku'], ...bounds };
    const answer = await admin.call('POST', '/admin/teams', body);
    expect(answer.status).toBe(201);
    const ids = await storedIds();
    expect(answer.body).toEqual({
      ...body,
      limits: limits.map((limit, n) => ({ id: ids[n], ...limit })),
      suspended_at: null,
      created_at: '2026-02-03T12:30:00.000Z',
    });
    expect(new Set(ids).size).toBe(3);
  });

  it('201 with the id alone, or with nulls', async () => {
    const bare = {
      id: 'acme',
      name: null,
      limits: [],
      models: null,
      endpoints: null,
      origins: null,
      tools: null,
      dearer_fallback: null,
      suspended_at: null,
      created_at: '2026-02-03T12:30:00.000Z',
    };
    expect((await admin.call('POST', '/admin/teams', { id: 'acme' })).body).toEqual(bare);
    const nulls = { id: 'beta', name: null, limits: null, models: null };
    expect((await admin.call('POST', '/admin/teams', nulls)).body).toEqual({ ...bare, id: 'beta' });
  });

  it('409 when there is one already', async () => {
    await admin.call('POST', '/admin/teams', { id: 'acme', name: 'First' });
    const answer = await admin.call('POST', '/admin/teams', { id: 'acme', name: 'Second' });
    expect(answer.status).toBe(409);
    expect(errorOf(answer)).toMatchObject({
      code: 'already_exists',
      type: 'invalid_request_error',
      param: 'id',
    });
    expect((await admin.call('GET', '/admin/teams/acme')).body['name']).toBe('First');
  });

  it.each([
    ['no body', '', 'invalid_json'],
    ['broken JSON', '{"id":', 'invalid_json'],
    ['an array', '[]', 'invalid_body'],
    ['null', 'null', 'invalid_body'],
    ['a string', '"acme"', 'invalid_body'],
  ])('400 for %s', async (_, body, code) => {
    const answer = await admin.call('POST', '/admin/teams', body);
    expect(answer.status).toBe(400);
    expect(errorOf(answer)['code']).toBe(code);
  });

  it('400 for invalid UTF-8', async () => {
    const answer = await admin.call(
      'POST',
      '/admin/teams',
      Buffer.from('{"id":"acme","name":"\xff"}', 'latin1'),
    );
    expect(answer.status).toBe(400);
    expect(errorOf(answer)['code']).toBe('invalid_json');
  });

  it('400 with every problem, the first in param', async () => {
    const answer = await admin.call('POST', '/admin/teams', {
      id: 'Acme',
      name: 'a\u0007b',
      limits: [
        { metric: 'tokens', max: -1 },
        { metric: 'cats', window: 'day', max: 1 },
      ],
      models: ['a b'],
      extra: 1,
      more: 2,
    });
    expect(answer.status).toBe(400);
    expect(errorOf(answer)).toMatchObject({ code: 'invalid_body', param: 'id' });
    expect(problemsOf(answer)).toEqual([
      'id',
      'name',
      'limits.0.window',
      'limits.0.max',
      'limits.1.metric',
      'models.0',
      'extra',
      'more',
    ]);
  });
});

describe('GET /admin/teams', () => {
  it('200 with all teams, or none', async () => {
    expect((await admin.call('GET', '/admin/teams')).body).toEqual({ data: [] });
    for (const id of ['zed', 'acme']) await admin.call('POST', '/admin/teams', { id, limits });
    const answer = await admin.call('GET', '/admin/teams');
    expect(answer.status).toBe(200);
    expect(answer.body['data']).toMatchObject([
      { id: 'acme', limits },
      { id: 'zed', limits },
    ]);
  });
});

describe('GET /admin/teams/:team', () => {
  it('200 with the team', async () => {
    await admin.call('POST', '/admin/teams', { id: 'acme', limits });
    const answer = await admin.call('GET', '/admin/teams/acme');
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ id: 'acme', limits });
  });

  it('404 for one there is not', async () => {
    for (const id of ['acme', 'A%20b', '__proto__', 'constructor', '%00', '..%2F']) {
      const answer = await admin.call('GET', `/admin/teams/${id}`);
      expect(answer.status).toBe(404);
      expect(errorOf(answer)['code']).toBe('not_found');
    }
  });
});

describe('PATCH /admin/teams/:team', () => {
  beforeEach(async () => {
    await admin.call('POST', '/admin/teams', { id: 'acme', name: 'Acme', limits, models: ['m'] });
  });

  it('200 with the team; what is left out stays, null clears', async () => {
    const renamed = await admin.call('PATCH', '/admin/teams/acme', { name: 'New' });
    expect(renamed.status).toBe(200);
    expect(renamed.body).toMatchObject({ id: 'acme', name: 'New', limits, models: ['m'] });
    const cleared = await admin.call('PATCH', '/admin/teams/acme', {
      name: null,
      limits: null,
      models: null,
    });
    expect(cleared.body).toMatchObject({ name: null, limits: [], models: null });
    expect((await admin.call('GET', '/admin/teams/acme')).body).toEqual(cleared.body);
  });

  it('200 and nothing changed for an empty change, not even the epoch', async () => {
    const before = await admin.epoch('acme');
    expect((await admin.call('PATCH', '/admin/teams/acme', {})).status).toBe(200);
    expect(await admin.epoch('acme')).toBe(before);
    await admin.call('PATCH', '/admin/teams/acme', { name: 'New' });
    expect(await admin.epoch('acme')).not.toBe(before);
  });

  it('200 and an empty list of models allows none', async () => {
    expect((await admin.call('PATCH', '/admin/teams/acme', { models: [] })).body['models']).toEqual([]);
  });

  it('200 and a limit keeps its counter when its max changes, and gets a new one when it comes back', async () => {
    const [day, minute, concurrency] = await storedIds();
    const raised = [
      { metric: 'concurrency', max: 9 },
      { metric: 'requests', window: 'minute', max: 1, models: ['nova-pro', 'claude-haiku'] },
      { metric: 'tokens', window: 'hour', max: 1 },
    ];
    await admin.call('PATCH', '/admin/teams/acme', { limits: raised });
    const [sameConcurrency, sameMinute, hour] = await storedIds();
    expect([sameConcurrency, sameMinute]).toEqual([concurrency, minute]);
    expect([day, minute, concurrency]).not.toContain(hour);

    await admin.call('PATCH', '/admin/teams/acme', { limits });
    const [newDay] = await storedIds();
    expect(newDay).not.toBe(day);
  });

  it('200 for each of many at once, none of them lost', async () => {
    const changes = [{ name: 'New' }, { models: ['n'] }, { limits: [{ metric: 'concurrency', max: 1 }] }];
    const answers = await Promise.all(
      changes.map((change) => admin.call('PATCH', '/admin/teams/acme', change)),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await admin.call('GET', '/admin/teams/acme')).body).toMatchObject(Object.assign({}, ...changes));
  });

  it('503 where others never stop changing it', async () => {
    const { identities } = admin;
    admin.store = new Proxy(identities, {
      get(target, name) {
        if (name === 'replace') return () => Promise.resolve('conflict');
        const method: unknown = Reflect.get(target, name);
        return typeof method === 'function' ? (method.bind(target) as unknown) : method;
      },
    });
    const answer = await admin.call('PATCH', '/admin/teams/acme', { name: 'New' });
    expect(answer.status).toBe(503);
    expect(errorOf(answer)['code']).toBe('overloaded');
    expect(answer.headers.get('retry-after')).toBe('1');
  });

  it('400 for its id and other unknown fields', async () => {
    const answer = await admin.call('PATCH', '/admin/teams/acme', { id: 'beta', created_at: 'now' });
    expect(answer.status).toBe(400);
    expect(problemsOf(answer)).toEqual(['id', 'created_at']);
  });

  it('404 for one there is not', async () => {
    expect((await admin.call('PATCH', '/admin/teams/beta', { name: 'B' })).status).toBe(404);
  });
});

describe('DELETE /admin/teams/:team', () => {
  it('204, and its users and tokens are gone', async () => {
    await admin.seed();
    await admin.issue();
    const answer = await admin.call('DELETE', '/admin/teams/acme');
    expect([answer.status, answer.body]).toEqual([204, {}]);
    for (const path of ['', '/users', '/users/ana', '/tokens']) {
      expect((await admin.call('GET', `/admin/teams/acme${path}`)).status).toBe(404);
    }
    await admin.call('POST', '/admin/teams', { id: 'acme' });
    expect((await admin.call('GET', '/admin/teams/acme/users')).body).toEqual({ data: [] });
    expect((await admin.call('GET', '/admin/teams/acme/tokens')).body).toEqual({ data: [] });
  });

  it('404 for one there is not', async () => {
    expect((await admin.call('DELETE', '/admin/teams/acme')).status).toBe(404);
  });
});
