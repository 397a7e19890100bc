import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endpoints } from '../../../src/validation/registry.ts';
import type { IssuedToken, TestGateway } from '../../support/gateway.ts';
import { startGateway } from '../../support/gateway.ts';
import { get, post, type Reply } from '../../support/gateway-client.ts';
import { mintSession } from '../../support/sessions.ts';

/* People paste tokens and keys into any field. None is stored, shown, logged or sent on. */

let gateway: TestGateway;
let token: IssuedToken;
/** What was pasted so far. */
const pasted: string[] = [];
const answers: Reply[] = [];

beforeAll(async () => {
  gateway = await startGateway();
  token = await gateway.issue();
});
afterAll(() => gateway.close());

function paste(text = token.text): string {
  pasted.push(text);
  return text;
}

async function admin(method: string, path: string, body?: object): Promise<number> {
  const reply = await fetch(`${gateway.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${gateway.adminKey}` },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await reply.text();
  expect(pasted.filter((secret) => text.includes(secret))).toEqual([]);
  return reply.status;
}

describe('a credential in the place of a name', () => {
  it.each(endpoints)('is refused as the model of $path', async ({ path, minimalBody }) => {
    const reply = await post(
      `${gateway.url}${path}`,
      { ...minimalBody, model: paste() },
      { token: token.text },
    );
    answers.push(reply);
    expect([reply.status, reply.json['error']]).toEqual([
      path === '/v1/agents/heroku' ? 403 : 400,
      expect.objectContaining(path === '/v1/agents/heroku' ? {} : { param: 'model' }),
    ]);
  });

  it('is refused wherever the admin API takes one', async () => {
    const team = `/admin/teams/${token.team}`;
    const named = (): object[] => [
      { name: paste() },
      { models: [paste()] },
      { limits: [{ metric: 'requests', window: 'day', max: 1, models: [paste()] }] },
    ];
    for (const body of named()) expect(await admin('PATCH', team, body)).toBe(400);
    for (const body of [{ name: paste() }, { email: `${paste()}@example.com` }]) {
      expect(await admin('PATCH', `${team}/users/${token.user}`, body)).toBe(400);
    }
    const subject = { issuer: 'https://id.example.com', sub: paste() };
    expect(await admin('PATCH', `${team}/users/${token.user}`, { subject })).toBe(400);
    for (const body of [
      ...named(),
      { tools: [paste()] },
      { origins: [`https://${paste().toLowerCase()}.com`] },
    ]) {
      expect(await admin('PATCH', `${team}/tokens/${token.id}`, body)).toBe(400);
    }
    expect(await admin('POST', '/admin/teams', { id: paste('sk-0123456789abcdef0123456789abcdef') })).toBe(
      400,
    );
    expect(await admin('POST', '/admin/admins', { role: 'admin', name: paste() })).toBe(400);
    expect(await admin('PATCH', team, { [paste()]: 1 })).toBe(400);
  });

  it('is refused in sessions, and as whom they are for', async () => {
    const wanted = [
      { end_user: paste() },
      { models: [paste()] },
      { pinned: { model: paste() } },
      { pinned: { allow: [paste()] } },
      { [paste()]: true },
    ];
    for (const body of wanted) {
      const reply = await post(`${gateway.url}/v1/sessions`, body, { token: token.text });
      answers.push(reply);
      expect([JSON.stringify(Object.keys(body)), reply.status]).toEqual([
        JSON.stringify(Object.keys(body)),
        400,
      ]);
    }
    const { end_user: endUser } = await mintSession(gateway.url, token.text, { end_user: 'visitor-7' });
    expect(endUser).toBe('visitor-7');
  });

  it('is not repeated of a path or a query', async () => {
    for (const place of ['teams', `teams/${token.team}/users`, `teams/${token.team}/tokens`, 'admins']) {
      expect(await admin('GET', `/admin/${place}/${paste()}`)).toBe(404);
    }
    for (const query of ['team', 'user', 'token', 'model', 'endpoint', 'end_user', 'session', 'format']) {
      expect(await admin('GET', `/admin/requests?${query}=${paste()}`)).toBe(400);
    }
    for (const query of ['actor', 'operation', 'team', 'cursor']) {
      expect(await admin('GET', `/admin/audit?${query}=${paste()}`)).toBe(400);
    }
    expect(await admin('GET', `/admin/usage?${paste()}=1`)).toBe(400);
    expect(await admin('GET', `/admin/teams/${token.team}/${paste()}`)).toBe(404);
    expect(await admin('PUT', `/admin/teams/${paste()}`)).toBe(405);
    const encoded = encodeURIComponent(paste()).replace('_', '%5F');
    pasted.push(encoded);
    answers.push(await get(`${gateway.url}/v1/${encoded}`, { token: token.text }));
  });

  it('is replaced as a request id', async () => {
    const headers = { 'x-request-id': paste('sk-0123456789abcdef0123456789abcdefx') };
    const reply = await get(`${gateway.url}/v1/me`, { token: token.text, headers });
    expect(reply.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('has reached no answer, log, ledger, trail, metric or upstream', async () => {
    const reports = [
      '/admin/requests',
      '/admin/usage?group_by=model',
      '/admin/refusals',
      '/admin/audit',
      '/metrics',
    ];
    const texts = await Promise.all(
      reports.map(async (path) => (await get(`${gateway.url}${path}`, { token: gateway.adminKey })).text),
    );
    const sentOn = JSON.stringify(gateway.upstream.requests.map(({ body }) => body));
    for (const text of [...texts, ...answers.map((answer) => answer.text), gateway.log(), sentOn]) {
      expect(pasted.filter((secret) => text.includes(secret))).toEqual([]);
    }
  });
});
