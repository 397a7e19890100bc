import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { respond, streamFrames, wafPage } from '../../support/upstream-scripts.ts';
import { doneFrame, messageFrame } from '../../../src/demo/frames.ts';
import { type Script, startStandIn, type StandIn } from '../../support/stand-in.ts';
import type { Limit } from '../../../src/base/limit.ts';
import { models, startGateway, type IssuedToken, type TestGateway } from '../../support/gateway.ts';
import { bodies, errorOf, get, paths, post, read, open, type Reply } from '../../support/gateway-client.ts';
import { mintSession } from '../../support/sessions.ts';
import { waitFor } from '../../support/wait-for.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';

/* Two gateways on one Redis hold the limits of one team, user and token. */

const usage = { prompt_tokens: 7, completion_tokens: 11 };
const answer = respond(200, { 'content-type': 'application/json' }, JSON.stringify({ usage }));
const frames = [messageFrame({ choices: [{ delta: { content: 'hi' } }], usage }), doneFrame];

let redis: SharedRedis;
let upstream: StandIn;
let a: TestGateway;
let b: TestGateway;

beforeAll(async () => {
  redis = await sharedRedis();
  upstream = await startStandIn();
  a = await startGateway({ redis, upstream });
  b = await startGateway({ redis, upstream, adminKey: a.adminKey });
});

afterEach(() => upstream.script(null));
afterAll(async () => {
  await a.close();
  await b.close();
  await upstream.close();
});

const chat = (gateway: TestGateway, token: IssuedToken, more: object = {}): Promise<Reply> =>
  post(`${gateway.url}${paths.chat}`, bodies.chat(more), { token: token.text });
const images = (gateway: TestGateway, token: IssuedToken, n: number): Promise<Reply> =>
  post(`${gateway.url}${paths.images}`, bodies.images({ n }), { token: token.text });
const withLimits = (...limits: Limit[]): Promise<IssuedToken> => a.issue({ team: { limits } });

interface Me {
  token: Record<string, unknown>;
  limits: {
    scope: string;
    metric: string;
    window: string | null;
    max: number;
    used: number;
    remaining: number;
    resets_at: string | null;
  }[];
}
async function me(gateway: TestGateway, token: IssuedToken): Promise<Me> {
  const reply = await get(`${gateway.url}/v1/me`, { token: token.text });
  expect(reply.status).toBe(200);
  return reply.json as unknown as Me;
}

/** The number of each status, and of each error code among them. */
function tally(replies: readonly Reply[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const reply of replies) {
    const name = reply.status === 200 ? '200' : `${reply.status} ${errorOf(reply).code}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

const burst = (count: number, send: (gateway: TestGateway) => Promise<Reply>): Promise<Reply[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => send(n % 2 === 0 ? a : b)));

describe('requests that a firewall blocks, which are refunded,', () => {
  const ofTwo: Limit = { metric: 'requests', window: 'minute', max: 2 };
  const blocked = async (count: number, send: () => Promise<Reply>): Promise<Reply[]> => {
    const replies: Reply[] = [];
    while (replies.length < count) replies.push(await send());
    return replies;
  };

  it.each<[string, Parameters<TestGateway['issue']>[0]]>([
    ['the token', { limits: [ofTwo] }],
    ['the user', { user: { limits: [ofTwo] } }],
    ['the team', { team: { limits: [ofTwo] } }],
    ['the token for an hour', { limits: [{ ...ofTwo, window: 'hour' }] }],
  ])('reach the upstream twenty times a minute at most under a small limit of %s', async (_, policy) => {
    const token = await a.issue(policy);
    upstream.script(wafPage());
    const before = upstream.requests.length;
    const replies = await blocked(30, () => chat(a, token));
    expect(upstream.requests.length - before).toBe(20);
    const refused = replies.at(-1);
    expect([refused?.status, refused && errorOf(refused)]).toEqual([
      429,
      expect.objectContaining({
        code: 'rate_limit_exceeded',
        limit: expect.objectContaining({
          scope: 'token',
          metric: 'attempts',
          window: 'minute',
          max: 20,
        }) as unknown,
      }),
    ]);
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(30);
    expect(Number(refused?.headers.get('retry-after'))).toBeLessThanOrEqual(65);
  });

  it('count for their session, and leave the token and its other sessions theirs', async () => {
    const token = await a.issue();
    const [theirs, another] = [
      await mintSession(a.url, token.text, { limits: [ofTwo] }),
      await mintSession(a.url, token.text, { limits: [ofTwo] }),
    ];
    upstream.script(wafPage());
    const before = upstream.requests.length;
    await blocked(30, () => chat(a, { ...token, text: theirs.token }));
    expect(upstream.requests.length - before).toBe(20);
    upstream.script(null);
    expect((await chat(a, { ...token, text: another.token })).status).toBe(200);
    expect((await chat(b, token)).status).toBe(200);
  });

  it('count together wherever they are sent, also at once', async () => {
    const token = await a.issue({ limits: [ofTwo] });
    upstream.script(wafPage());
    const before = upstream.requests.length;
    for (let n = 0; n < 15; n += 1) await burst(8, (gateway) => chat(gateway, token));
    expect(upstream.requests.length - before).toBe(20);
  });
});

describe('a refusal', () => {
  async function refusals(token: IssuedToken): Promise<Record<string, unknown>[]> {
    const query = `team=${token.team}&group_by=token,code,model,limit`;
    const { body } = await a.admin('GET', `/admin/refusals?${query}`);
    return body['data'] as Record<string, unknown>[];
  }

  it('names model and limit in the log line and in the report, and when', async () => {
    const token = await a.issue({ user: { limits: [{ metric: 'requests', window: 'hour', max: 0 }] } });
    expect((await chat(a, token)).status).toBe(429);
    const limit = 'user requests/hour';
    const line = a
      .log()
      .split('\n')
      .find((each) => each.includes(`"team":"${token.team}"`));
    expect(JSON.parse(line ?? '')).toMatchObject({ model: models.chat, limit, token_id: token.id });
    await expect
      .poll(() => refusals(token), { timeout: 20_000 })
      .toMatchObject([
        { token: token.id, code: 'rate_limit_exceeded', model: models.chat, limit, refused: 1 },
      ]);
    const [row] = await refusals(token);
    expect(Math.abs(Date.parse(String(row?.['last_at'])) - Date.now())).toBeLessThan(60_000);
  });

  it.each<[string, (token: IssuedToken) => [string, string], string]>([
    ['a revoked token', ({ team, id }) => ['DELETE', `/admin/teams/${team}/tokens/${id}`], 'revoked_token'],
    [
      'a suspended user',
      ({ team, user }) => ['POST', `/admin/teams/${team}/users/${user}/suspend`],
      'suspended',
    ],
    ['a suspended team', ({ team }) => ['POST', `/admin/teams/${team}/suspend`], 'suspended'],
  ])('of %s counts under its own name, in log and report', async (_, change, code) => {
    const token = await a.issue();
    expect((await chat(a, token)).status).toBe(200);
    await a.admin(...change(token));
    expect((await chat(a, token)).status).toBeGreaterThanOrEqual(401);
    expect(a.log()).toContain(
      `"error_code":"${code}","team":"${token.team}","user":"${token.user}","token_id":"${token.id}"`,
    );
    await expect
      .poll(() => refusals(token), { timeout: 20_000 })
      .toMatchObject([{ token: token.id, code, refused: 1 }]);
  });
});

describe('a limit that will not do what it seems to', () => {
  it('is told so where it is set, and by the refusal', async () => {
    const limits = [{ metric: 'cost_usd', window: 'day', max: 1 }];
    const { team } = await a.issue();
    const { status, body } = await a.admin('PATCH', `/admin/teams/${team}`, { limits });
    expect([status, body['warnings']]).toEqual([200, [expect.stringContaining('have no price')]]);
    const { body: shown } = await a.admin('GET', `/admin/teams/${team}`);
    expect(shown).not.toHaveProperty('warnings');
    const made = await a.issue({ team: { id: team } });
    const refused = errorOf(await chat(a, made));
    expect(refused.code).toBe('model_unpriced');
    expect(refused.message).toMatch(/`tollgate prices set`.*`tollgate team set/);
  });
});

describe('a burst over two gateways', () => {
  it.each([['team'], ['user'], ['token']])('gets exactly what a limit on the %s allows', async (scope) => {
    const limits: Limit[] = [{ metric: 'requests', window: 'day', max: 50 }];
    const token = await a.issue({
      ...(scope === 'team' ? { team: { limits } } : {}),
      ...(scope === 'user' ? { user: { limits } } : {}),
      ...(scope === 'token' ? { limits } : {}),
    });
    const before = upstream.requests.length;
    const replies = await burst(200, (gateway) => chat(gateway, token));
    expect(tally(replies)).toEqual({ '200': 50, '429 insufficient_quota': 150 });
    expect(upstream.requests.length - before).toBe(50);
    const refused = replies.find(({ status }) => status === 429);
    expect(errorOf(refused ?? { json: {}, status: 0, text: '' }).limit).toMatchObject({ scope, max: 50 });
    expect(await a.settled(token.team, 50)).toHaveLength(50);
    expect(await a.usage(token.team)).toMatchObject({ requests: 50, errors: 0 });
    expect((await me(b, token)).limits[0]).toMatchObject({ used: 50, remaining: 0 });
  });

  it('of images is exact as well', async () => {
    const token = await withLimits({ metric: 'images', window: 'month', max: 31 });
    const replies = await burst(60, (gateway) => images(gateway, token, 3));
    expect(tally(replies)).toEqual({ '200': 10, '429 insufficient_quota': 50 });
    expect((await images(b, token, 2)).status).toBe(429);
    expect((await images(b, token, 1)).status).toBe(200);
    // Images are not counted where none are made.
    expect((await chat(a, token)).status).toBe(200);
  });

  it('of tokens never reserves one too many', async () => {
    const held = Promise.withResolvers<void>();
    upstream.script(async (req, res, body) => {
      await held.promise;
      return answer(req, res, body);
    });
    const one = Math.ceil(JSON.stringify(bodies.chat()).length / 4) + 50;
    const token = await withLimits({ metric: 'tokens', window: 'day', max: one * 20 + one - 1 });
    const before = upstream.requests.length;
    let refused = 0;
    const replies = burst(60, async (gateway) => {
      const reply = await chat(gateway, token);
      if (reply.status === 429) refused += 1;
      return reply;
    });
    // Before any of the sixty has settled, each is either with the upstream or refused.
    await upstream.waitFor(({ requests }) => requests.length - before === 20);
    await waitFor(() => refused === 40, { what: 'all others to be refused' });
    held.resolve();
    expect(tally(await replies)).toEqual({ '200': 20, '429 insufficient_quota': 40 });
    await a.settled(token.team, 20);
    expect((await me(a, token)).limits[0]).toMatchObject({ used: 20 * 18 });
  });

  it.each([
    ['plain calls', false],
    ['streams', true],
  ])('never has more %s under way than concurrency allows', async (_, stream) => {
    const token = await withLimits({ metric: 'concurrency', max: 5 });
    const running = { now: 0, most: 0, all: 0 };
    upstream.script(async (req, res, body) => {
      running.now += 1;
      running.all += 1;
      running.most = Math.max(running.most, running.now);
      await sleep(5);
      // The place is free with the answer's last byte, so it is counted down before that is written.
      running.now -= 1;
      return stream ? streamFrames(frames)(req, res, body) : answer(req, res, body);
    });
    const callers = Array.from({ length: 20 }, async (__, n) => {
      let answered = 0;
      for (let call = 0; call < 6; call += 1) {
        const reply = await chat(n % 2 === 0 ? a : b, token, { stream });
        if (reply.status === 200) answered += 1;
        else
          expect(errorOf(reply)).toMatchObject({
            code: 'rate_limit_exceeded',
            limit: { metric: 'concurrency' },
          });
      }
      return answered;
    });
    const answered = (await Promise.all(callers)).reduce((sum, each) => sum + each, 0);
    expect(running.most).toBe(5);
    expect(running.all).toBe(answered);
    expect((await me(a, token)).limits[0]).toMatchObject({ metric: 'concurrency', used: 0, remaining: 5 });
  });

  it('that is refused by one limit uses nothing of the others', async () => {
    const token = await a.issue({
      team: { limits: [{ metric: 'requests', window: 'month', max: 1_000 }] },
      user: { limits: [{ metric: 'requests', window: 'hour', max: 500 }] },
      limits: [{ metric: 'requests', window: 'minute', max: 10 }],
    });
    const replies = await burst(60, (gateway) => chat(gateway, token));
    expect(tally(replies)).toEqual({ '200': 10, '429 rate_limit_exceeded': 50 });
    expect((await me(a, token)).limits.map((limit) => [limit.scope, limit.used])).toEqual([
      ['team', 10],
      ['user', 10],
      ['token', 10],
    ]);
  });
});

describe('one request after the other', () => {
  const input = Math.ceil(JSON.stringify(bodies.chat({ stream: false })).length / 4);
  const charged = 18;

  describe.each([
    ['plain', false, answer],
    ['streamed', true, streamFrames(frames)],
  ] as const)('%s', (_, stream, script: Script) => {
    it.each([
      ['concurrency 1', { metric: 'concurrency', max: 1 }],
      ['as many tokens as just suffice', { metric: 'tokens', window: 'day', max: input + 50 + 99 * charged }],
    ] as const)('is never refused for the one before, under %s', async (__, limit) => {
      upstream.script(script);
      const token = await withLimits(limit);
      for (let call = 0; call < 100; call += 1) {
        const reply = await chat(call % 3 === 0 ? a : b, token, { stream });
        expect({ call, status: reply.status, text: reply.text }).toMatchObject({ call, status: 200 });
      }
      expect(await a.settled(token.team, 100)).toHaveLength(100);
    });

    it('is refused for no failure of the one before', async () => {
      upstream.script(respond(500, { 'content-type': 'application/json' }, '{}'));
      const token = await withLimits({ metric: 'concurrency', max: 1 });
      for (let call = 0; call < 20; call += 1) expect((await chat(a, token, { stream })).status).toBe(502);
    });
  });

  it('is free again once a caller has left a stream', async () => {
    const token = await withLimits({ metric: 'concurrency', max: 1 });
    upstream.script(streamFrames([messageFrame({})], { end: false }));
    for (let call = 0; call < 5; call += 1) {
      const leaving = new AbortController();
      const { aborted } = upstream;
      const reply = await open(`${a.url}${paths.chat}`, bodies.chat({ stream: true }), {
        token: token.text,
        signal: leaving.signal,
      });
      expect(reply.status).toBe(200);
      leaving.abort();
      await upstream.waitFor((standIn) => standIn.aborted > aborted);
      await a.settled(token.team, call + 1);
    }
  });
});

describe('tokens', () => {
  const tokensADay = (max: number): Limit => ({ metric: 'tokens', window: 'day', max });
  const unbounded = { max_tokens: undefined };

  it('are bounded by a max_tokens written in where the body has none', async () => {
    const token = await withLimits(tokensADay(100_000));
    await chat(a, token, unbounded);
    expect(upstream.requests.at(-1)?.body).toMatchObject({ max_tokens: 4_096 });
  });

  it('are bounded by what the smallest limit can hold beside the input', async () => {
    const token = await a.issue({ team: { limits: [tokensADay(9_000)] }, limits: [tokensADay(1_000)] });
    expect((await chat(a, token, unbounded)).status).toBe(200);
    const { body, text = '' } = upstream.requests.at(-1) ?? {};
    const { max_tokens: written } = body as { max_tokens: number };
    expect(written + Math.ceil(text.length / 4)).toBeLessThanOrEqual(1_000);
    expect(written + Math.ceil(text.length / 4)).toBeGreaterThan(995);
  });

  it.each([
    ['max_tokens', { max_tokens: 77 }],
    ['max_completion_tokens', { ...unbounded, max_completion_tokens: 77 }],
  ])('are left as they are where the body has %s', async (_, more) => {
    const token = await withLimits(tokensADay(100_000));
    await chat(a, token, more);
    expect(upstream.requests.at(-1)?.text).toBe(JSON.stringify(bodies.chat(more)));
  });

  it('are left as they are where no limit on tokens applies', async () => {
    const other: Limit = { metric: 'tokens', window: 'day', max: 1_000, models: ['another-model'] };
    const token = await withLimits(other, { metric: 'requests', window: 'day', max: 1_000 });
    await chat(a, token, unbounded);
    expect(upstream.requests.at(-1)?.text).toBe(JSON.stringify(bodies.chat(unbounded)));
  });

  it('that could never fit are refused for good, with the figures', async () => {
    const token = await withLimits(tokensADay(1_000));
    const before = upstream.requests.length;
    const reply = await chat(a, token, { max_tokens: 4_000 });
    const reserved = Math.ceil(JSON.stringify(bodies.chat({ max_tokens: 4_000 })).length / 4) + 4_000;
    expect(reply.status).toBe(429);
    expect(errorOf(reply).message).toMatch(
      new RegExp(`reserves ${reserved}, limit is 1000.*lower max_tokens`),
    );
    expect(reply.headers.get('x-should-retry')).toBe('false');
    expect(reply.headers.get('retry-after')).toBeNull();
    expect(upstream.requests.length).toBe(before);
    expect((await chat(a, token, { max_tokens: 900 })).status).toBe(200);
  });

  it('are reserved n times over', async () => {
    const token = await withLimits(tokensADay(1_000));
    expect(errorOf(await chat(a, token, { max_tokens: 300, n: 4 })).message).toMatch(/reserves 12\d\d,/);
    expect((await chat(a, token, { max_tokens: 300, n: 3 })).status).toBe(200);
  });
});

describe('what a 429 says', () => {
  it('of a day: insufficient_quota, whose limit, when it is over, and not to try again', async () => {
    const token = await withLimits({ metric: 'requests', window: 'day', max: 1 });
    expect((await chat(a, token)).status).toBe(200);
    const reply = await chat(b, token);
    const error = errorOf(reply);
    expect(error).toMatchObject({ type: 'rate_limit_error', code: 'insufficient_quota', param: null });
    expect(error.limit).toEqual({
      scope: 'team',
      metric: 'requests',
      window: 'day',
      max: 1,
      resets_at: expect.stringMatching(/T00:00:00\.000Z$/) as string,
    });
    expect(error.message).toMatch(/team's limit of 1 request a day/);
    // How many seconds exactly: with a turned clock, in test/integration/reliability/windows.test.ts.
    expect(reply.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    expect(reply.headers.get('x-should-retry')).toBe('false');
    expect(reply.headers.get('ratelimit-policy')).toBe('"team-requests-day";q=1;w=86400');
    expect(reply.headers.get('ratelimit')).toMatch(/^"team-requests-day";r=0;t=\d+$/);
    expect(reply.headers.get('x-ratelimit-limit-requests')).toBe('1');
    expect(reply.headers.get('x-ratelimit-remaining-requests')).toBe('0');
    expect(reply.headers.get('x-ratelimit-reset-requests')).toMatch(/^(\d+h)?(\d+m)?\d+s$/);
  });

  it('of a minute: rate_limit_exceeded, and a wait that is no longer than two', async () => {
    const token = await a.issue({ limits: [{ metric: 'requests', window: 'minute', max: 1 }] });
    expect((await chat(a, token)).status).toBe(200);
    const reply = await chat(b, token);
    expect(errorOf(reply)).toMatchObject({
      code: 'rate_limit_exceeded',
      limit: { scope: 'token', metric: 'requests', window: 'minute', max: 1 },
    });
    const wait = Number(reply.headers.get('retry-after'));
    expect(wait).toBeGreaterThanOrEqual(1);
    expect(wait).toBeLessThanOrEqual(120);
    expect(reply.headers.get('x-should-retry')).toBe(wait > 60 ? 'false' : null);
  });

  it('of concurrency: rate_limit_exceeded, a second, and no window', async () => {
    const token = await withLimits(
      { metric: 'concurrency', max: 0 },
      { metric: 'requests', window: 'day', max: 5 },
    );
    const reply = await chat(a, token);
    expect(errorOf(reply)).toMatchObject({
      code: 'rate_limit_exceeded',
      limit: { scope: 'team', metric: 'concurrency', window: null, max: 0, resets_at: null },
    });
    expect(reply.headers.get('ratelimit-policy')).toContain('q=0;qu="concurrent-requests"');
  });

  it('names the longest window that is full', async () => {
    const token = await a.issue({
      team: { limits: [{ metric: 'requests', window: 'month', max: 1 }] },
      limits: [{ metric: 'requests', window: 'minute', max: 1 }],
    });
    await chat(a, token);
    expect(errorOf(await chat(a, token))).toMatchObject({
      code: 'insufficient_quota',
      limit: { scope: 'team', window: 'month' },
    });
  });
});

describe('what an answer says of the limits', () => {
  it.each([
    ['plain', false],
    ['streamed', true],
  ])('is the state with this request counted: %s', async (_, stream) => {
    const token = await a.issue({
      team: {
        limits: [
          { metric: 'requests', window: 'day', max: 100 },
          { metric: 'tokens', window: 'day', max: 10_000 },
        ],
      },
      limits: [{ metric: 'requests', window: 'hour', max: 10 }],
    });
    const { headers } = await chat(a, token, { stream });
    expect(headers.get('ratelimit-policy')).toBe(
      '"team-requests-day";q=100;w=86400, "team-tokens-day";q=10000;w=86400;qu="tokens", "token-requests-hour";q=10;w=3600',
    );
    expect(headers.get('ratelimit')).toMatch(/^"token-requests-hour";r=9;t=\d+$/);
    expect(headers.get('x-ratelimit-limit-requests')).toBe('10');
    expect(headers.get('x-ratelimit-remaining-requests')).toBe('9');
    expect(headers.get('x-ratelimit-limit-tokens')).toBe('10000');
    const reserved = Math.ceil(JSON.stringify(bodies.chat({ stream })).length / 4) + 50;
    expect(headers.get('x-ratelimit-remaining-tokens')).toBe(String(10_000 - reserved));
    expect(headers.get('x-ratelimit-reset-tokens')).toMatch(/^(\d+h)?(\d+m)?\d+s$/);
  });

  it('is in the answer to an admitted request that fails as well', async () => {
    const token = await withLimits({ metric: 'requests', window: 'day', max: 10 });
    upstream.script(respond(500, { 'content-type': 'application/json' }, '{}'));
    const { headers, status } = await chat(a, token);
    expect(status).toBe(502);
    expect(headers.get('ratelimit')).toMatch(/^"team-requests-day";r=9;t=\d+$/);
  });

  it('is nothing where there are none', async () => {
    const token = await a.issue();
    const names = [...(await chat(a, token)).headers.keys()];
    expect(names.filter((name) => /ratelimit|retry/.test(name))).toEqual([]);
  });
});

describe('a change made on one gateway is in force on the next request of the other', () => {
  const patchToken = (token: IssuedToken, change: object): Promise<unknown> =>
    a.admin('PATCH', `/admin/teams/${token.team}/tokens/${token.id}`, change);
  const patchTeam = (token: IssuedToken, change: object): Promise<unknown> =>
    a.admin('PATCH', `/admin/teams/${token.team}`, change);

  const day = (max: number): Limit[] => [{ metric: 'requests', window: 'day', max }];
  const narrowing: [string, object, (token: IssuedToken) => Promise<unknown>, string][] = [
    [
      'a token revoked',
      {},
      (t) => a.admin('DELETE', `/admin/teams/${t.team}/tokens/${t.id}`),
      'revoked_token',
    ],
    ['a team deleted', {}, (t) => a.admin('DELETE', `/admin/teams/${t.team}`), 'invalid_token'],
    [
      'a user deleted',
      {},
      (t) => a.admin('DELETE', `/admin/teams/${t.team}/users/${t.user}`),
      'invalid_token',
    ],
    [
      'a limit of the token lowered',
      { limits: day(10) },
      (t) => patchToken(t, { limits: day(3) }),
      'insufficient_quota',
    ],
    ['a limit given to the team', {}, (t) => patchTeam(t, { limits: day(0) }), 'insufficient_quota'],
    [
      'a limit given to the user',
      {},
      (t) => a.admin('PATCH', `/admin/teams/${t.team}/users/${t.user}`, { limits: day(0) }),
      'insufficient_quota',
    ],
    ['models narrowed', {}, (t) => patchToken(t, { models: ['another-model'] }), 'model_not_allowed'],
    ['models of the team narrowed', {}, (t) => patchTeam(t, { models: [] }), 'model_not_allowed'],
    ['endpoints of the team narrowed', {}, (t) => patchTeam(t, { endpoints: [] }), 'endpoint_not_allowed'],
    ['origins of the team narrowed', {}, (t) => patchTeam(t, { origins: [] }), 'origin_not_allowed'],
    ['endpoints narrowed', {}, (t) => patchToken(t, { endpoints: [] }), 'endpoint_not_allowed'],
    [
      'origins narrowed',
      {},
      (t) => patchToken(t, { origins: ['https://app.example'] }),
      'origin_not_allowed',
    ],
  ];

  it.each(narrowing)('%s', async (_, policy, change, code) => {
    const token = await a.issue(policy);
    // Both gateways know it well.
    for (const gateway of [a, b, b]) expect((await chat(gateway, token)).status).toBe(200);
    const before = upstream.requests.length;
    await change(token);
    expect(errorOf(await chat(b, token)).code).toBe(code);
    expect(errorOf(await chat(a, token)).code).toBe(code);
    expect(upstream.requests.length).toBe(before);
  });

  const widening: [string, object, (token: IssuedToken) => Promise<unknown>][] = [
    ['a limit raised', { limits: day(0) }, (t) => patchToken(t, { limits: day(5) })],
    ['a limit taken off', { limits: day(0) }, (t) => patchToken(t, { limits: null })],
    ['models widened', { models: [] }, (t) => patchToken(t, { models: [models.chat] })],
    ['models of the team widened', { team: { models: [] } }, (t) => patchTeam(t, { models: null })],
    ['endpoints of the team widened', { team: { endpoints: [] } }, (t) => patchTeam(t, { endpoints: null })],
    ['origins of the team widened', { team: { origins: [] } }, (t) => patchTeam(t, { origins: ['none'] })],
    ['endpoints widened', { endpoints: [] }, (t) => patchToken(t, { endpoints: [paths.chat] })],
    ['origins widened', { origins: [] }, (t) => patchToken(t, { origins: ['none'] })],
  ];

  it.each(widening)('%s', async (_, policy, change) => {
    const token = await a.issue(policy);
    for (const gateway of [a, b, b]) expect((await chat(gateway, token)).status).toBeGreaterThanOrEqual(403);
    await change(token);
    expect((await chat(b, token)).status).toBe(200);
    expect((await chat(a, token)).status).toBe(200);
  });

  it('a token expires between two requests', async () => {
    const token = await a.issue({ expires_in: 3 });
    for (const gateway of [a, b]) expect((await chat(gateway, token)).status).toBe(200);
    // By the clock of the store, which both gateways share.
    await waitFor(async () => (await chat(a, token)).status === 401, { what: 'it to expire', everyMs: 200 });
    for (const gateway of [a, b]) expect(errorOf(await chat(gateway, token)).code).toBe('expired_token');
  });

  it('a limit lowered keeps what is used, and one put on anew counts from now', async () => {
    const token = await a.issue({ limits: day(10) });
    for (let call = 0; call < 4; call += 1) await chat(b, token);
    await patchToken(token, { limits: day(5) });
    expect((await me(b, token)).limits[0]).toMatchObject({ max: 5, used: 4, remaining: 1 });
    await patchToken(token, { limits: null });
    await patchToken(token, { limits: day(5) });
    expect((await me(b, token)).limits[0]).toMatchObject({ max: 5, used: 0, remaining: 5 });
  });

  it('/v1/me and /v1/models tell it at once', async () => {
    const token = await a.issue({ models: [models.chat], limits: day(7) });
    expect((await me(b, token)).token['models']).toEqual([models.chat]);
    await patchToken(token, { models: [models.images], limits: day(8) });
    const now = await me(b, token);
    expect(now.token['models']).toEqual([models.images]);
    expect(now.limits[0]).toMatchObject({ max: 8 });
    const list = await get(`${b.url}/v1/models`, { token: token.text });
    expect((list.json['data'] as { id: string }[]).map(({ id }) => id)).toEqual([models.images]);
    await a.admin('DELETE', `/admin/teams/${token.team}/tokens/${token.id}`);
    for (const path of ['/v1/me', '/v1/models']) {
      expect(errorOf(await get(`${b.url}${path}`, { token: token.text })).code).toBe('revoked_token');
    }
  });

  it('a stream that runs goes on when its token is revoked', async () => {
    const token = await a.issue();
    const go = Promise.withResolvers<void>();
    upstream.script(async (_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.write(frames[0]);
      await go.promise;
      res.end(doneFrame);
      return true;
    });
    const reply = await open(`${b.url}${paths.chat}`, bodies.chat({ stream: true }), { token: token.text });
    await a.admin('DELETE', `/admin/teams/${token.team}/tokens/${token.id}`);
    go.resolve();
    expect((await read(reply)).text).toBe(frames.join(''));
  });
});

describe('a raise', () => {
  it('counts everywhere from the next request on, is shown beside the limit, and counts no more once withdrawn', async () => {
    const token = await a.issue({ limits: [{ metric: 'requests', window: 'day', max: 1 }] });
    const record = `/admin/teams/${token.team}/tokens/${token.id}`;
    for (const gateway of [a, b]) await chat(gateway, token);
    const { limits } = (await a.admin('GET', record)).body as { limits: { id: string }[] };
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const raise = await a.admin('POST', `${record}/limits/${limits[0]?.id ?? ''}/raise`, { by: 2, until });
    expect(raise.status).toBe(201);

    const answers = await burst(10, (gateway) => chat(gateway, token));
    expect(tally(answers)).toEqual({ 200: 2, '429 insufficient_quota': 8 });
    const [admitted, refused] = [200, 429].map((status) => answers.find((each) => each.status === status));
    expect(admitted?.headers.get('ratelimit-policy')).toBe('"token-requests-day";q=3;w=86400');
    expect(admitted?.headers.get('x-ratelimit-limit-requests')).toBe('3');
    expect(refused && errorOf(refused)).toMatchObject({
      limit: { scope: 'token', max: 1, raised_by: 2, raised_until: until },
    });
    const shown = { max: 1, used: 3, remaining: 0, raised_by: 2, raised_until: until };
    expect((await me(b, token)).limits).toMatchObject([shown]);
    const { body } = await a.admin('GET', `${record}?usage=true`);
    expect(body).toMatchObject({ limits: [shown], raises: [{ by: 2, until }] });

    expect((await a.admin('DELETE', `${record}/raises/${String(raise.body['id'])}`)).status).toBe(204);
    expect(tally([await chat(b, token)])).toEqual({ '429 insufficient_quota': 1 });
    expect((await me(a, token)).limits).toEqual([
      expect.not.objectContaining({ raised_by: expect.any(Number) as number }),
    ]);
  });

  it('makes room for no wider session: that may outlast it', async () => {
    const token = await a.issue({ limits: [{ metric: 'requests', window: 'day', max: 1 }] });
    const record = `/admin/teams/${token.team}/tokens/${token.id}`;
    const { limits } = (await a.admin('GET', record)).body as { limits: { id: string }[] };
    const until = new Date(Date.now() + 3_600_000).toISOString();
    await a.admin('POST', `${record}/limits/${limits[0]?.id ?? ''}/raise`, { by: 5, until });
    const wider = { limits: [{ metric: 'requests', window: 'day', max: 2 }] };
    const refused = await post(`${a.url}/v1/sessions`, wider, { token: token.text });
    expect(errorOf(refused)).toMatchObject({ code: 'wider_than_parent', param: 'limits.0.max' });
  });
});

describe('/v1/me', () => {
  it('is neither counted nor in the ledger', async () => {
    const token = await a.issue({ limits: [{ metric: 'requests', window: 'day', max: 2 }] });
    for (let call = 0; call < 5; call += 1) await me(a, token);
    expect((await me(b, token)).limits[0]).toMatchObject({ used: 0, remaining: 2 });
    expect(await a.entries(token.team)).toEqual([]);
  });

  it('tells every limit, as it stands', async () => {
    const token = await a.issue({
      team: { limits: [{ metric: 'requests', window: 'month', max: 9 }] },
      user: { limits: [{ metric: 'concurrency', max: 3 }] },
      limits: [{ metric: 'images', window: 'minute', max: 2, models: [models.images] }],
    });
    await chat(a, token);
    const { limits } = await me(b, token);
    expect(limits).toEqual([
      {
        scope: 'team',
        metric: 'requests',
        window: 'month',
        max: 9,
        used: 1,
        remaining: 8,
        resets_at: expect.stringMatching(/^\d{4}-\d\d-01T00:00:00\.000Z$/) as unknown,
      },
      {
        scope: 'token',
        metric: 'images',
        window: 'minute',
        max: 2,
        used: 0,
        remaining: 2,
        resets_at: expect.any(String) as unknown,
        models: [models.images],
      },
      { scope: 'user', metric: 'concurrency', window: null, max: 3, used: 0, remaining: 3, resets_at: null },
    ]);
  });
});

describe('what an administrator is told of limits with usage=true', () => {
  it('is what /v1/me tells, of the gateway, the team, the user and the token', async () => {
    const token = await a.issue({
      team: {
        limits: [
          { metric: 'cost_usd', window: 'month', max: 12.5, models: ['another'] },
          { metric: 'tokens', window: 'day', max: 9_000 },
        ],
      },
      user: { limits: [{ metric: 'concurrency', max: 3 }] },
      limits: [{ metric: 'requests', window: 'month', max: 2, models: [models.chat] }],
    });
    const all = [{ metric: 'tokens', window: 'month', max: 5_000_000 }];
    await a.admin('PATCH', '/admin/settings', { limits: all });
    expect((await chat(a, token)).status).toBe(200);
    const { limits: told } = await me(b, token);
    const team = `/admin/teams/${token.team}`;
    const places = {
      gateway: '/admin/settings',
      team,
      user: `${team}/users/${token.user}`,
      token: `${team}/tokens/${token.id}`,
    };
    for (const [scope, path] of Object.entries(places)) {
      const plain = (await b.admin('GET', path)).body['limits'] as object[];
      const shown = (await b.admin('GET', `${path}?usage=true`)).body['limits'] as object[];
      const own = told.filter((limit) => limit.scope === scope);
      expect(own).toHaveLength(shown.length);
      for (const [n, limit] of shown.entries()) {
        const { used, remaining, resets_at, ...record } = limit as Record<string, unknown>;
        expect(record).toEqual(plain[n]);
        const same = own.find(({ metric, max }) => metric === record['metric'] && max === record['max']);
        expect({ used, remaining, resets_at }).toEqual(
          same && { used: same.used, remaining: same.remaining, resets_at: same.resets_at },
        );
      }
    }
    const { body } = await b.admin('GET', `${places.token}?usage=true`);
    expect(body['limits']).toMatchObject([{ max: 2, used: 1, remaining: 1 }]);
    await a.admin('PATCH', '/admin/settings', { limits: null });
  });
});
