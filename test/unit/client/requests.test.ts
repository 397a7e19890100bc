import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTollgate, type Tollgate } from '../../../client/index.js';
import { startPretendGateway, type PretendGateway } from '../../support/pretend-gateway.ts';

let gateway: PretendGateway;
let tollgate: Tollgate;

beforeEach(async () => {
  gateway = await startPretendGateway();
  tollgate = createTollgate({ url: gateway.origin, getSession: gateway.getSession });
});
afterEach(() => gateway.close());

describe("the gateway's URL", () => {
  it.each(['', '/', '/v1', '/v1/'])('may end in %j', async (end) => {
    const other = createTollgate({ url: gateway.origin + end, getSession: gateway.getSession });
    await other('/v1/models');
    await other('v1/me?fields=limits');
    expect(gateway.arrived.map(({ path }) => path)).toEqual(['/v1/models', '/v1/me?fields=limits']);
  });

  it.each(['', '/v1', 'gateway.example.com', 'file:///v1', 'data:,x'])('is not %j', (url) => {
    expect(() => createTollgate({ url, getSession: gateway.getSession })).toThrow(TypeError);
  });
});

describe('a request', () => {
  it.each([
    ['a text', (url: string) => url],
    ['a URL', (url: string) => new URL(url)],
    ['a Request', (url: string) => new Request(url)],
  ])('is %s', async (_name, inputOf) => {
    const answer = await tollgate(inputOf(`${gateway.origin}/v1/models`));
    expect(await answer.json()).toEqual({ token: 'tgs_1', body: '' });
  });

  it('keeps its own headers, and has the session in place of any other credential', async () => {
    const headers = { Authorization: 'Bearer session', 'X-Api-Key': 'another', 'x-trace': '7' };
    await tollgate('/v1/models', { headers });
    await tollgate('/v1/models', { headers: Object.entries(headers) });
    await tollgate(new Request(`${gateway.origin}/v1/models`, { headers }));
    await tollgate(new Request(`${gateway.origin}/v1/models`), { headers: new Headers(headers) });
    expect(gateway.arrived).toHaveLength(4);
    for (const arrived of gateway.arrived) {
      expect(arrived.headers).toMatchObject({ authorization: 'Bearer tgs_1', 'x-trace': '7' });
      expect(arrived.headers).not.toHaveProperty('x-api-key');
    }
  });

  it('leaves what it was called with as it was', async () => {
    const headers = new Headers({ authorization: 'Bearer session' });
    const init = Object.freeze({ headers, method: 'POST', body: 'text' });
    await tollgate('/v1/models', init);
    expect([...headers]).toEqual([['authorization', 'Bearer session']]);
  });

  it('follows no redirect', async () => {
    gateway.answer = (_arrived, response) => void response.writeHead(307, { location: '/elsewhere' }).end();
    await expect(tollgate('/v1/models', { redirect: 'follow' })).rejects.toThrow(TypeError);
    expect(gateway.arrived.map(({ path }) => path)).toEqual(['/v1/models']);
  });

  it('sends no cookies, though it is told to', async () => {
    const sent: RequestInit[] = [];
    const original = globalThis.fetch;
    globalThis.fetch = (input, init = {}) => {
      sent.push(init);
      return original(input, init);
    };
    try {
      await tollgate('/v1/models', { credentials: 'include' });
    } finally {
      globalThis.fetch = original;
    }
    expect(sent).toMatchObject([{ credentials: 'omit', redirect: 'manual' }]);
  });
});

describe('another origin', () => {
  const elsewhere = [
    'https://elsewhere.example/v1/models',
    '//elsewhere.example/v1/models',
    '/\\elsewhere.example/v1/models',
    '\t//elsewhere.example',
    'http://127.0.0.1/v1/models',
    'data:,x',
    'blob:null/4c3a',
    'javascript:0',
  ];

  it.each(elsewhere)('%j is refused before a session is asked for', async (url) => {
    await expect(tollgate(url)).rejects.toThrow(TypeError);
    await expect(tollgate(url)).rejects.toThrow(`Tollgate sends requests to ${gateway.origin} only`);
    expect(gateway.sessionsGiven).toBe(0);
  });

  it('is refused in another scheme, at another port, and as a blob of the same', async () => {
    const { origin } = gateway;
    const urls = [origin.replace('http:', 'https:'), origin.replace(/\d+$/, '1'), `blob:${origin}/4c3a`];
    for (const url of urls) await expect(tollgate(url)).rejects.toThrow(`requests to ${origin} only`);
    expect(gateway.sessionsGiven).toBe(0);
  });

  it('is refused in a URL and in a Request', async () => {
    await expect(tollgate(new URL('https://elsewhere.example/'))).rejects.toThrow(TypeError);
    await expect(tollgate(new Request('https://elsewhere.example/'))).rejects.toThrow(TypeError);
    expect(gateway.sessionsGiven).toBe(0);
  });
});

describe('a body', () => {
  const form = (): FormData => {
    const data = new FormData();
    data.set('field', 'value');
    return data;
  };
  const bodies: [string, () => NonNullable<RequestInit['body']>, string][] = [
    ['a text', () => 'value', 'value'],
    ['a Blob', () => new Blob(['value']), 'value'],
    ['a form', form, 'name="field"\r\n\r\nvalue\r\n'],
    ['parameters', () => new URLSearchParams({ field: 'value' }), 'field=value'],
    ['an ArrayBuffer', () => new TextEncoder().encode('value').buffer, 'value'],
    ['bytes', () => new TextEncoder().encode('value'), 'value'],
  ];

  it.each(bodies)('that is %s is sent again after a renewal', async (_name, body, expected) => {
    gateway.expire('tgs_1');
    expect((await tollgate('/v1/x', { method: 'POST', body: body() })).status).toBe(200);
    expect(gateway.arrived.map(({ token }) => token)).toEqual(['tgs_1', 'tgs_2']);
    for (const arrived of gateway.arrived) expect(arrived.body).toContain(expected);
  });

  it.each(bodies)('of a Request, %s, is sent again after a renewal', async (_name, body, expected) => {
    gateway.expire('tgs_1');
    const request = new Request(`${gateway.origin}/v1/x`, { method: 'POST', body: body() });
    expect((await tollgate(request)).status).toBe(200);
    expect(gateway.arrived.map(({ token }) => token)).toEqual(['tgs_1', 'tgs_2']);
    for (const { body: arrived, headers } of gateway.arrived) {
      expect(arrived).toContain(expected);
      expect(headers['content-type'] ?? null).toBe(request.headers.get('content-type'));
    }
  });

  it('that is a stream is sent once: the 401 is handed through, and the next request gets a new session', async () => {
    gateway.expire('tgs_1');
    const answer = await tollgate('/v1/x', streamed('value'));
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ error: { code: 'expired_token' } });
    expect(await (await tollgate('/v1/x', streamed('next'))).json()).toEqual({
      token: 'tgs_2',
      body: 'next',
    });
    expect(gateway.arrived.map(({ body }) => body)).toEqual(['value', 'next']);
  });

  it('of a Request that is a stream is sent again, from a copy', async () => {
    gateway.expire('tgs_1');
    const answer = await tollgate(new Request(`${gateway.origin}/v1/x`, streamed('value')));
    expect(await answer.json()).toEqual({ token: 'tgs_2', body: 'value' });
  });
});

function streamed(text: string): RequestInit {
  const body = new Blob([text]).stream();
  return { method: 'POST', body, duplex: 'half' };
}
