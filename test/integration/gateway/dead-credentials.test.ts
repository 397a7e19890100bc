import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenApiDocument } from '../../../src/operations/openapi/document.ts';
import { DocumentedApi } from '../../support/described-api.ts';
import { type IssuedToken, startGateway, type TestGateway } from '../../support/gateway.ts';
import { get, type Reply } from '../../support/gateway-client.ts';
import { sharedRedis } from '../../support/redis-server.ts';
import { rotateToken } from '../../support/rotation.ts';
import { endSessions, mintSession } from '../../support/sessions.ts';

/* A credential that another process has just ended changes nothing here, whatever this process has cached of it. */

let here: TestGateway;
let elsewhere: TestGateway;
let changing: { name: string; method: string; path: string; body: string | null }[];

beforeAll(async () => {
  const redis = await sharedRedis();
  here = await startGateway({ redis });
  elsewhere = await startGateway({ redis, upstream: here.upstream });
  const { json } = await get(`${here.url}/openapi.json`);
  const api = new DocumentedApi(json as unknown as OpenApiDocument); // of this version
  changing = api.operations
    .filter((name) => /^(?:POST|PATCH|DELETE) \/(?:v1|admin)\//.test(name))
    .map((name) => {
      const [method = '', path = ''] = name.split(' ');
      const [content] = Object.values(api.operation(name).requestBody?.content ?? {});
      return { name, method, path, body: content?.example ? JSON.stringify(content.example) : null };
    });
});

afterAll(async () => {
  await elsewhere.close();
  await here.close();
});

interface Mortal {
  text: string;
  token: IssuedToken;
  /** Ends the credential, on the other process. */
  die: () => Promise<unknown>;
}

const mortals: Readonly<Record<string, () => Promise<Mortal>>> = {
  'a token that is revoked': async () => {
    const token = await elsewhere.issue();
    const path = `/admin/teams/${token.team}/tokens/${token.id}`;
    return { text: token.text, token, die: () => elsewhere.admin('DELETE', path) };
  },
  'a secret that is rotated out': async () => {
    const token = await elsewhere.issue();
    return { text: token.text, token, die: () => rotateToken(elsewhere, token, 0) };
  },
  'a token whose user is suspended': async () => {
    const token = await elsewhere.issue();
    const path = `/admin/teams/${token.team}/users/${token.user}/suspend`;
    return { text: token.text, token, die: () => elsewhere.admin('POST', path) };
  },
  'a token whose team is deleted': async () => {
    const token = await elsewhere.issue();
    return { text: token.text, token, die: () => elsewhere.admin('DELETE', `/admin/teams/${token.team}`) };
  },
  'a session that is ended': async () => {
    const token = await elsewhere.issue();
    const { token: text } = await mintSession(elsewhere.url, token.text);
    return { text, token, die: () => endSessions(elsewhere.url, text) };
  },
  'a session whose team is suspended': async () => {
    const token = await elsewhere.issue();
    const { token: text } = await mintSession(elsewhere.url, token.text);
    return { text, token, die: () => elsewhere.admin('POST', `/admin/teams/${token.team}/suspend`) };
  },
};

async function administrator(): Promise<Mortal> {
  const token = await elsewhere.issue();
  const { body } = await elsewhere.admin('POST', '/admin/admins', { role: 'admin' });
  const die = (): Promise<unknown> => elsewhere.admin('DELETE', `/admin/admins/${String(body['id'])}`);
  return { text: String(body['token']), token, die };
}

function change(asked: (typeof changing)[number], { text, token }: Mortal): Promise<Response> {
  const names: Readonly<Record<string, string>> = { team: token.team, user: token.user, id: token.id };
  const path = asked.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => names[name] ?? '');
  const query = asked.name === 'DELETE /v1/sessions' && text.startsWith('tgk_') ? '?all=true' : '';
  return fetch(`${here.url}${path}${query}`, {
    method: asked.method,
    headers: { authorization: `Bearer ${text}` },
    body: asked.body,
  });
}

async function refused(asked: (typeof changing)[number], mortal: Mortal): Promise<void> {
  await get(`${here.url}${asked.path.startsWith('/admin') ? '/admin/teams' : '/v1/me'}`, {
    token: mortal.text,
  });
  await mortal.die();
  const { status } = await change(asked, mortal);
  expect([asked.name, [401, 403].includes(status) ? 'refused' : status]).toEqual([asked.name, 'refused']);
}

describe('what changes something', () => {
  it.each(Object.keys(mortals))('is refused to %s', async (kind) => {
    const own = changing.filter(({ path }) => path.startsWith('/v1/'));
    expect(own.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['POST /v1/chat/completions', 'POST /v1/me/rotate', 'DELETE /v1/sessions']),
    );
    await Promise.all(own.map(async (asked) => refused(asked, await mortalOf(kind))));
  });

  it('is refused to an administrator who is deleted', async () => {
    const administration = changing.filter(({ path }) => path.startsWith('/admin/'));
    expect(administration.length).toBeGreaterThan(15);
    await Promise.all(administration.map(async (asked) => refused(asked, await administrator())));
  });

  it('leaves the sessions alone that the newest secret made', async () => {
    const token = await elsewhere.issue();
    await get(`${here.url}/v1/me`, { token: token.text });
    const { text } = await rotateToken(elsewhere, token, 0);
    const session = await mintSession(elsewhere.url, text);
    expect((await endSessions(here.url, token.text, '?all=true')).status).toBe(401);
    expect((await get(`${here.url}/v1/me`, { token: session.token })).status).toBe(200);
  });

  it('is refused to whoever is ended while the body is on its way', async () => {
    const holder = await mortalOf('a token that is revoked');
    expect(await endedMeanwhile('/v1/me/rotate', '{}', holder)).toBe(401);
    expect(await endedMeanwhile('/v1/sessions', '{}', await mortalOf('a secret that is rotated out'))).toBe(
      401,
    );
    expect(await endedMeanwhile('/admin/teams', '{"id":"too-late"}', await administrator())).toBe(401);
    expect((await here.admin('GET', '/admin/teams/too-late')).status).toBe(404);
  });
});

function mortalOf(kind: string): Promise<Mortal> {
  const make = mortals[kind];
  if (make === undefined) throw new Error(`There is no ${kind}.`);
  return make();
}

/** The status of a request whose sender is ended once its head was accepted. */
function endedMeanwhile(path: string, body: string, { text, die }: Mortal): Promise<Reply['status']> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${text}`,
      expect: '100-continue',
      'content-length': body.length,
    };
    const sent = request(`${here.url}${path}`, { method: 'POST', headers });
    sent.on('continue', () => void die().then(() => sent.end(body), reject));
    sent.on('response', (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    sent.on('error', reject);
    sent.flushHeaders();
  });
}
