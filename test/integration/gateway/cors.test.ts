import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hang, resetAfter, respond, streamFrames } from '../../support/upstream-scripts.ts';
import { messageFrame } from '../../../src/demo/frames.ts';
import { startGateway, type IssuedToken, type TestGateway } from '../../support/gateway.ts';
import { bodies, get, open, paths, post, read, readStream } from '../../support/gateway-client.ts';

const allowed = 'https://app.example.com';
const elsewhere = 'https://elsewhere.example';
const json = { 'content-type': 'application/json' };

let gateway: TestGateway;
let token: IssuedToken;
let own: IssuedToken;

beforeAll(async () => {
  gateway = await startGateway({
    env: { ALLOWED_ORIGINS: allowed, FIRST_HEARTBEAT_MS: '150', MAX_BODY_BYTES: '5000' },
  });
  token = await gateway.issue({ limits: [{ metric: 'requests', window: 'day', max: 10_000 }] });
  own = await gateway.issue({ origins: ['http://localhost:5173', 'none'] });
});
afterEach(() => gateway.upstream.script(null));
afterAll(() => gateway.close());

const corsNames = (headers: Headers): string[] =>
  [...headers.keys()].filter((name) => name.startsWith('access-control-'));

const exposed = ['x-request-id', 'ratelimit', 'ratelimit-policy', 'retry-after', 'x-should-retry'].concat(
  ['limit', 'remaining', 'reset'].flatMap((what) => [
    `x-ratelimit-${what}-requests`,
    `x-ratelimit-${what}-tokens`,
  ]),
);

/** The exact origin, for this caller only, never with credentials. */
function expectNamed(headers: Headers, origin: string): void {
  expect(headers.get('access-control-allow-origin')).toBe(origin);
  expect(headers.get('vary')).toMatch(/\bOrigin\b/);
  expectExposed(headers);
}

/** Anyone may read it: it grants nothing. */
function expectOpen(headers: Headers): void {
  expect(headers.get('access-control-allow-origin')).toBe('*');
  expectExposed(headers);
}

function expectExposed(headers: Headers): void {
  expect(headers.get('access-control-allow-credentials')).toBeNull();
  const names = (headers.get('access-control-expose-headers') ?? '').toLowerCase().split(/\s*,\s*/);
  expect(names).toEqual(expect.arrayContaining(exposed));
}

const as = (issued: IssuedToken, origin: string): Record<string, string> => ({
  authorization: `Bearer ${issued.text}`,
  origin,
});

describe('replies to a known caller name its origin', () => {
  it.each(['chat', 'embeddings', 'images'] as const)('answers: %s', async (kind) => {
    const reply = await post(`${gateway.url}${paths[kind]}`, bodies[kind](), { headers: as(token, allowed) });
    expect(reply.status).toBe(200);
    expectNamed(reply.headers, allowed);
  });

  it('answers to an origin of the token itself', async () => {
    const origin = 'http://localhost:5173';
    const reply = await post(`${gateway.url}${paths.chat}`, bodies.chat(), { headers: as(own, origin) });
    expect(reply.status).toBe(200);
    expectNamed(reply.headers, origin);
  });

  it.each(['/v1/me', '/v1/models'])('%s', async (path) => {
    const reply = await get(`${gateway.url}${path}`, { headers: as(token, allowed) });
    expect(reply.status).toBe(200);
    expectNamed(reply.headers, allowed);
  });

  it('streams, begun by the upstream or by a heartbeat', async () => {
    const plain = await open(`${gateway.url}${paths.chat}`, bodies.chat({ stream: true }), {
      headers: as(token, allowed),
    });
    expectNamed(plain.headers, allowed);
    await read(plain);

    gateway.upstream.script(hang());
    const leaving = new AbortController();
    const early = await open(`${gateway.url}${paths.chat}`, bodies.chat({ stream: true }), {
      headers: as(token, allowed),
      signal: leaving.signal,
    });
    expectNamed(early.headers, allowed);
    leaving.abort();
  });

  it('streams that break off', async () => {
    gateway.upstream.script(resetAfter(messageFrame({})));
    const broken = await open(`${gateway.url}${paths.chat}`, bodies.chat({ stream: true }), {
      headers: as(token, allowed),
    });
    expectNamed(broken.headers, allowed);
    expect(await readStream(broken).rest()).toBe('broken');
  });

  it.each([
    ['400', {}, 400, null],
    ['413', { filler: 'x'.repeat(6_000) }, 413, null],
    ['502', bodies.chat(), 502, respond(500, json, '{}')],
    ['429 of the upstream', bodies.chat(), 429, respond(429, json, '{}')],
    ['502 for a stream', bodies.chat({ stream: true }), 502, streamFrames([], { headers: json })],
  ] as const)('errors: %s', async (_, body, status, script) => {
    gateway.upstream.script(script);
    const reply = await post(`${gateway.url}${paths.chat}`, body, { headers: as(token, allowed) });
    expect(reply.status).toBe(status);
    expectNamed(reply.headers, allowed);
  });

  it('errors: 429 of ours, 403 of the endpoint and of the origin', async () => {
    const limited = await gateway.issue({ limits: [{ metric: 'requests', window: 'day', max: 0 }] });
    const narrow = await gateway.issue({ endpoints: [] });
    for (const [issued, origin, status] of [
      [limited, allowed, 429],
      [narrow, allowed, 403],
      [token, elsewhere, 403],
    ] as const) {
      const reply = await post(`${gateway.url}${paths.chat}`, bodies.chat(), { headers: as(issued, origin) });
      expect(reply.status).toBe(status);
      expectNamed(reply.headers, origin);
    }
  });
});

describe('replies to nobody in particular may be read by anyone', () => {
  it.each([
    ['401', 'POST', paths.chat, 401],
    ['404', 'POST', '/v1/nothing', 404],
    ['405', 'GET', paths.chat, 405],
    ['401 of /v1/me', 'GET', '/v1/me', 401],
  ])('%s', async (_, method, path, status) => {
    const reply = await fetch(`${gateway.url}${path}`, { method, headers: { origin: elsewhere } });
    await reply.arrayBuffer();
    expect(reply.status).toBe(status);
    expectOpen(reply.headers);
  });
});

describe('a preflight', () => {
  it.each([paths.chat, paths.embeddings, paths.images, '/v1/models', '/v1/me'])(
    'of %s is allowed to anyone, without a credential',
    async (path) => {
      const asked = 'authorization,content-type,x-stainless-lang,x-request-id';
      const reply = await fetch(`${gateway.url}${path}`, {
        method: 'OPTIONS',
        headers: {
          origin: elsewhere,
          'access-control-request-method': 'POST',
          'access-control-request-headers': asked,
        },
      });
      expect(reply.status).toBe(204);
      expect(await reply.text()).toBe('');
      const { headers } = reply;
      expect(headers.get('access-control-allow-origin')).toBe('*');
      expect(headers.get('access-control-allow-credentials')).toBeNull();
      expect(headers.get('access-control-allow-methods')).toMatch(/POST/);
      expect(headers.get('access-control-allow-methods')).toMatch(/GET/);
      const names = (headers.get('access-control-allow-headers') ?? '').toLowerCase().split(/\s*,\s*/);
      expect(names).toEqual(expect.arrayContaining(asked.split(',')));
    },
  );

  it('cannot put a header into the answer', async () => {
    const reply = await fetch(`${gateway.url}${paths.chat}`, {
      method: 'OPTIONS',
      headers: { origin: elsewhere, 'access-control-request-headers': 'a: b; <script>' },
    });
    expect(reply.headers.get('access-control-allow-headers')).not.toContain('script');
  });

  it('has an x-request-id, as every reply of /v1', async () => {
    const id = 'a-preflight-has-an-id-too';
    const reply = await fetch(`${gateway.url}${paths.chat}`, {
      method: 'OPTIONS',
      headers: { 'x-request-id': id },
    });
    expect(reply.headers.get('x-request-id')).toBe(id);
  });
});

describe('nothing outside /v1 is for browsers', () => {
  const calls: [string, string, boolean][] = [
    ['GET', '/admin/teams', true],
    ['GET', '/admin/teams', false],
    ['OPTIONS', '/admin/teams', false],
    ['PUT', '/admin/teams', true],
    ['GET', '/admin/nothing', true],
    ['GET', '/admin', false],
    ['GET', '/metrics', true],
    ['GET', '/metrics', false],
    ['POST', '/metrics', true],
    ['OPTIONS', '/metrics', false],
    ['GET', '/metrics/more', true],
    ['GET', '/nothing', false],
    ['GET', '/', false],
    ['GET', '/healthz', false],
    ['GET', '/readyz', false],
  ];

  it.each(calls)('%s %s (with the admin key: %s)', async (method, path, withKey) => {
    const reply = await fetch(`${gateway.url}${path}`, {
      method,
      headers: {
        origin: allowed,
        'access-control-request-method': 'GET',
        ...(withKey ? { authorization: `Bearer ${gateway.adminKey}` } : {}),
      },
    });
    await reply.arrayBuffer();
    expect(corsNames(reply.headers)).toEqual([]);
  });
});
