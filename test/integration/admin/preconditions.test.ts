import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';

interface Answer {
  status: number;
  etag: string;
  code: string | null;
  body: Record<string, unknown>;
}

describe.each(['Redis', 'memory'] as const)('If-Match, on %s', (kind) => {
  let redis: SharedRedis | null = null;
  let gateway: TestGateway;

  beforeAll(async () => {
    redis = kind === 'Redis' ? await sharedRedis() : null;
    gateway = await startGateway(redis ? { redis } : {});
  });

  afterAll(async () => {
    await gateway.close();
  });

  async function ask(method: string, path: string, body?: object, ifMatch?: string): Promise<Answer> {
    const response = await fetch(`${gateway.url}/admin/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${gateway.adminKey}`,
        ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    const answer = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
    const { code = null } = (answer['error'] ?? {}) as { code?: string };
    return { status: response.status, etag: response.headers.get('etag') ?? '', code, body: answer };
  }

  let teams = 0;
  /** A team with a user and a token; the paths of all three. */
  async function made(): Promise<{ team: string; user: string; token: string }> {
    const id = `team-${(teams += 1)}`;
    await ask('POST', 'teams', { id });
    await ask('POST', `teams/${id}/users`, { id: 'ana' });
    const { body } = await ask('POST', `teams/${id}/tokens`, { user: 'ana' });
    return {
      team: `teams/${id}`,
      user: `teams/${id}/users/ana`,
      token: `teams/${id}/tokens/${String(body['id'])}`,
    };
  }

  const changes = [
    ['team', { name: 'A' }, { name: 'B' }],
    ['user', { name: 'A' }, { name: 'B' }],
    ['token', { name: 'A' }, { name: 'B' }],
    ['settings', { defaults: { user: { limits: [] } } }, { limits: [{ metric: 'concurrency', max: 7 }] }],
  ] as const;

  it.each(changes)('lets nobody change a %s that somebody else has changed', async (what, first, second) => {
    const path = what === 'settings' ? 'settings' : (await made())[what];
    if (what === 'settings') await ask('PATCH', path, { limits: [{ metric: 'concurrency', max: 5 }] });
    const seen = await ask('GET', path);
    expect(seen.etag).toMatch(/^"[\w-]{27}"$/);
    const changed = await ask('PATCH', path, what === 'settings' ? { limits: null } : first, seen.etag);
    expect([changed.status, changed.etag === seen.etag]).toEqual([200, false]);

    const stale = await ask('PATCH', path, second, seen.etag);
    expect([stale.status, stale.code]).toEqual([412, 'precondition_failed']);
    expect(stale.body['error']).toMatchObject({ param: 'if-match' });
    expect(await ask('GET', path)).toMatchObject({ etag: changed.etag, body: changed.body });
    expect((await ask('PATCH', path, second, changed.etag)).status).toBe(200);
  });

  it('lets nobody end what somebody else has changed', async () => {
    const { team, user, token } = await made();
    for (const path of [token, user, team]) {
      const { etag: seen } = await ask('GET', path);
      const { etag: now } = await ask('PATCH', path, { name: 'changed' });
      expect(await ask('DELETE', path, undefined, seen)).toMatchObject({
        status: 412,
        code: 'precondition_failed',
      });
      expect(await ask('GET', path)).toMatchObject({ status: 200, etag: now });
      expect((await ask('DELETE', path, undefined, now)).status).toBe(204);
    }
    const { body: admin, etag } = await ask('POST', 'admins', { role: 'auditor' });
    const path = `admins/${String(admin['id'])}`;
    expect((await ask('GET', path)).etag).toBe(etag);
    expect((await ask('DELETE', path, undefined, '"another"')).status).toBe(412);
    expect((await ask('DELETE', path, undefined, etag)).status).toBe(204);
  });

  it('holds for suspending, resuming and rotating as well, and leaves the user and tokens of a refused deletion alone', async () => {
    const { team, user, token } = await made();
    for (const path of [
      `${team}/suspend`,
      `${team}/resume`,
      `${user}/suspend`,
      `${user}/resume`,
      `${token}/rotate`,
    ]) {
      expect((await ask('POST', path, {}, '"another"')).status).toBe(412);
    }
    const before = await ask('GET', token);
    expect((await ask('DELETE', user, undefined, '"another"')).status).toBe(412);
    expect(await ask('GET', token)).toEqual(before);
    const suspended = await ask('POST', `${team}/suspend`, undefined, (await ask('GET', team)).etag);
    expect(suspended).toMatchObject({ status: 200, etag: (await ask('GET', team)).etag });
    const rotated = await ask('POST', `${token}/rotate`, {}, before.etag);
    expect(rotated).toMatchObject({ status: 200, etag: (await ask('GET', token)).etag });
  });

  it('tells the same ETag when a record is made, changed and read', async () => {
    const { etag } = await ask('POST', 'teams', {
      id: 'tagged',
      limits: [{ metric: 'concurrency', max: 1 }],
    });
    expect((await ask('GET', 'teams/tagged')).etag).toBe(etag);
    expect((await ask('PATCH', 'teams/tagged', {}, etag)).etag).toBe(etag);
    await ask('POST', 'teams/tagged/users', { id: 'ana' });
    const issued = await ask('POST', 'teams/tagged/tokens', { user: 'ana' });
    expect((await ask('GET', `teams/tagged/tokens/${String(issued.body['id'])}`)).etag).toBe(issued.etag);
  });

  it('lets one through of many at once that have seen the same', async () => {
    const { team, user, token } = await made();
    for (const path of [team, user, token, 'settings']) {
      const { etag } = await ask('GET', path);
      const bodyOf = (n: number): object =>
        path === 'settings' ? { limits: [{ metric: 'concurrency', max: 100 + n }] } : { name: `n-${n}` };
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, n) => ask('PATCH', path, bodyOf(n), etag)),
      );
      const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
      expect(statuses).toEqual([200, ...Array.from({ length: 11 }, () => 412)]);
    }
  });

  it('is described wherever a record is changed or ended, and the ETag wherever it is told', async () => {
    const { paths } = (await (await fetch(`${gateway.url}/openapi.json`)).json()) as {
      paths: Record<
        string,
        Record<string, { parameters?: { name: string }[]; responses: Record<string, Described> }>
      >;
    };
    interface Described {
      headers?: Record<string, unknown>;
    }
    const schemaOf = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ at: `${method} ${path}`, ...operation })),
    );
    // A purge deletes what has ended, not one record.
    const changing = schemaOf.filter(
      ({ at }) =>
        /^(?:patch|put|delete) \/admin|^post \/admin\/.*\/(?:suspend|resume|rotate|raise|enable)$/.test(at) &&
        at !== 'delete /admin/teams/{team}/tokens',
    );
    expect(changing).toHaveLength(31);
    for (const { at, parameters = [], responses } of changing) {
      expect([at, parameters.some(({ name }) => name === 'If-Match')]).toEqual([at, true]);
      expect(responses).toHaveProperty('412');
      const done = responses['200'] ?? responses['201'];
      if (!at.startsWith('delete')) expect(done?.headers).toHaveProperty('ETag');
    }
  });

  it('takes * and lists, and no weak tags (RFC 9110, 13.1.1)', async () => {
    const { team } = await made();
    const { etag } = await ask('GET', team);
    const statusOf = async (ifMatch: string): Promise<number> =>
      (await ask('PATCH', team, {}, ifMatch)).status;
    expect(await statusOf('*')).toBe(200);
    expect(await statusOf(`"a,b" , ${etag}`)).toBe(200);
    expect(await statusOf(`,${etag},`)).toBe(200);
    expect(await statusOf(`W/${etag}`)).toBe(412);
    expect(await statusOf('""')).toBe(412);
    for (const malformed of ['unquoted', etag.slice(1), `${etag} and`, '*, "a"', ',', '""""x']) {
      expect(await ask('PATCH', team, {}, malformed)).toMatchObject({ status: 400, code: 'invalid_request' });
    }
  });

  it('is a 404 where there is nothing, and says nothing of what the caller may not see', async () => {
    for (const ifMatch of ['*', '"a"']) {
      expect((await ask('PATCH', 'teams/gone', {}, ifMatch)).status).toBe(404);
      expect((await ask('DELETE', 'teams/gone', undefined, ifMatch)).status).toBe(404);
      expect((await ask('DELETE', 'admins/adm_gone', undefined, ifMatch)).status).toBe(404);
    }
    const refused = await fetch(`${gateway.url}/admin/teams/gone`, {
      method: 'DELETE',
      headers: { 'if-match': 'x' },
    });
    expect(refused.status).toBe(401);
  });
});
