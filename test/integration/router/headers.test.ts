import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mintToken } from '../../../src/identity/records/token-text.ts';
import type { Limit } from '../../../src/base/limit.ts';
import { models, startGateway, type TestGateway } from '../../support/gateway.ts';
import { bodies, errorOf, paths, post } from '../../support/gateway-client.ts';
import { connectRaw } from '../../support/http.ts';
import { type Router, startRouter } from '../../support/router.ts';

/* What Heroku's router adds to a request, answers itself, and carries back. */

const perMinute = 5;
let gateway: TestGateway;
let router: Router;

beforeAll(async () => {
  gateway = await startGateway({ env: { DYNO: 'web.1', REFUSED_CREDENTIALS_PER_MINUTE: String(perMinute) } });
  router = await startRouter({ port: gateway.port });
});
afterAll(async () => {
  await router.close();
  await gateway.close();
});

const chat = (token: string, headers: Record<string, string> = {}) =>
  post(`${router.url}${paths.chat}`, bodies.chat(), { token, headers });

describe('through the router', () => {
  it('a request id that it keeps is kept, one that it does not is replaced by its own', async () => {
    const { text } = await gateway.issue();
    const id = randomUUID();
    const kept = await chat(text, { 'x-request-id': id });
    expect(kept.headers.get('x-request-id')).toBe(id);
    const replaced = await chat(text, { 'x-request-id': 'too short' });
    const own = replaced.headers.get('x-request-id');
    expect(own).toMatch(/^[0-9a-f-]{36}$/);
    expect(gateway.upstream.requests.at(-1)?.headers['x-request-id']).toBe(own);
  });

  it('nothing is compressed, asked or not', async () => {
    const { text } = await gateway.issue();
    const reply = await chat(text, { 'accept-encoding': 'gzip, br' });
    expect([reply.status, reply.headers.get('content-encoding')]).toEqual([200, null]);
  });

  it('Expect: 100-continue is answered by it, and the body goes on', async () => {
    const { text } = await gateway.issue();
    const body = JSON.stringify(bodies.chat());
    const connection = await connectRaw(router.port);
    const head = `POST ${paths.chat} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${text}\r\nconnection: close\r\n`;
    connection.send(`${head}expect: 100-continue\r\ncontent-length: ${body.length}\r\n\r\n`);
    await connection.until('HTTP/1.1 100 Continue\r\n\r\n');
    connection.send(body);
    await connection.untilClosed();
    expect(connection.text()).toContain('HTTP/1.1 200 OK');
  });

  it('the address it saw is counted, whatever addresses a caller writes before it', async () => {
    const statuses: number[] = [];
    for (let n = 0; n <= perMinute; n += 1) {
      const reply = await chat(mintToken('user').text, { 'x-forwarded-for': `203.0.113.${n}` });
      statuses.push(reply.status);
    }
    expect(statuses).toEqual([...Array<number>(perMinute).fill(401), 429]);
  });
});

/** As many as a list may have, with the longest of names and numbers. */
function longestList(scope: string): Limit[] {
  return Array.from({ length: 16 }, (_, n) => ({
    metric: 'tokens',
    window: 'minute',
    max: Number.MAX_SAFE_INTEGER,
    models: [`${'x'.repeat(100)}-${scope}-${n}`, models.chat],
  }));
}

describe('sixteen limits of the gateway, the team, the user and the token', () => {
  it('are told in header lines that the router carries, with an answer and with a refusal', async () => {
    const set = await gateway.admin('PATCH', '/admin/settings', { limits: longestList('gateway') });
    expect(set.status).toBe(200);
    const once: Limit = { metric: 'requests', window: 'minute', max: 1 };
    const { text } = await gateway.issue({
      team: { limits: longestList('team') },
      user: { limits: longestList('user') },
      limits: [once, ...longestList('token').slice(1)],
    });
    for (const status of [200, 429]) {
      const reply = await chat(text);
      expect(reply.status).toBe(status);
      expect(reply.headers.get('ratelimit-policy')?.split(', ')).toHaveLength(64);
    }
    await gateway.admin('PATCH', '/admin/settings', { limits: null });
    expect(router.errors).toEqual([]);
  });
});

describe('headers too long', () => {
  it('for the gateway: a 431 that can be read', async () => {
    const headers = { 'x-one': 'x'.repeat(8_000), 'x-two': 'x'.repeat(8_000), 'x-three': 'x'.repeat(8_000) };
    const reply = await chat('any', headers);
    expect([reply.status, errorOf(reply).type]).toEqual([431, 'invalid_request_error']);
    expect(errorOf(reply).message).toMatch(/header/i);
  });

  it('for the router: its own page', async () => {
    const reply = await chat('any', { 'x-one': 'x'.repeat(8_200) });
    expect([reply.status, reply.headers.get('content-type')]).toEqual([400, 'text/html']);
  });
});
