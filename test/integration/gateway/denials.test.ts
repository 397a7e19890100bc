import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mintToken } from '../../../src/identity/records/token-text.ts';
import { errorBody, isAnthropic } from '../../../src/base/error-body.ts';
import { errorTable, Refusal, type ErrorCode } from '../../../src/base/refusal.ts';
import {
  type EndpointKind,
  endpointKinds,
  endpointPaths,
  endpoints,
} from '../../../src/validation/registry.ts';
import {
  type IssuedToken,
  type NewToken,
  perModelEnv,
  startGateway,
  type TestGateway,
} from '../../support/gateway.ts';
import { bodies, errorOf, get, paths, post, type Reply } from '../../support/gateway-client.ts';
import type { Endpoint } from '../../../src/base/request.ts';
import { connectRaw, parseResponse, type RawConnection } from '../../support/http.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';
import { startStandIn, type StandIn } from '../../support/stand-in.ts';
import { waitFor } from '../../support/wait-for.ts';

/* The denial cases in the contract's order, over every endpoint; then requests that are wrong in several ways. */

let redis: SharedRedis;
let upstream: StandIn;
let gateway: TestGateway;
let good: IssuedToken;
let expired: IssuedToken;

const maxBodyBytes = 20_000;
const allowedOrigin = 'https://app.example.com';
const callersId = 'caller-chose-this-id-000001';

beforeAll(async () => {
  redis = await sharedRedis();
  upstream = await startStandIn();
  gateway = await startGateway({
    redis,
    upstream,
    env: {
      ...perModelEnv(upstream),
      MAX_BODY_BYTES: String(maxBodyBytes),
      ALLOWED_ORIGINS: allowedOrigin,
    },
  });
  expired = await gateway.issue({ expires_in: 1 });
  good = await gateway.issue({
    endpoints: [...endpointPaths],
    team: { limits: [{ metric: 'requests', window: 'day', max: 1_000 }] },
  });
});

afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

interface Denial {
  code: ErrorCode;
  param?: string | null;
}

/** Checks an answer's whole shape, which on some paths is Anthropic's. */
function expectDenied(reply: Reply, { code, param = null }: Denial): void {
  const { status } = errorTable[code];
  const path = new URL(reply.url).pathname;
  const { error: expected } = errorBody(path, new Refusal(code, ''), null) as { error: { type: string } };
  const { type } = expected;
  const error = errorOf(reply);
  expect({ status: reply.status, type: error.type, code: error.code, param: error.param }).toEqual({
    status,
    type,
    code,
    param,
  });
  expect(error.message.length).toBeGreaterThan(10);
  expect(error.request_id).toBe(callersId);
  expect(reply.headers.get('x-request-id')).toBe(callersId);
  expect(reply.headers.get('content-type')).toMatch(/^application\/json/);
  const challenge = code === 'missing_token' ? 'Bearer' : 'Bearer error="invalid_token"';
  expect(reply.headers.get('www-authenticate')).toBe(status === 401 ? challenge : null);
  if (status === 401 || status === 403) expect(reply.headers.get('x-should-retry')).toBe('false');
  const known = ['message', 'type', 'param', 'code', 'request_id', 'details', 'limit'];
  expect(known).toEqual(expect.arrayContaining(Object.keys(error)));
  const inAnthropics = isAnthropic(path);
  expect(Object.keys(reply.json)).toEqual(inAnthropics ? ['type', 'error', 'request_id'] : ['error']);
  expect(reply.headers.get('request-id')).toBe(inAnthropics ? callersId : null);
}

/** Runs a call that must be denied before the upstream and the ledger hear of it. */
async function denied(token: IssuedToken, call: () => Promise<Reply>, denial: Denial): Promise<Reply> {
  const sentBefore = upstream.requests.length;
  const before = await gateway.usage(token.team);
  const reply = await call();
  expectDenied(reply, denial);
  expect(upstream.requests.length).toBe(sentBefore);
  expect(await gateway.usage(token.team)).toEqual(before);
  expect(await usedRequests(token)).toBe(0);
  return reply;
}

async function usedRequests(token: IssuedToken): Promise<number> {
  const { json, status } = await get(`${gateway.url}/v1/me`, { token: token.text });
  if (status === 401) return 0;
  const limits = json['limits'] as { metric: string; used: number }[] | undefined;
  return limits?.find(({ metric }) => metric === 'requests')?.used ?? 0;
}

const withId = { 'x-request-id': callersId };

function endpointOf(path: string): Endpoint {
  const found = endpoints.find((endpoint) => endpoint.path === path);
  if (!found) throw new Error(`There is no ${path}.`);
  return found;
}

interface Target {
  path: string;
  kind: EndpointKind;
  /** The endpoint that policy knows it by. */
  guardedAs: string;
  /** Whether it is limited, and in the ledger. */
  counts: boolean;
}

const targets: Target[] = endpointKinds.map((kind) => {
  const path = paths[kind];
  return { path, kind, guardedAs: path, counts: true };
});
targets.push({
  path: '/v1/messages/count_tokens',
  kind: 'messages',
  guardedAs: paths.messages,
  counts: false,
});

describe.each(targets)('$path', ({ path, kind, guardedAs, counts }) => {
  const send = (body: object | string, headers: Record<string, string> = {}): Promise<Reply> =>
    post(`${gateway.url}${path}`, body, { headers: { ...withId, ...headers } });
  const as = (text: string): Record<string, string> => ({ authorization: `Bearer ${text}` });
  const valid = bodies[kind]();
  /** A token that may use this endpoint, which some must be named for. */
  const issue = (wanted: NewToken = {}): Promise<IssuedToken> =>
    gateway.issue(endpointOf(guardedAs).mustBeNamed ? { endpoints: [path], ...wanted } : wanted);

  it.each(['GET', 'PUT', 'PATCH', 'DELETE'])('405: %s, whoever asks', async (method) => {
    for (const headers of [withId, { ...withId, ...as(good.text) }]) {
      const answer = await fetch(`${gateway.url}${path}`, { method, headers });
      const text = await answer.text();
      const reply = {
        url: answer.url,
        status: answer.status,
        headers: answer.headers,
        bytes: Buffer.from(text),
        text,
        json: JSON.parse(text) as Reply['json'],
      };
      expectDenied(reply, { code: 'method_not_allowed' });
      expect(reply.headers.get('allow')).toBe('POST');
      expect(errorOf(reply).message).toBe(`On ${path} only POST is possible.`);
    }
  });

  it('404: a path beside it, whoever asks', async () => {
    const { text } = good;
    const beside = (headers: Record<string, string>): Promise<Reply> =>
      post(`${gateway.url}${path}/more`, valid, { headers: { ...withId, ...headers } });
    await denied(good, () => beside({}), { code: 'not_found' });
    await denied(good, () => beside(as(text)), { code: 'not_found' });
  });

  it('404: /v1/v1 says that the base URL has one /v1 too many', async () => {
    const doubled = (): Promise<Reply> => post(`${gateway.url}/v1${path}`, valid, { headers: withId });
    const reply = await denied(good, doubled, { code: 'not_found' });
    expect(errorOf(reply).message).toMatch(/base URL has one \/v1 too many/);
  });

  it('404: a slash too many is told of', async () => {
    for (const wrong of [`/${path}`, `${path}/`, path.replace('/v1/', '/v1//')]) {
      const slashed = (): Promise<Reply> => post(gateway.url + wrong, valid, { headers: withId });
      const reply = await slashed();
      expect(reply.status).toBe(404);
      expect(errorOf(reply).message).toMatch(/slash too many/);
      expect('request-id' in Object.fromEntries(reply.headers)).toBe(isAnthropic(wrong));
    }
  });

  it('404: a path without its /v1 says that the base URL lacks it', async () => {
    const bare = (): Promise<Reply> =>
      post(gateway.url + path.replace('/v1', ''), valid, { headers: withId });
    const reply = await denied(good, bare, { code: 'not_found' });
    expect(errorOf(reply).message).toMatch(/base URL lacks \/v1/);
  });

  it('401: no token', async () => {
    await denied(good, () => send(valid), { code: 'missing_token' });
    // Never from a query string or a cookie.
    const elsewhere = (): Promise<Reply> =>
      post(`${gateway.url}${path}?token=${good.text}&api_key=${good.text}`, valid, {
        headers: { ...withId, cookie: `token=${good.text}; authorization=Bearer ${good.text}` },
      });
    await denied(good, elsewhere, { code: 'missing_token' });
  });

  it.each([
    ['an empty Bearer', { authorization: 'Bearer ' }],
    ['another scheme', { authorization: 'Basic dXNlcjpwYXNz' }],
    ['an inference key', { authorization: 'Bearer inf-00000000-0000-4000-8000-000000000000' }],
    ['an empty x-api-key', { 'x-api-key': '' }],
    ['nothing like a token', { 'x-api-key': 'sk-1234567890' }],
    ['the text of an injection', { authorization: `Bearer ' OR 1=1; DROP TABLE tokens --` }],
  ])('401: %s', async (_, headers) => {
    await denied(good, () => send(valid, headers), { code: 'invalid_token' });
  });

  it('401: a mistyped token, a cut one, and one that nobody was given', async () => {
    const { text } = good;
    const mistyped = text.slice(0, -1) + (text.endsWith('a') ? 'b' : 'a');
    for (const wrong of [mistyped, text.slice(0, 30), `${text}A`, mintToken('user').text]) {
      await denied(good, () => send(valid, as(wrong)), { code: 'invalid_token' });
    }
  });

  it('401: two headers that differ, or one twice', async () => {
    const other = await issue();
    const differing = { ...as(good.text), 'x-api-key': other.text };
    await denied(good, () => send(valid, differing), { code: 'invalid_token' });
    const twice = { authorization: `Bearer ${good.text}, Bearer ${other.text}` };
    await denied(good, () => send(valid, twice), { code: 'invalid_token' });
  });

  it('401: the administrator key is no token', async () => {
    await denied(good, () => send(valid, as(gateway.adminKey)), { code: 'invalid_token' });
  });

  it('401: expired', async () => {
    // By the clock of the store.
    await waitFor(async () => (await send(valid, as(expired.text))).status === 401, { what: 'it to expire' });
    await denied(expired, () => send(valid, as(expired.text)), { code: 'expired_token' });
  });

  it('401: revoked', async () => {
    const token = await issue();
    await gateway.admin('DELETE', `/admin/teams/${token.team}/tokens/${token.id}`);
    await denied(token, () => send(valid, as(token.text)), { code: 'revoked_token' });
  });

  it('an x-api-key counts beside an Authorization without a token', async () => {
    for (const authorization of ['', 'Bearer', 'Bearer ']) {
      const token = await issue();
      const reply = await send(valid, { authorization, 'x-api-key': token.text });
      expect(reply.status).toBe(200);
      const wrong = { authorization, 'x-api-key': 'sk-1234567890' };
      await denied(good, () => send(valid, wrong), { code: 'invalid_token' });
    }
  });

  it('a refused caller is not asked for the body it holds back; an accepted one is', async () => {
    const other = await issue({ endpoints: [] });
    const body = JSON.stringify(valid);
    const held = async (headers: string, length = body.length): Promise<RawConnection> => {
      const connection = await connectRaw(gateway.port);
      const expecting = `host: a\r\nexpect: 100-continue\r\ncontent-length: ${length}`;
      connection.send(`POST ${path} HTTP/1.1\r\n${expecting}\r\n${headers}\r\n\r\n`);
      return connection;
    };
    const bearer = (text: string): string => `authorization: Bearer ${text}`;
    const refused: [string, number, number?][] = [
      ['x: y', 401],
      [bearer('nonsense'), 401],
      [bearer(other.text), 403],
      [`${bearer(good.text)}\r\norigin: https://elsewhere.example`, 403],
      [bearer(good.text), 413, 60_000_000],
    ];
    for (const [headers, status, length] of refused) {
      const connection = await held(headers, length);
      await connection.untilClosed();
      expect(parseResponse(connection.received()).status).toBe(status);
    }
    const token = await issue();
    const connection = await held(bearer(token.text));
    await connection.until('HTTP/1.1 100 Continue\r\n\r\n');
    connection.send(body);
    await connection.until('HTTP/1.1 200');
    connection.destroy();
  });

  it('401: before the body is read', async () => {
    const connection = await connectRaw(gateway.port);
    try {
      connection.send(
        `POST ${path} HTTP/1.1\r\nhost: a\r\nx-request-id: ${callersId}\r\nauthorization: Bearer nonsense\r\n` +
          'transfer-encoding: chunked\r\n\r\n5\r\n{"mod\r\n',
      );
      await connection.until('"code":"invalid_token"');
      expect(parseResponse(connection.received()).status).toBe(401);
    } finally {
      connection.destroy();
    }
  });

  it('403: an origin on neither list', async () => {
    const elsewhere = { origin: 'https://elsewhere.example' };
    await denied(good, () => send(valid, { ...as(good.text), ...elsewhere }), { code: 'origin_not_allowed' });
    await denied(good, () => send(valid, { ...as(good.text), origin: 'null' }), {
      code: 'origin_not_allowed',
    });
    const own = await issue({ origins: ['https://own.example'] });
    await denied(own, () => send(valid, { ...as(own.text), origin: allowedOrigin }), {
      code: 'origin_not_allowed',
    });
    await denied(own, () => send(valid, as(own.text)), { code: 'origin_not_allowed' });
  });

  it('403: an endpoint the token is not for', async () => {
    const others = endpoints.map((endpoint) => endpoint.path).filter((other) => other !== guardedAs);
    for (const allowed of [others, []]) {
      const token = await issue({ endpoints: allowed });
      await denied(token, () => send(valid, as(token.text)), { code: 'endpoint_not_allowed' });
    }
  });

  it('413: a body over the limit', async () => {
    const body = JSON.stringify(bodies[kind]({ filler: 'x'.repeat(maxBodyBytes) }));
    await denied(good, () => send(body, as(good.text)), { code: 'body_too_large' });
  });

  it('413: readable by a caller who is still sending', async () => {
    const head = `POST ${path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${good.text}\r\n`;
    for (const length of ['transfer-encoding: chunked', 'content-length: 60000000']) {
      const connection = await connectRaw(gateway.port);
      try {
        connection.send(`${head}${length}\r\n\r\n`);
        const sent = await sendUntilAnswered(connection, length.startsWith('transfer'));
        const answer = parseResponse(connection.received());
        expect(answer.status).toBe(413);
        expect(answer.body.toString()).toContain('"code":"body_too_large"');
        expect(sent).toBeLessThan(60_000_000);
      } finally {
        connection.destroy();
      }
    }
  });

  it('400: a body that is not JSON', async () => {
    for (const body of ['', '{', 'model=x', '{"model":"x",}', '\u0000']) {
      await denied(good, () => send(body, as(good.text)), { code: 'invalid_json' });
    }
  });

  it('400: JSON that is no valid body', async () => {
    const { model: _, ...noModel } = valid as { model: string };
    const cases: [object | string, string | null][] = [
      ['[]', null],
      ['"text"', null],
      [noModel, 'model'],
      [bodies[kind]({ model: 'with space' }), 'model'],
      [bodies[kind]({ model: 'x'.repeat(129) }), 'model'],
      [bodies[kind]({ Model: 'x' }), 'Model'],
      [JSON.stringify(bodies[kind]({ model: 'x' })).replace('"x"', '1e400'), 'model'],
      [`{"__proto__":{"a":1},${JSON.stringify(valid).slice(1)}`, '__proto__'],
      [`{"deep":${'['.repeat(70)}${']'.repeat(70)},${JSON.stringify(valid).slice(1)}`, null],
    ];
    for (const [body, param] of cases) {
      await denied(good, () => send(body, as(good.text)), { code: 'invalid_body', param });
    }
  });

  it('403: a model the token or its team may not use, served here or not', async () => {
    for (const model of [(valid as { model: string }).model, 'served-nowhere']) {
      const token = await issue({ models: ['another-model'] });
      const body = bodies[kind]({ model });
      const denial = { code: 'model_not_allowed', param: 'model' } as const;
      await denied(token, () => send(body, as(token.text)), denial);
      const ofTeam = await issue({ team: { models: [] } });
      await denied(ofTeam, () => send(body, as(ofTeam.text)), denial);
    }
  });

  it('404: a model that no attachment serves', async () => {
    const body = bodies[kind]({ model: 'served-nowhere' });
    await denied(good, () => send(body, as(good.text)), { code: 'model_not_found', param: 'model' });
  });

  it(
    counts
      ? '429: a limit that is used up, with all that the contract says about it'
      : 'takes no notice of limits',
    async () => {
      const token = await issue({ limits: [{ metric: 'requests', window: 'day', max: 0 }] });
      if (!counts) {
        expect((await send(valid, as(token.text))).status).toBe(200);
        return;
      }
      const reply = await denied(token, () => send(valid, as(token.text)), { code: 'insufficient_quota' });
      expect(errorOf(reply).limit).toMatchObject({
        scope: 'token',
        metric: 'requests',
        window: 'day',
        max: 0,
      });
    },
  );

  it('admits a request with nothing wrong', async () => {
    const token = await issue();
    const reply = await send(valid, as(token.text));
    expect({ status: reply.status, text: reply.text }).toMatchObject({ status: 200 });
    if (!counts) {
      expect(await gateway.entries(token.team)).toEqual([]);
      return;
    }
    expect((await gateway.settled(token.team, 1))[0]).toMatchObject({
      endpoint: path,
      outcome: 'ok',
      request_id: callersId,
    });
  });

  it('takes the first of the checks where several fail', async () => {
    // From the last check to the first: each step adds the fault that is looked for earlier.
    const limits = [{ metric: 'requests', window: 'day', max: 0 } as const];
    const other = ['another-model'];
    const others = endpoints.map((endpoint) => endpoint.path).filter((each) => each !== guardedAs);
    const quota = await issue({ limits });
    const noModel = await issue({ limits, models: other });
    const noEndpoint = await issue({ limits, models: other, endpoints: others });
    const unserved = bodies[kind]({ model: 'served-nowhere' });
    const invalid = { model: 7 };
    const large = `{"model":7,"filler":"${'x'.repeat(maxBodyBytes)}"}`;
    const origin = { origin: 'https://elsewhere.example' };
    const outcomes: [Promise<Reply>, ErrorCode | null][] = [
      [send(valid, as(quota.text)), counts ? 'insufficient_quota' : null],
      [send(unserved, as(quota.text)), 'model_not_found'],
      [send(unserved, as(noModel.text)), 'model_not_allowed'],
      [send(invalid, as(noModel.text)), 'invalid_body'],
      [send(large, as(noModel.text)), 'body_too_large'],
      [send(large, as(noEndpoint.text)), 'endpoint_not_allowed'],
      [send(large, { ...as(noEndpoint.text), ...origin }), 'origin_not_allowed'],
      [send(large, { ...as('nonsense'), ...origin }), 'invalid_token'],
    ];
    for (const [reply, code] of outcomes) {
      const { status, json } = await reply;
      expect([status < 400, json['error'] ?? null]).toEqual([
        code === null,
        code && expect.objectContaining({ code }),
      ]);
    }
    const answer = await fetch(`${gateway.url}${path}`, { headers: as('nonsense') });
    expect(answer.status).toBe(405);
  });
});

describe('POST /v1/chat/completions', () => {
  it('403: tools that run in an app, before limits and after models', async () => {
    const limits = [{ metric: 'requests', window: 'day', max: 0 } as const];
    const tools = [{ type: 'heroku_tool', function: { name: 'web_browsing_single_page', parameters: {} } }];
    const send = (token: IssuedToken, more: object): Promise<Reply> =>
      post(`${gateway.url}/v1/chat/completions`, bodies.chat({ tools, ...more }), {
        token: token.text,
        headers: withId,
      });
    const token = await gateway.issue({ limits });
    await denied(token, () => send(token, {}), { code: 'tool_not_allowed', param: 'tools' });
    await denied(token, () => send(token, { model: 'served-nowhere' }), {
      code: 'tool_not_allowed',
      param: 'tools',
    });
    const noModel = await gateway.issue({ limits, models: ['another-model'] });
    await denied(noModel, () => send(noModel, {}), { code: 'model_not_allowed', param: 'model' });
    const named = await gateway.issue({ tools: ['web_browsing_single_page'] });
    expect((await send(named, {})).status).toBe(200);
  });

  it('400: names every problem, the first as param', async () => {
    const body = bodies.chat({ messages: [{ role: 'nobody', content: 1 }], temperature: 3, top_p: -1 });
    const reply = await denied(
      good,
      () => post(`${gateway.url}/v1/chat/completions`, body, { token: good.text, headers: withId }),
      {
        code: 'invalid_body',
        param: 'temperature',
      },
    );
    const named = errorOf(reply).details?.map(({ param }) => param);
    expect(named).toEqual(expect.arrayContaining(['top_p', 'messages.0.role', 'messages.0.content']));
  });
});

describe('request ids', () => {
  it('keeps a callers id of 20 to 200 of the accepted characters, and replaces any other', async () => {
    const kept = ['a'.repeat(20), 'Z9+/=-'.repeat(33)];
    const replaced = [
      'a'.repeat(19),
      'a'.repeat(201),
      'with a space in the middle',
      'under_score_under_score',
    ];
    for (const id of kept) {
      const reply = await get(`${gateway.url}/v1/models`, { headers: { 'x-request-id': id } });
      expect(reply.headers.get('x-request-id')).toBe(id);
    }
    for (const id of replaced) {
      const reply = await get(`${gateway.url}/v1/models`, { headers: { 'x-request-id': id } });
      expect(reply.headers.get('x-request-id')).toMatch(/^[A-Za-z0-9+/=-]{20,200}$/);
      expect(reply.headers.get('x-request-id')).not.toBe(id);
    }
  });
});

/** Sends filler until an answer is in or the connection is gone; returns the bytes sent. */
async function sendUntilAnswered(connection: RawConnection, chunked: boolean): Promise<number> {
  const filler = Buffer.alloc(65_536, 0x20);
  const piece = chunked ? Buffer.concat([Buffer.from('10000\r\n'), filler, Buffer.from('\r\n')]) : filler;
  let sent = 0;
  const deadline = performance.now() + 60_000;
  while (!connection.closed && !connection.text().includes('"code"') && performance.now() < deadline) {
    connection.send(piece);
    sent += filler.length;
    await sleep(1);
  }
  return sent;
}
