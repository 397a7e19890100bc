import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mintSessionToken, mintToken } from '../../../src/identity/records/token-text.ts';
import { newCode } from '../../../src/claims/sealed.ts';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { bodies, errorOf, get, paths, post, type Reply } from '../../support/gateway-client.ts';
import { claimLink } from '../../support/rotation.ts';
import { parseResponse, rawRequest } from '../../support/http.ts';
import { sharedRedis, type SharedRedis } from '../../support/redis-server.ts';
import { mintSession } from '../../support/sessions.ts';
import { trustedIssuer } from '../../unit/sign-in/trusted.ts';

/* What holds behind Heroku's router only: it says how a request came in, and from where. */

let redis: SharedRedis;
let gateway: TestGateway;
let elsewhere: TestGateway;
const perMinute = 20;

beforeAll(async () => {
  redis = await sharedRedis();
  const env = { REFUSED_CREDENTIALS_PER_MINUTE: String(perMinute) };
  gateway = await startGateway({ redis, env: { ...env, DYNO: 'web.1' } });
  elsewhere = await startGateway({ env });
});

afterAll(async () => {
  await gateway.close();
  await elsewhere.close();
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

async function lookups(): Promise<number> {
  const { text } = await get(`${gateway.url}/metrics`, { token: gateway.adminKey });
  return Number(
    /^tollgate_store_duration_seconds_count\{[^}]*operation="resolve"[^}]*\} (\d+)/m.exec(text)?.[1],
  );
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

  it('do not touch many good ones that come at once, none of them known to this process', async () => {
    const address = newAddress();
    const { text } = await gateway.issue();
    await statuses(address, guesses(perMinute + 1));
    const sessions = await Promise.all(Array.from({ length: 60 }, () => mintSession(gateway.url, text)));
    const replies = await Promise.all(sessions.map(({ token }) => from(address, token)));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
  });

  it('are counted where somebody invents sessions that have expired', async () => {
    const address = newAddress();
    const forged = Array.from({ length: perMinute + 1 }, () => mintSessionToken(Date.now() - 60_000).text);
    expect(new Set(await statuses(address, forged))).toEqual(new Set([401]));
    expect(await statuses(address, guesses(1))).toEqual([429]);
  });

  it('are not looked up for any more at ten times their share', async () => {
    const address = newAddress();
    const before = await lookups();
    const replies = await Promise.all(guesses(600).map((text) => from(address, text)));
    expect(replies.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(perMinute);
    expect((await lookups()) - before).toBeLessThan(10 * perMinute + 110);
  });

  it('of the administrator shut an address out, the right key too', async () => {
    const address = newAddress();
    const admin = (key: string): Promise<Reply> =>
      get(`${gateway.url}/admin/teams`, { token: key, headers: { 'x-forwarded-for': address } });
    for (let n = 0; n < perMinute; n += 1) expect((await admin(`wrong ${n}`)).status).toBe(401);
    expect((await admin(gateway.adminKey)).status).toBe(429);
    expect((await get(`${gateway.url}/admin/teams`, { token: gateway.adminKey })).status).toBe(200);
  });

  it('are 60 a minute over the data plane, the admin API, claim links and sign-in together', async () => {
    const env = { DYNO: 'web.1', REFUSED_CREDENTIALS_PER_MINUTE: '' };
    const byDefault = await startGateway({ env, issuers: [trustedIssuer()] });
    try {
      const headers = { 'x-forwarded-for': newAddress() };
      const ask = async (path: string, authorization = '', init: RequestInit = {}): Promise<number> => {
        const own = authorization === '' ? headers : { ...headers, authorization };
        return (await fetch(`${byDefault.url}${path}`, { ...init, headers: own })).status;
      };
      const doors: readonly (() => Promise<number>)[] = [
        () => ask('/v1/models', `Bearer ${mintToken('user').text}`),
        () => ask('/admin/teams', 'Bearer not-the-key'),
        () => ask(`/claim/${newCode()}`),
        () =>
          ask('/oauth/token', '', {
            method: 'POST',
            body: new URLSearchParams({ subject_token: 'guessed' }),
          }),
      ];
      const seen = [];
      for (let n = 0; n < 15; n += 1) for (const door of doors) seen.push(await door());
      expect(seen.filter((status) => status === 429)).toEqual([]);
      for (const door of doors) expect(await door()).toBe(429);
    } finally {
      await byDefault.close();
    }
  });

  it('count by the other end of the connection elsewhere, and shut nobody out', async () => {
    const good = await elsewhere.issue();
    const seen = [];
    for (const [n, text] of guesses(perMinute + 5).entries())
      seen.push((await from(`203.0.113.${n}`, text, elsewhere)).status);
    expect(seen).toEqual([...Array<number>(perMinute).fill(401), ...Array<number>(5).fill(429)]);
    const admin = (key: string): Promise<Reply> => get(`${elsewhere.url}/admin/teams`, { token: key });
    expect((await admin('wrong')).status).toBe(429);
    expect((await admin(elsewhere.adminKey)).status).toBe(200);
    expect((await from('203.0.113.1', good.text, elsewhere)).status).toBe(200);
  });

  it('count an IPv6 /64 as one address', async () => {
    for (const [n, text] of guesses(perMinute).entries()) await from(`2001:db8:1:2::${n}`, text);
    expect(await statuses('2001:db8:1:2:ffff::1', guesses(1))).toEqual([429]);
    expect(await statuses('2001:db8:1:3::1', guesses(1))).toEqual([401]);
  });
});

describe('guessed claim links', () => {
  it('are counted as refused credentials are', async () => {
    const headers = { 'x-forwarded-for': newAddress() };
    const guess = async (method: string): Promise<number> =>
      (await fetch(`${gateway.url}/claim/${newCode()}`, { method, headers })).status;
    const seen = [];
    for (let n = 0; n < perMinute; n += 1) seen.push(await guess(n % 2 === 0 ? 'GET' : 'POST'));
    expect(new Set(seen)).toEqual(new Set([404]));
    expect(await guess('POST')).toBe(429);
    const others = await fetch(`${gateway.url}/claim/${newCode()}`);
    expect(others.status).toBe(404);
  });

  it('do not keep the right one from the same address', async () => {
    const headers = { 'x-forwarded-for': newAddress() };
    for (let n = 0; n < perMinute + 2; n += 1) await fetch(`${gateway.url}/claim/${newCode()}`, { headers });
    const link = await claimLink(gateway, await gateway.issue());
    // On a dyno there is https only; here there is no router that would take it.
    expect(link).toMatch(new RegExp(`^https://127\\.0\\.0\\.1:${gateway.port}/claim/`));
    const opened = await fetch(link.replace('https:', 'http:'), { method: 'POST', headers });
    expect(opened.status).toBe(200);
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
      preflight,
    ];
    for (const { headers } of replies) {
      expect(Object.fromEntries(headers)).toMatchObject({
        ...expected,
        'strict-transport-security': 'max-age=31536000',
      });
    }
    const garbage = parseResponse(await rawRequest(gateway.port, 'GARBAGE\r\n\r\n'));
    expect(Object.fromEntries(garbage.headers)).toMatchObject({
      ...expected,
      'strict-transport-security': 'max-age=31536000',
    });
    // Over plain http a browser must not be told to remember https (RFC 6797, 7.2).
    const insecure = await get(`${gateway.url}/healthz`, { headers: { 'x-forwarded-proto': 'http' } });
    expect(Object.fromEntries(insecure.headers)).toMatchObject(expected);
    expect(insecure.headers.get('strict-transport-security')).toBeNull();
    const plain = await get(`${elsewhere.url}/healthz`);
    expect(Object.fromEntries(plain.headers)).toMatchObject(expected);
    expect(plain.headers.get('strict-transport-security')).toBeNull();
  });

  it('let the first page use its own style and script, by their hashes', async () => {
    const { headers } = await get(`${gateway.url}/`, { headers: { accept: 'text/html' } });
    const policy = headers.get('content-security-policy');
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; /);
    expect(policy).not.toContain('unsafe');
  });
});
