import { beforeEach, describe, expect, it } from 'vitest';
import { SessionMinter } from '../../../src/sessions/minter.ts';
import { sessionRoutes } from '../../../src/sessions/session-routes.ts';
import { SessionStore } from '../../../src/sessions/session-store.ts';
import type { Route } from '../../../src/edge/route.ts';
import type { Token } from '../../../src/identity/records/identity.ts';
import { testKeys } from '../../support/embedded-store.ts';
import { FrontDesk } from '../edge/front-desk.ts';

let desk: FrontDesk;
let route: Route;

async function open(policy: Partial<Token> = {}, perMinute = 100): Promise<void> {
  desk = await FrontDesk.open(policy);
  const sessions = new SessionStore(desk.store, testKeys, { perMinute, maxBytes: 100_000 });
  const minter = new SessionMinter({
    allowedOrigins: [],
    pinnedProblems: () => [],
    realModel: (id) => id,
    storeNowMs: () => desk.nowMs,
    sessions,
  });
  const { frontDoor, answers } = desk;
  [route] = sessionRoutes({ frontDoor, answers, minter, sessions }) as [Route];
}

beforeEach(() => open());

async function mint(body = '', token = desk.token) {
  const { status, json } = await desk.ask(route, {
    method: 'POST',
    body,
    headers: { authorization: `Bearer ${token}` },
  });
  return {
    status,
    body: json as { token: string; models: string[]; expires_in: number; error: { code: string } },
  };
}

async function end(token: string, query = ''): Promise<number> {
  const path = `/v1/sessions${query}`;
  return (await desk.ask(route, { method: 'DELETE', path, headers: { authorization: `Bearer ${token}` } }))
    .status;
}

describe('POST /v1/sessions', () => {
  it('makes a session of every default if there is no body', async () => {
    const { status, body } = await mint();
    expect([status, body.expires_in]).toEqual([201, 900]);
    expect(body.token).toMatch(/^tgs_/);
  });

  it.each([
    ['no JSON', '{', 400, 'invalid_json'],
    ['an unknown field', '{"modles":[]}', 400, 'invalid_body'],
    ['a model the token may not use', '{"models":["other"]}', 403, 'model_not_allowed'],
    ['a body that is too large', 'x'.repeat(40_000), 413, 'body_too_large'],
  ])('is refused: %s', async (_, text, status, code) => {
    await open({ models: ['nova-pro'] });
    const reply = await mint(text);
    expect([reply.status, reply.body.error.code]).toEqual([status, code]);
  });

  it('is refused to a session', async () => {
    const { body } = await mint();
    expect((await mint('', body.token)).body.error.code).toBe('role_not_allowed');
  });

  it('is never refused for what is cached of the token: the store is asked first', async () => {
    await open({ models: ['nova-pro'] });
    await mint();
    await desk.change({ models: ['nova-pro', 'other'] });
    expect((await mint('{"models":["other"]}')).body.models).toEqual(['other']);
  });

  it('makes none wider than the token is by now, whatever is cached', async () => {
    await open({ models: ['nova-pro', 'other'] });
    await mint();
    await desk.change({ models: ['nova-pro'] });
    expect((await mint('{"models":["other"]}')).body.error.code).toBe('model_not_allowed');
  });

  it('is refused beyond the bound of a minute, until the next one', async () => {
    await open({}, 1);
    expect((await mint()).status).toBe(201);
    expect((await mint()).status).toBe(429);
    desk.nowMs += 60_000;
    expect((await mint()).status).toBe(201);
  });
});

describe('DELETE /v1/sessions', () => {
  it('ends this session, and says so of one that has ended', async () => {
    const [{ body: first }, { body: second }] = [await mint(), await mint()];
    expect(await end(first.token)).toBe(204);
    expect(await end(first.token)).toBe(401);
    expect(await end(second.token)).toBe(204);
  });

  it.each([
    ['?all=true', 204],
    ['?all=false', 400],
    ['', 400],
    ['?all=yes', 400],
    ['?all=true&all=true', 400],
  ])("with the user's token and %j: %i", async (query, status) => {
    const { body } = await mint();
    expect(await end(desk.token, query)).toBe(status);
    expect(await end(body.token)).toBe(status === 204 ? 401 : 204);
  });

  it("with a session ends no other: ?all=true is the token's", async () => {
    const { body } = await mint();
    expect(await end(body.token, '?all=true')).toBe(403);
  });
});
