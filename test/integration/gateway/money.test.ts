import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Limit } from '../../../src/base/limit.ts';
import { type IssuedToken, startGateway, type TestGateway } from '../../support/gateway.ts';
import { bodies, errorOf, get, paths, post, type Reply } from '../../support/gateway-client.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';
import { mintSession } from '../../support/sessions.ts';
import { waitFor } from '../../support/wait-for.ts';
import { withoutDyno } from '../../support/series.ts';

/* Limits on money, for some endpoints, over the whole gateway; defaults; suspension; notices. */

const priced = 'claude-priced';
const unpriced = 'claude-unpriced';
/** Three and fifteen dollars a million. */
const price = { usd_per_million_input_tokens: 3, usd_per_million_output_tokens: 15 };
const money = (max: number): Limit => ({ metric: 'cost_usd', window: 'day', max });

describe.each(['memory', 'redis'] as const)('store: %s', (store) => {
  let redis: SharedRedis | null = null;
  let gateway: TestGateway;

  beforeAll(async () => {
    const models = { [priced]: { kind: 'chat', price }, [unpriced]: { kind: 'chat' } };
    if (store === 'redis') redis = await sharedRedis();
    gateway = await startGateway({
      ...(redis ? { redis } : {}),
      models,
      standIn: { listsModels: false },
    });
  });

  afterAll(() => gateway.close());

  const chat = ({ text }: Pick<IssuedToken, 'text'>, more: object = {}): Promise<Reply> =>
    post(`${gateway.url}${paths.chat}`, bodies.chat({ model: priced, ...more }), { token: text });
  const code = (reply: Reply): string => `${reply.status} ${reply.status === 200 ? '' : errorOf(reply).code}`;
  const settings = (body: object): Promise<unknown> => gateway.admin('PATCH', '/admin/settings', body);

  describe('a limit on money', () => {
    it('counts nano-dollars by the prices of the catalogue, in ledger, totals and /v1/me alike', async () => {
      const token = await gateway.issue({ limits: [money(1)] });
      expect((await chat(token)).status).toBe(200);
      const [entry] = await gateway.settled(token.team, 1);
      const cost = ((entry?.input_tokens ?? 0) * 3 + (entry?.output_tokens ?? 0) * 15) / 1e6;
      expect(cost).toBeGreaterThan(0);
      expect(entry?.cost_usd).toBeCloseTo(cost, 12);
      expect((await gateway.usage(token.team)).cost_usd).toBeCloseTo(cost, 12);
      const { json } = await get(`${gateway.url}/v1/me`, { token: token.text });
      const [limit] = json['limits'] as { metric: string; used: number; remaining: number; max: number }[];
      expect(limit).toMatchObject({ metric: 'cost_usd', max: 1 });
      expect(limit?.used).toBeCloseTo(cost, 12);
      expect(limit?.remaining).toBeCloseTo(1 - cost, 12);
    });

    it('reserves before and is never overshot by what is reserved, however many come at once', async () => {
      // 50 output tokens are 750 microdollars; the input some 100.
      const token = await gateway.issue({ limits: [money(0.002)] });
      const replies = await Promise.all(Array.from({ length: 20 }, () => chat(token, { max_tokens: 50 })));
      const admitted = replies.filter(({ status }) => status === 200).length;
      expect(admitted).toBeGreaterThanOrEqual(1);
      expect(admitted).toBeLessThan(20);
      const refused = replies.find(({ status }) => status === 429);
      expect(refused && errorOf(refused)).toMatchObject({
        code: 'insufficient_quota',
        limit: { scope: 'token', metric: 'cost_usd', window: 'day', max: 0.002 },
      });
      expect(refused && errorOf(refused).message).toMatch(/\$0\.002 a day.*\$0\.00\d+ needed/);
    });

    it('refuses a model without a price, which is not free', async () => {
      const token = await gateway.issue({ limits: [money(5)] });
      const reply = await chat(token, { model: unpriced });
      expect([reply.status, errorOf(reply).code, errorOf(reply).param]).toEqual([
        403,
        'model_unpriced',
        'model',
      ]);
      const other = await gateway.issue({ limits: [{ ...money(5), models: [priced] }] });
      expect((await chat(other, { model: unpriced })).status).toBe(200);
      const [entry] = await gateway.settled(other.team, 1);
      expect(entry?.cost_usd).toBeNull();
    });

    it('goes by a price that is set from the next request on, until it is taken back', async () => {
      const path = `/admin/prices/${unpriced}`;
      const set = { usd_per_million_input_tokens: 1_000, usd_per_million_output_tokens: 0 };
      expect((await gateway.admin('PUT', path, { prices: [set] })).status).toBe(200);
      const token = await gateway.issue({ limits: [money(5)] });
      expect((await chat(token, { model: unpriced })).status).toBe(200);
      const [entry] = await gateway.settled(token.team, 1);
      expect(entry?.cost_usd).toBeCloseTo((entry?.input_tokens ?? 0) / 1_000, 12);
      expect((await gateway.admin('DELETE', path)).status).toBe(204);
      expect(code(await chat(token, { model: unpriced }))).toBe('403 model_unpriced');
    });

    it('bounds output that the body does not, by what it can ever hold', async () => {
      const token = await gateway.issue({ limits: [money(0.01)] });
      expect((await chat(token, { max_tokens: null })).status).toBe(200);
      const sent = gateway.upstream.requests.at(-1)?.body as { max_tokens?: number };
      expect(sent.max_tokens).toBeGreaterThan(500);
      expect(sent.max_tokens).toBeLessThan(667);
      const never = await gateway.issue({ limits: [money(0.0000001)] });
      const reply = await chat(never);
      expect(code(reply)).toBe('429 insufficient_quota');
      expect(reply.headers.get('x-should-retry')).toBe('false');
      expect(errorOf(reply).message).toMatch(/can never fit/);
    });

    it.each([
      [-1, 'limits.0.max'],
      [0.000_000_000_1, 'limits.0.max'],
      [9_000_001, 'limits.0.max'],
      ['1', 'limits.0.max'],
    ])('cannot be %j', async (max, param) => {
      const { status, body } = await gateway.admin('POST', '/admin/teams', {
        id: 'never',
        limits: [{ metric: 'cost_usd', window: 'day', max }],
      });
      expect(status).toBe(400);
      expect(body).toMatchObject({ error: { param } });
    });
  });

  describe('a limit for some endpoints', () => {
    it('counts those, and nothing else', async () => {
      const token = await gateway.issue({
        limits: [{ metric: 'requests', window: 'day', max: 1, endpoints: [paths.embeddings] }],
      });
      const embed = (): Promise<Reply> =>
        post(`${gateway.url}${paths.embeddings}`, bodies.embeddings(), { token: token.text });
      for (let n = 0; n < 3; n += 1) expect((await chat(token)).status).toBe(200);
      expect((await embed()).status).toBe(200);
      const refused = await embed();
      expect(code(refused)).toBe('429 insufficient_quota');
      expect(errorOf(refused).message).toContain('1 request a day at /v1/embeddings');
    });
  });

  describe('a limit over the whole gateway', () => {
    it('holds over all teams together, from the next request on, and goes when it is taken off', async () => {
      const [one, other] = [await gateway.issue(), await gateway.issue()];
      expect((await chat(one)).status).toBe(200);
      await settings({ limits: [{ metric: 'requests', window: 'day', max: 2 }] });
      try {
        expect((await chat(one)).status).toBe(200);
        expect((await chat(other)).status).toBe(200);
        for (const token of [one, other]) {
          const refused = await chat(token);
          expect(code(refused)).toBe('429 insufficient_quota');
          expect(errorOf(refused).limit).toMatchObject({ scope: 'gateway', max: 2 });
        }
        await settings({ limits: [{ metric: 'requests', window: 'day', max: 3 }] });
        expect((await chat(one)).status).toBe(200);
        expect((await chat(other)).status).toBe(429);
      } finally {
        await settings({ limits: null });
      }
      expect((await chat(other)).status).toBe(200);
    });

    it('is nothing a visitor of a page is told', async () => {
      const token = await gateway.issue();
      const session = { text: (await mintSession(gateway.url, token.text)).token };
      await settings({ limits: [{ metric: 'requests', window: 'month', max: 0 }] });
      try {
        const refused = await chat(session);
        expect(code(refused)).toBe('429 insufficient_quota');
        expect(refused.text).not.toContain('gateway');
        expect(errorOf(refused).limit).toBeUndefined();
      } finally {
        await settings({ limits: null });
      }
    });
  });

  describe('defaults', () => {
    it('are what new teams, users and tokens get that say nothing of limits', async () => {
      const limit = (max: number): Limit => ({ metric: 'requests', window: 'day', max });
      await settings({
        defaults: {
          team: { limits: [limit(30)] },
          user: { limits: [limit(20)] },
          token: { limits: [limit(2)] },
        },
      });
      try {
        const token = await gateway.issue();
        const { json } = await get(`${gateway.url}/v1/me`, { token: token.text });
        const limits = json['limits'] as { scope: string; max: number }[];
        expect(limits.map(({ scope, max }) => [scope, max])).toEqual([
          ['team', 30],
          ['user', 20],
          ['token', 2],
        ]);
        const unlimited = await gateway.issue({ limits: [] });
        const { json: other } = await get(`${gateway.url}/v1/me`, { token: unlimited.text });
        expect((other['limits'] as { scope: string }[]).map(({ scope }) => scope)).toEqual(['team', 'user']);
        const { body } = await gateway.admin('GET', '/admin/settings');
        expect(body).toEqual({
          limits: [],
          defaults: {
            team: { limits: [limit(30)] },
            user: { limits: [limit(20)] },
            token: { limits: [limit(2)] },
          },
        });
      } finally {
        await settings({ defaults: null });
      }
      const { body } = await gateway.admin('PATCH', '/admin/settings', { defaults: { tokens: {} } });
      expect(body).toMatchObject({ error: { param: 'defaults.tokens' } });
    });
  });

  describe('suspension', () => {
    it.each([
      ['a team', ({ team }: IssuedToken) => `/admin/teams/${team}`],
      ['a user', ({ team, user }: IssuedToken) => `/admin/teams/${team}/users/${user}`],
    ])('of %s lets nothing in until it is over', async (_what, path) => {
      const token = await gateway.issue();
      const session = { text: (await mintSession(gateway.url, token.text)).token };
      for (const each of [token, session]) expect((await chat(each)).status).toBe(200);
      const { status, body } = await gateway.admin('POST', `${path(token)}/suspend`);
      expect([status, body['suspended_at']]).toEqual([200, expect.stringMatching(/Z$/)]);
      const again = await gateway.admin('POST', `${path(token)}/suspend`);
      expect(again.body['suspended_at']).toBe(body['suspended_at']);
      for (const each of [token, session]) expect(code(await chat(each))).toBe('403 suspended');
      expect((await gateway.admin('POST', `${path(token)}/resume`)).body['suspended_at']).toBeNull();
      for (const each of [token, session]) expect((await chat(each)).status).toBe(200);
    });
  });

  describe('notices', () => {
    /** Notices of this token's limits so far. */
    const saidOf = (token: IssuedToken): Record<string, unknown>[] =>
      gateway
        .log()
        .split('\n')
        .filter((line) => line.includes('a limit is used by') && line.includes(token.id))
        .map((line) => JSON.parse(line) as Record<string, unknown>);

    it('come from what was used, not from what was reserved', async () => {
      const token = await gateway.issue({ limits: [{ metric: 'tokens', window: 'day', max: 10_000 }] });
      let usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
      gateway.upstream.script((_request, response) => {
        const choices = [
          { index: 0, message: { role: 'assistant', content: 'Hello.' }, finish_reason: 'stop' },
        ];
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ id: 'c', object: 'chat.completion', choices, usage }));
        return Promise.resolve(true);
      });
      try {
        await Promise.all(Array.from({ length: 9 }, () => chat(token, { max_tokens: 1_000 })));
        await gateway.settled(token.team, 9);
        usage = { prompt_tokens: 10, completion_tokens: 7_000, total_tokens: 7_010 };
        await chat(token, { max_tokens: 1_000 });
        await gateway.settled(token.team, 10);
        expect(saidOf(token)).toEqual([]);
        usage = { prompt_tokens: 10, completion_tokens: 1_945, total_tokens: 1_955 };
        await chat(token, { max_tokens: 1_000 });
        await waitFor(() => Promise.resolve(saidOf(token).length > 0), { what: 'the notice at 91 %' });
        expect(saidOf(token)).toMatchObject([{ level: 80, metric: 'tokens', max: 10_000 }]);
      } finally {
        gateway.upstream.script(null);
      }
    });

    it('say once at 80 and once at 100 percent of a day, in the log and as a metric', async () => {
      const token = await gateway.issue({ limits: [{ metric: 'requests', window: 'day', max: 5 }] });
      for (let n = 0; n < 6; n += 1) await chat(token);
      await waitFor(() => Promise.resolve(saidOf(token).length >= 2), { what: 'both notices' });
      expect(saidOf(token)).toMatchObject([
        { level: 80, scope: 'token', team: token.team, token: token.id, metric: 'requests', max: 5 },
        { level: 100 },
      ]);
      const { text } = await get(`${gateway.url}/metrics`, { token: gateway.adminKey });
      expect(withoutDyno(text)).toMatch(
        /tollgate_limits_reached_total\{scope="token",limit="requests\/day",level="100"\} [1-9]/,
      );
    });
  });
});
