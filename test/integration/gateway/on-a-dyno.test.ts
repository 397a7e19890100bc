import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mintToken } from '../../../src/auth/token-text.ts';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { bodies, errorOf, get, paths, post, type Reply } from '../../support/gateway-client.ts';
import { type RedisServer, startRedis } from '../../support/redis-server.ts';

/* What holds behind Heroku's router only: it says how a request came in, and from where. */

let redis: RedisServer;
let gateway: TestGateway;
let elsewhere: TestGateway;
const perMinute = 20;

beforeAll(async () => {
  redis = await startRedis();
  const env = { REFUSED_CREDENTIALS_PER_MINUTE: String(perMinute) };
  gateway = await startGateway({ redis, env: { ...env, DYNO: 'web.1' } });
  elsewhere = await startGateway({ env });
});

afterAll(async () => {
  await gateway.close();
  await elsewhere.close();
  await redis.stop();
});

let addresses = 0;
function newAddress(): string {
  addresses += 1;
  return `203.0.113.${addresses}`;
}

function from(address: string, text: string, at: TestGateway = gateway): Promise<Reply> {
  const headers = { 'x-forwarded-for': address };
  return post(`${at.url}${paths.chat}`, bodies.chat(), { token: text, headers });
}

async function statuses(address: string, texts: string[], at?: TestGateway): Promise<number[]> {
  const seen = [];
  for (const text of texts) seen.push((await from(address, text, at)).status);
  return seen;
}

const guesses = (count: number): string[] => Array.from({ length: count }, () => mintToken('user').text);

describe('refused credentials', () => {
  it('are answered 429 beyond so many a minute from one address, with the time to wait', async () => {
    const address = newAddress();
    const seen = await statuses(address, guesses(perMinute + 5));
    expect(seen).toEqual([...Array<number>(perMinute).fill(401), ...Array<number>(5).fill(429)]);
    const reply = await from(address, 'not a token');
    expect(errorOf(reply).code).toBe('rate_limit_exceeded');
    expect(Number(reply.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    expect((await statuses(newAddress(), guesses(1)))[0]).toBe(401);
  });

  it('do not touch a good token from the same address, known to this process or not', async () => {
    const address = newAddress();
    const known = await gateway.issue();
    const unknown = await gateway.issue();
    expect((await from(address, known.text)).status).toBe(200);
    await statuses(address, guesses(perMinute + 3));
    expect((await from(address, known.text)).status).toBe(200);
    expect((await from(address, unknown.text)).status).toBe(200);
  });

  it('cannot be put on somebody else, nor be escaped, by what the client writes into X-Forwarded-For', async () => {
    const address = newAddress();
    const victim = newAddress();
    const texts = guesses(perMinute + 1);
    const seen = [];
    for (const [n, text] of texts.entries())
      seen.push((await from(`${victim}, 10.0.0.${n}, ${address}`, text)).status);
    expect(seen.at(-1)).toBe(429);
    expect((await from(victim, mintToken('user').text)).status).toBe(401);
  });

  it('ask the store for one at a time once an address is over', async () => {
    const address = newAddress();
    await statuses(address, guesses(perMinute));
    const replies = await Promise.all(guesses(50).map((text) => from(address, text)));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([429]));
  });

  it('of the administrator shut an address out, the right key too', async () => {
    const address = newAddress();
    const admin = (key: string): Promise<Reply> =>
      get(`${gateway.url}/admin/teams`, { token: key, headers: { 'x-forwarded-for': address } });
    for (let n = 0; n < perMinute; n += 1) expect((await admin(`wrong ${n}`)).status).toBe(401);
    expect((await admin(gateway.adminKey)).status).toBe(429);
    expect((await get(`${gateway.url}/admin/teams`, { token: gateway.adminKey })).status).toBe(200);
  });

  it('are not counted where no router tells addresses', async () => {
    const seen = await statuses('203.0.113.99', guesses(perMinute + 5), elsewhere);
    expect(new Set(seen)).toEqual(new Set([401]));
  });
});

describe('plain http', () => {
  it.each(['/v1/models', '/admin/teams', '/', '/metrics', '/healthz'])('is refused: %s', async (path) => {
    const reply = await get(`${gateway.url}${path}`, { headers: { 'x-forwarded-proto': 'http' } });
    expect([reply.status, errorOf(reply).code]).toEqual([403, 'https_required']);
    const secure = await get(`${gateway.url}${path}`, { headers: { 'x-forwarded-proto': 'https' } });
    expect(secure.status).not.toBe(403);
  });

  it("is nobody's business where no router tells", async () => {
    const reply = await get(`${elsewhere.url}/healthz`, { headers: { 'x-forwarded-proto': 'http' } });
    expect(reply.status).toBe(200);
  });
});

describe('security headers', () => {
  const expected = {
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  };

  it('are on every reply: answers, streams, errors, preflights, what never reached the routes', async () => {
    const token = await gateway.issue();
    const chat = (body: object, text = token.text): Promise<Reply> =>
      post(`${gateway.url}${paths.chat}`, body, { token: text });
    const preflight = await fetch(`${gateway.url}${paths.chat}`, { method: 'OPTIONS' });
    const replies = [
      await chat(bodies.chat()),
      await chat(bodies.chat({ stream: true })),
      await chat({}),
      await chat(bodies.chat(), 'x'),
      await get(`${gateway.url}/v1/me`, { token: token.text }),
      await get(`${gateway.url}/nowhere`),
      await get(`${gateway.url}/healthz`),
      await get(`${gateway.url}/admin/teams`, { token: gateway.adminKey }),
      await get(`${gateway.url}/healthz`, { headers: { 'x-forwarded-proto': 'http' } }),
      preflight,
    ];
    for (const { headers } of replies) {
      expect(Object.fromEntries(headers)).toMatchObject({
        ...expected,
        'strict-transport-security': 'max-age=31536000',
      });
    }
    const plain = await get(`${elsewhere.url}/healthz`);
    expect(Object.fromEntries(plain.headers)).toMatchObject(expected);
    expect(plain.headers.get('strict-transport-security')).toBeNull();
  });

  it('let the one page there is style itself', async () => {
    const { headers } = await get(`${gateway.url}/`, { headers: { accept: 'text/html' } });
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    );
  });
});
