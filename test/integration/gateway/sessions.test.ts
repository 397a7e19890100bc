import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mintSessionToken } from '../../../src/identity/records/token-text.ts';
import { userIdFor } from '../../../src/identity/records/end-user.ts';
import type { Limit } from '../../../src/base/limit.ts';
import { endpointKinds } from '../../../src/validation/registry.ts';
import { type IssuedToken, models, startGateway, type TestGateway } from '../../support/gateway.ts';
import {
  bodies,
  errorOf,
  get,
  open,
  paths,
  post,
  readStream,
  type Reply,
} from '../../support/gateway-client.ts';
import { sharedRedis, startRedis, type SharedRedis } from '../../support/redis-server.ts';
import { askSession, endSessions, mintSession, type MintedSession } from '../../support/sessions.ts';
import { TurnedClock } from '../../support/turned-clock.ts';
import { waitFor } from '../../support/wait-for.ts';

const app = 'https://app.example.com';

describe.each(['memory', 'redis'] as const)('sessions, store: %s', (store) => {
  let redis: SharedRedis | null = null;
  let gateway: TestGateway;
  const clock = new TurnedClock();

  beforeAll(async () => {
    if (store === 'redis') redis = await sharedRedis();
    gateway = await startGateway({
      standIn: { listsModels: false },
      ...(redis ? { redis } : {}),
      clock,
      env: { ALLOWED_ORIGINS: app, SESSIONS_PER_MINUTE: '100000', SESSION_STORE_BYTES: '100000000' },
    });
  });

  afterAll(async () => {
    await gateway.close();
  });

  const chat = (token: string, more: object = {}, headers: Record<string, string> = {}): Promise<Reply> =>
    post(`${gateway.url}${paths.chat}`, bodies.chat(more), { token, headers });
  const mint = (token: IssuedToken, wanted: object = {}): Promise<MintedSession> =>
    mintSession(gateway.url, token.text, wanted);
  const refusal = async (token: IssuedToken, wanted: object | string): Promise<string> => {
    const reply = await askSession(gateway.url, token.text, wanted);
    const { code, param } = errorOf(reply);
    return `${reply.status} ${code} ${param}`;
  };
  const codeOf = (reply: Reply): string => `${reply.status} ${errorOf(reply).code}`;

  describe('making one', () => {
    it('gives a token that works, at once and for a quarter of an hour, with nothing asked', async () => {
      const token = await gateway.issue();
      const session = await mintSession(gateway.url, token.text);
      expect(session.token).toMatch(/^tgs_[0-9A-Za-z]{40,124}$/);
      expect(session.id).toMatch(/^ses_/);
      expect(session.expires_in).toBe(900);
      expect(Math.abs(Date.parse(session.expires_at) - clock.now() - 900_000)).toBeLessThan(60_000);
      expect((await chat(session.token)).status).toBe(200);
      const empty = await askSession(gateway.url, token.text, '');
      expect(empty.status).toBe(201);
      expect(empty.headers.get('cache-control')).toBe('no-store');
    });

    it('keeps what was asked, shown once', async () => {
      const token = await gateway.issue();
      const wanted = {
        expires_in: 60,
        models: [models.chat],
        endpoints: [paths.chat],
        origins: [app],
        tools: [],
        limits: [{ metric: 'requests', window: 'minute', max: 3 }],
        end_user: 'visitor 7',
      };
      const session = await mint(token, wanted);
      expect(session).toMatchObject({ ...wanted, pinned: null });
    });

    it('reaches the ledger with its id and whom it was made for', async () => {
      const token = await gateway.issue();
      const session = await mint(token, { end_user: 'Zoë, visitor 7' });
      await chat(session.token);
      await chat(token.text);
      const [first, second] = await gateway.settled(token.team, 2);
      expect(first).toMatchObject({ token_id: token.id, session_id: session.id, end_user: 'Zoë, visitor 7' });
      expect(second).toMatchObject({ token_id: token.id, session_id: null, end_user: null });
      for (const filter of [`session=${session.id}`, `end_user=${encodeURIComponent('Zoë, visitor 7')}`]) {
        const { body } = await gateway.admin('GET', `/admin/requests?team=${token.team}&${filter}`);
        expect(body['data']).toEqual([first]);
      }
    });

    it.each([
      [{ expires_in: 9 }, '400 invalid_body expires_in'],
      [{ expires_in: 86_401 }, '400 invalid_body expires_in'],
      [{ expires_in: 10.5 }, '400 invalid_body expires_in'],
      [{ end_user: 'x'.repeat(65) }, '400 invalid_body end_user'],
      [{ end_user: 'a\tb' }, '400 invalid_body end_user'],
      [{ end_user: '..' }, '400 invalid_body end_user'],
      [{ end_user: userIdFor('https://accounts.example.com', '7') }, '400 invalid_body end_user'],
      [{ origins: ['https://app.example.com/'] }, '400 invalid_body origins.0'],
      [{ user: 'ana' }, '400 invalid_body user'],
      [{ limits: [{ metric: 'requests' }] }, '400 invalid_body limits.0.window'],
      ['[]', '400 invalid_body null'],
      ['{', '400 invalid_json null'],
      [{ end_user: 'x'.repeat(70_000) }, '413 body_too_large null'],
    ])('refuses %j', async (wanted, expected) => {
      expect(await refusal(await gateway.issue(), wanted)).toBe(expected);
    });

    it('is not for sessions', async () => {
      const session = await mint(await gateway.issue());
      expect(codeOf(await askSession(gateway.url, session.token))).toBe('403 role_not_allowed');
    });

    it('is not for a token that was revoked, in whichever state the cache is', async () => {
      const token = await gateway.issue();
      await mint(token);
      await gateway.admin('DELETE', `/admin/teams/${token.team}/tokens/${token.id}`);
      expect(codeOf(await askSession(gateway.url, token.text))).toBe('401 revoked_token');
    });

    it('goes by what the token may do now, not by what is cached of it', async () => {
      const token = await gateway.issue({ models: [models.chat, models.images] });
      await mint(token, { models: [models.images] });
      const path = `/admin/teams/${token.team}/tokens/${token.id}`;
      await gateway.admin('PATCH', path, { models: [models.chat] });
      expect(await refusal(token, { models: [models.images] })).toBe('403 model_not_allowed models');
      await gateway.admin('PATCH', path, { models: null });
      await mint(token, { models: [models.images] });
    });
  });

  describe('is never wider than its parent', () => {
    const hourly = (max: number): Limit => ({ metric: 'requests', window: 'hour', max });
    const narrow = {
      models: [models.chat],
      endpoints: [paths.chat],
      origins: [app, 'none'],
      tools: ['search'],
      expires_in: 3_600,
      limits: [hourly(10)],
    };

    it.each([
      ['models', { models: [models.chat, models.images] }, '403 model_not_allowed models'],
      ['endpoints', { endpoints: [paths.images] }, '403 endpoint_not_allowed endpoints'],
      ['origins', { origins: ['https://evil.example'] }, '403 origin_not_allowed origins'],
      ['tools', { tools: ['shell'] }, '403 tool_not_allowed tools'],
      ['expires_in', { expires_in: 7_200 }, '403 wider_than_parent expires_in'],
      ['limits', { limits: [hourly(11)] }, '403 wider_than_parent limits.0.max'],
      ['pinned model', { pinned: { model: models.images } }, '403 model_not_allowed pinned.model'],
      [
        'pinned endpoint',
        { pinned: { endpoint: paths.images, model: models.chat } },
        '403 endpoint_not_allowed pinned.endpoint',
      ],
    ])('in %s', async (_field, wanted, expected) => {
      const token = await gateway.issue(narrow);
      expect(await refusal(token, wanted)).toBe(expected);
      await mint(token, { ...narrow, expires_in: 600 });
    });

    it("in the team's models and limits", async () => {
      const token = await gateway.issue({ team: { models: [models.chat], limits: [hourly(5)] } });
      expect(await refusal(token, { models: [models.images] })).toBe('403 model_not_allowed models');
      expect(await refusal(token, { limits: [hourly(6)] })).toBe('403 wider_than_parent limits.0.max');
      await mint(token, { models: [models.chat], limits: [hourly(5)] });
    });

    it('in origins where the token has no list: those of the gateway hold', async () => {
      const token = await gateway.issue();
      const wanted = { origins: ['https://other.example'] };
      expect(await refusal(token, wanted)).toBe('403 origin_not_allowed origins');
      // "More than the token allows" would not be true of a token that restricts nothing.
      expect(errorOf(await askSession(gateway.url, token.text, wanted)).message).toMatch(
        /^origins: https:\/\/other\.example .*ALLOWED_ORIGINS/,
      );
      await mint(token, { origins: [app, 'none'] });
    });

    it('in tools where the token has no list: plain functions only', async () => {
      expect(await refusal(await gateway.issue(), { tools: ['search'] })).toBe('403 tool_not_allowed tools');
    });

    it('in time: without expires_in it ends with the token', async () => {
      const session = await mint(await gateway.issue({ expires_in: 120 }));
      expect(session.expires_in).toBeGreaterThan(100);
      expect(session.expires_in).toBeLessThanOrEqual(120);
    });

    it('also when the parent is narrowed later', async () => {
      const token = await gateway.issue();
      const session = await mint(token, { models: [models.chat] });
      expect((await chat(session.token)).status).toBe(200);
      const path = `/admin/teams/${token.team}/tokens/${token.id}`;
      await gateway.admin('PATCH', path, { models: [models.images] });
      expect(codeOf(await chat(session.token))).toBe('403 model_not_allowed');
      await gateway.admin('PATCH', path, { models: null, origins: ['https://elsewhere.example'] });
      expect(codeOf(await chat(session.token))).toBe('403 origin_not_allowed');
    });
  });

  describe('its policy', () => {
    it('holds beside that of the token', async () => {
      const session = await mint(await gateway.issue({ tools: ['search', 'shell'] }), {
        models: [models.chat],
        endpoints: [paths.chat],
        origins: [app],
        tools: ['search'],
      });
      const here = { origin: app };
      expect((await chat(session.token, {}, here)).status).toBe(200);
      expect(codeOf(await chat(session.token))).toBe('403 origin_not_allowed');
      expect(codeOf(await chat(session.token, {}, { origin: 'https://evil.example' }))).toBe(
        '403 origin_not_allowed',
      );
      expect(codeOf(await chat(session.token, { model: 'claude-4-sonnet' }, here))).toBe(
        '403 model_not_allowed',
      );
      const shell = { tools: [{ type: 'heroku_tool', name: 'shell' }] };
      expect(codeOf(await chat(session.token, shell, here))).toBe('403 tool_not_allowed');
      const image = await post(`${gateway.url}${paths.images}`, bodies.images(), {
        token: session.token,
        headers: here,
      });
      expect(codeOf(image)).toBe('403 endpoint_not_allowed');
    });

    it('runs no tool elsewhere unless it says so, whatever its token may', async () => {
      const session = await mint(await gateway.issue({ tools: ['search'] }));
      const search = { tools: [{ type: 'heroku_tool', name: 'search' }] };
      expect(codeOf(await chat(session.token, search))).toBe('403 tool_not_allowed');
    });

    it.each([
      'https://app.example.com.evil.test',
      'https://app.example.com:8443',
      'http://app.example.com',
      'https://app.example.com.',
      'https://evil.test/https://app.example.com',
      'null',
      'file://',
      '',
    ])('keeps out the origin %j', async (origin) => {
      const session = await mint(await gateway.issue(), { origins: [app] });
      const reply = await chat(session.token, {}, { origin });
      expect(codeOf(reply)).toBe('403 origin_not_allowed');
      expect(reply.headers.get('access-control-allow-origin')).toBe(origin);
    });

    it.each(endpointKinds.map((kind) => ({ path: paths[kind], kind })))(
      'takes bodies of at most 1 MiB to $path, or what its token allows',
      async ({ path, kind }) => {
        // Some must be named.
        const named = { endpoints: [path] };
        const limits: Limit[] = [{ metric: 'requests', window: 'hour', max: 1_000 }];
        const token = await gateway.issue({ limits, ...named });
        const session = await mint(token, named);
        const body = ' '.repeat(1_100_000) + JSON.stringify(bodies[kind]());
        const url = `${gateway.url}${path}`;
        expect(codeOf(await post(url, body, { token: session.token }))).toBe('413 body_too_large');
        expect((await post(url, body, { token: token.text })).status).toBe(200);
        const record = `/admin/teams/${token.team}/tokens/${token.id}`;
        await gateway.admin('PATCH', record, { max_session_body_bytes: 2_000_000 });
        expect((await post(url, body, { token: session.token })).status).toBe(200);
        await gateway.admin('PATCH', record, { max_session_body_bytes: 1_000 });
        expect(codeOf(await post(url, body, { token: session.token }))).toBe('413 body_too_large');
      },
    );
  });

  describe('its limits', () => {
    const hourly = (max: number): Limit => ({ metric: 'requests', window: 'hour', max });

    it('are its own, and those of token, user and team hold too', async () => {
      const token = await gateway.issue({ team: { limits: [hourly(3)] } });
      const one = await mint(token, { limits: [hourly(1)] });
      const other = await mint(token, { limits: [hourly(2)] });
      expect((await chat(one.token)).status).toBe(200);
      const own = await chat(one.token);
      expect(codeOf(own)).toBe('429 rate_limit_exceeded');
      expect(errorOf(own).limit).toMatchObject({ scope: 'session', max: 1 });
      expect((await chat(other.token)).status).toBe(200);
      expect((await chat(other.token)).status).toBe(200);
      expect((await chat(token.text)).status).toBe(429);
    });

    it("are all that a visitor sees: never the team's figures, nor anyone's email", async () => {
      const token = await gateway.issue({
        team: { limits: [hourly(7_777)] },
        user: { limits: [{ metric: 'tokens', window: 'day', max: 8_888_888 }] },
        limits: [{ metric: 'concurrency', max: 6_666_667 }],
      });
      const [path] = [`/admin/teams/${token.team}/users/${token.user}`];
      await gateway.admin('PATCH', path, { email: 'ana@example.com' });
      const session = await mint(token, { limits: [hourly(5)], end_user: 'v' });
      const answered = await chat(session.token);
      const me = await get(`${gateway.url}/v1/me`, { token: session.token });
      expect(me.json['limits']).toEqual([
        expect.objectContaining({ scope: 'session', max: 5, used: 1, remaining: 4 }),
      ]);
      expect(me.json['session']).toMatchObject({
        id: session.id,
        end_user: 'v',
        expires_at: session.expires_at,
      });
      expect(answered.headers.get('ratelimit-policy')).toBe('"session-requests-hour";q=5;w=3600');
      expect(answered.headers.get('x-ratelimit-limit-tokens')).toBeNull();
      const seen = JSON.stringify([me.text, ...answered.headers]);
      for (const secret of ['7777', '8888888', '6666667', 'ana@', token.user])
        expect(seen).not.toContain(secret);
    });

    it('tell no figures where the limit of others is in the way', async () => {
      const token = await gateway.issue({
        team: { limits: [hourly(1), { metric: 'tokens', window: 'day', max: 9_999 }] },
      });
      const session = await mint(token, { limits: [hourly(1)] });
      const tooBig = await chat(session.token, { max_tokens: 20_000, model: 'a-model-not-in-the-catalogue' });
      expect(codeOf(tooBig)).toBe('429 insufficient_quota');
      await chat(token.text);
      const full = await chat(session.token);
      expect(codeOf(full)).toBe('429 rate_limit_exceeded');
      expect(full.headers.get('retry-after')).toMatch(/^\d+$/);
      for (const reply of [tooBig, full]) {
        expect(errorOf(reply).limit).toBeUndefined();
        expect(reply.text).not.toMatch(/9999|team|limit of/);
        expect(reply.headers.get('ratelimit-policy')).toContain('"session-requests-hour"');
        expect(reply.headers.get('ratelimit-policy')).not.toContain('team');
      }
    });

    it('of concurrency free their place when the answer ends', async () => {
      const token = await gateway.issue();
      const session = await mint(token, { limits: [{ metric: 'concurrency', max: 1 }] });
      for (let n = 0; n < 5; n += 1) expect((await chat(session.token)).status).toBe(200);
    });
  });

  describe('its end', () => {
    it('holds from the next request on, and running streams go on', async () => {
      const token = await gateway.issue();
      const session = await mint(token);
      const body = bodies.chat({ stream: true });
      const answer = await open(`${gateway.url}${paths.chat}`, body, { token: session.token });
      const stream = readStream(answer);
      await stream.until('data:');
      expect((await endSessions(gateway.url, session.token)).status).toBe(204);
      expect(codeOf(await chat(session.token))).toBe('401 invalid_token');
      expect(await stream.rest()).toBe('clean');
      expect(codeOf(await endSessions(gateway.url, session.token))).toBe('401 invalid_token');
    });

    it('of all comes with the token and ?all=true', async () => {
      const token = await gateway.issue();
      const others = await mint(await gateway.issue());
      const sessions = [await mint(token), await mint(token)];
      for (const { token: text } of sessions) expect((await chat(text)).status).toBe(200);
      expect(codeOf(await endSessions(gateway.url, token.text))).toBe('400 invalid_request');
      expect(codeOf(await endSessions(gateway.url, token.text, '?all=yes'))).toBe('400 invalid_request');
      expect(codeOf(await endSessions(gateway.url, others.token, '?all=true'))).toBe('403 role_not_allowed');
      expect((await endSessions(gateway.url, token.text, '?all=true')).status).toBe(204);
      for (const { token: text } of sessions) expect(codeOf(await chat(text))).toBe('401 invalid_token');
      expect((await chat(others.token)).status).toBe(200);
      expect((await chat(token.text)).status).toBe(200);
    });

    it('comes with that of its token, its user or its team', async () => {
      const ends = [
        ({ team, id }: IssuedToken) => `/admin/teams/${team}/tokens/${id}`,
        ({ team, user }: IssuedToken) => `/admin/teams/${team}/users/${user}`,
        ({ team }: IssuedToken) => `/admin/teams/${team}`,
      ];
      for (const path of ends) {
        const token = await gateway.issue();
        const session = await mint(token);
        expect((await chat(session.token)).status).toBe(200);
        expect((await gateway.admin('DELETE', path(token))).status).toBe(204);
        expect((await chat(session.token)).status).toBe(401);
      }
    });

    it('is told as expired, also when nothing of it is left', async () => {
      const { text } = mintSessionToken(Date.now() - 60_000);
      expect(codeOf(await chat(text))).toBe('401 expired_token');
      const never = mintSessionToken(Date.now() + 60_000).text;
      expect(codeOf(await chat(never))).toBe('401 invalid_token');
    });
  });
});

// These two wait or work for long: at once, and with stores of their own.
describe.concurrent('a session that expires', () => {
  it('is told so: while it is kept, once it is gone, and in the middle of use', async () => {
    const clock = new TurnedClock();
    const gateway = await startGateway({ clock });
    try {
      const token = await gateway.issue();
      const session = await mintSession(gateway.url, token.text, { expires_in: 10 });
      const chat = (): Promise<Reply> =>
        post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: session.token });
      expect((await chat()).status).toBe(200);
      clock.aheadMs = 11_500;
      const reply = await chat();
      expect(errorOf(reply).code).toBe('expired_token');
      expect(errorOf(reply).message).toMatch(/session expired at .*Get a new one/);
      clock.aheadMs = 3_600_000;
      expect(errorOf(await chat()).code).toBe('expired_token');
    } finally {
      await gateway.close();
    }
  });

  it('is told so by the clock of Redis, also when its key is gone', { timeout: 60_000 }, async () => {
    const redis = await startRedis();
    const gateway = await startGateway({ redis });
    try {
      const token = await gateway.issue();
      const session = await mintSession(gateway.url, token.text, { expires_in: 10 });
      const chat = (): Promise<Reply> =>
        post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: session.token });
      expect((await chat()).status).toBe(200);
      // Really awaited: what is tested is Redis's own expiry of the key, and its clock.
      await waitFor(async () => (await chat()).status === 401, { what: 'it to expire', everyMs: 250 });
      expect(errorOf(await chat()).code).toBe('expired_token');
    } finally {
      await gateway.close();
      await redis.stop();
    }
  });
});

describe.concurrent('mintings without end', () => {
  /* That exactly those are made that fit, whatever is asked for, is in the contract of the session store. */
  it('are bounded in bytes, and hinder nobody else', async () => {
    const redis = await startRedis();
    const gateway = await startGateway({ redis, env: { SESSIONS_PER_MINUTE: '9000' } });
    try {
      const token = await gateway.issue();
      const other = await gateway.issue();
      const statuses = new Map<number, number>();
      let refused: Reply | null = null;
      const large = {
        pinned: {
          endpoint: paths.chat,
          model: models.chat,
          messages: [{ role: 'system', content: 'x'.repeat(10_000) }],
        },
      };
      for (let batch = 0; batch < 4; batch += 1) {
        const asked = Array.from({ length: 100 }, () => askSession(gateway.url, token.text, large));
        for (const reply of await Promise.all(asked)) {
          statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1);
          if (reply.status === 429) refused = reply;
        }
      }
      const made = statuses.get(201) ?? 0;
      expect([...statuses.keys()].sort((a, b) => a - b)).toEqual([201, 429]);
      expect(made).toBeGreaterThan(150);
      expect(made).toBeLessThan(250);
      expect(errorOf(refused as Reply)).toMatchObject({
        code: 'rate_limit_exceeded',
        limit: { scope: 'token', metric: 'session_bytes' },
      });
      expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
      await mintSession(gateway.url, other.text);
      const chat = await post(`${gateway.url}${paths.chat}`, bodies.chat(), { token: token.text });
      expect(chat.status).toBe(200);
      expect((await endSessions(gateway.url, token.text, '?all=true')).status).toBe(204);
      await mintSession(gateway.url, token.text);
    } finally {
      await gateway.close();
      await redis.stop();
    }
  });
});
