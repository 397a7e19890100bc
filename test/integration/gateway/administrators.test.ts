import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  administrationOf,
  startGateway,
  type AdminReply,
  type IssuedToken,
  type TestGateway,
} from '../../support/gateway.ts';
import { bodies, errorOf, get, paths, post } from '../../support/gateway-client.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';

/* Administrators' tokens on whole gateways: two processes' worth, on one store. */

let redis: SharedRedis;
let gateway: TestGateway;
let second: TestGateway;
let ours: IssuedToken;
let theirs: IssuedToken;

beforeAll(async () => {
  redis = await sharedRedis();
  gateway = await startGateway({ redis });
  second = await startGateway({ redis, adminKey: gateway.adminKey });
  [ours, theirs] = [await gateway.issue(), await gateway.issue()];
  for (const { text, team } of [ours, theirs, ours]) {
    await post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: text });
    await gateway.settled(team, 1);
  }
  await gateway.settled(ours.team, 2);
});

afterAll(async () => {
  await gateway.close();
  await second.close();
});

interface Made {
  id: string;
  token: string;
}

async function make(body: object): Promise<Made> {
  const reply = await gateway.admin('POST', '/admin/admins', body);
  expect(reply.status).toBe(201);
  return { id: String(reply.body['id']), token: String(reply.body['token']) };
}

function read({ token }: Made, path: string, at = gateway): Promise<AdminReply> {
  return administrationOf(at.url, token).admin('GET', path);
}

describe("an administrator's token", () => {
  it('calls nothing under /v1, and is told whose it is', async () => {
    const { token } = await make({ role: 'admin' });
    for (const path of Object.values(paths)) {
      const reply = await post(`${gateway.url}${path}`, {}, { token });
      expect(reply.status).toBe(401);
      expect(reply.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
      expect(errorOf(reply)).toMatchObject({
        code: 'invalid_token',
        message: expect.stringMatching(/administrator's token/) as string,
      });
    }
    for (const path of ['/v1/me', '/v1/models']) {
      expect(errorOf(await get(`${gateway.url}${path}`, { token })).code).toBe('invalid_token');
    }
    expect((await post(`${gateway.url}/v1/sessions`, {}, { token })).status).toBe(401);
  });

  it('is refused everywhere from the next request after it was deleted', async () => {
    const made = await make({ role: 'admin' });
    for (const at of [gateway, second]) expect((await read(made, '/admin/teams', at)).status).toBe(200);
    expect((await second.admin('DELETE', `/admin/admins/${made.id}`)).status).toBe(204);
    for (const at of [gateway, second]) expect((await read(made, '/admin/teams', at)).status).toBe(401);
  });

  it('stands in no log line', async () => {
    const { token } = await make({ role: 'admin' });
    await get(`${gateway.url}/admin/teams`, { token });
    await get(`${gateway.url}/admin/admins/${token}`, { token: gateway.adminKey });
    await get(`${gateway.url}/v1/me`, { token });
    const log = gateway.log();
    expect(log).toContain('/admin/teams');
    expect(log).not.toContain(token.slice(4));
  });
});

describe('a role of one team', () => {
  it.each(['team-admin', 'auditor'])('%s reads the usage of its team, by whatever groups', async (role) => {
    const made = await make({ role, teams: [ours.team] });
    const sum = await read(made, '/admin/usage');
    expect(sum.body['data']).toMatchObject([{ requests: 2 }]);
    const grouped = await read(made, '/admin/usage?group_by=team,user');
    expect(grouped.body['data']).toMatchObject([{ team: ours.team, user: ours.user, requests: 2 }]);
    expect((await read(made, `/admin/usage?team=${ours.team}`)).body['data']).toMatchObject([
      { requests: 2 },
    ]);
    expect((await read(made, `/admin/usage?user=${theirs.user}`)).status).toBe(404);
    expect((await read(made, `/admin/usage?team=${theirs.team}`)).status).toBe(403);
  });

  it.each(['team-admin', 'auditor'])('%s pages through the requests of its team', async (role) => {
    const made = await make({ role, teams: [ours.team] });
    const seen: unknown[] = [];
    let cursor = '';
    for (let page = 0; page < 5; page += 1) {
      const { body } = await read(made, `/admin/requests?limit=1${cursor}`);
      seen.push(...(body['data'] as { team: string }[]).map(({ team }) => team));
      if (typeof body['next_cursor'] !== 'string') break;
      cursor = `&cursor=${body['next_cursor']}`;
    }
    expect(seen).toEqual([ours.team, ours.team]);
  });
});

describe('/metrics', () => {
  it('is for root, admins, and auditors of all teams', async () => {
    const statusFor = async (token: string): Promise<number> =>
      (await get(`${gateway.url}/metrics`, { token })).status;
    expect(await statusFor(gateway.adminKey)).toBe(200);
    expect(await statusFor((await make({ role: 'admin' })).token)).toBe(200);
    expect(await statusFor((await make({ role: 'auditor' })).token)).toBe(200);
    expect(await statusFor((await make({ role: 'auditor', teams: [ours.team] })).token)).toBe(403);
    expect(await statusFor((await make({ role: 'team-admin', teams: [ours.team] })).token)).toBe(403);
    expect(await statusFor(ours.text)).toBe(403);
    const { id, token } = await make({ role: 'admin' });
    await gateway.admin('DELETE', `/admin/admins/${id}`);
    expect(await statusFor(token)).toBe(401);
  });
});
