import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { respond } from '../support/upstream-scripts.ts';
import { cut } from '../support/stand-in.ts';
import { messageFrame } from '../../src/demo/frames.ts';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { bodies, paths } from '../support/gateway-client.ts';
import { startGateway, type NewToken, type TestGateway } from '../support/gateway.ts';
import { askFrom, runIn, type Seen } from '../support/in-page.ts';
import { mintSession } from '../support/sessions.ts';
import { startStaticSite, type StaticSite } from '../support/static-site.ts';
import { TurnedClock } from '../support/turned-clock.ts';

/* What the JavaScript of a page can read of an answer from another origin. */

const clock = new TurnedClock();
let browser: TestBrowser;
let gateway: TestGateway;
let site: StaticSite;
let page: Page;

beforeAll(async () => {
  browser = await launchBrowser();
  site = await startStaticSite({ files: { '/': '<!doctype html><title>A page</title>' } });
  gateway = await startGateway({ clock });
  page = await browser.page(site.origin);
});
afterEach(() => gateway.upstream.script(null));
afterAll(async () => {
  await browser.close();
  await Promise.all([site.close(), gateway.close()]);
});

async function tokenWith(wanted: NewToken = {}): Promise<string> {
  return (await gateway.issue({ origins: [site.origin, 'none'], ...wanted })).text;
}

function ask(token: string, body: object = bodies.chat()): Promise<Seen> {
  return askFrom(page, { url: `${gateway.url}${paths.chat}`, token, body });
}

describe('a page reads', () => {
  it('a 429: whose limit, and when to come back', async () => {
    const limits = [{ metric: 'requests', window: 'minute', max: 1 } as const];
    const token = await tokenWith({ limits });
    expect(await ask(token)).toMatchObject({ status: 200, error: null });
    const { status, headers, error } = await ask(token);
    expect(status).toBe(429);
    expect(error).toMatchObject({
      code: 'rate_limit_exceeded',
      limit: { scope: 'token', metric: 'requests', window: 'minute', max: 1 },
    });
    expect(Date.parse(error?.limit?.resets_at ?? '')).toBeGreaterThan(Date.now());
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(headers['ratelimit']).toMatch(/r=0/);
    expect(headers['ratelimit-policy']).toMatch(/q=1;w=60/);
    expect(headers['x-ratelimit-limit-requests']).toBe('1');
    expect(headers['x-ratelimit-remaining-requests']).toBe('0');
    expect(headers['x-ratelimit-reset-requests']).toMatch(/\ds$/);
    expect(headers['x-request-id']).toBe(error?.request_id);
  });

  it('what is left of the limits beside an answer', async () => {
    const limits = [
      { metric: 'requests', window: 'minute', max: 7 } as const,
      { metric: 'tokens', window: 'day', max: 5_000 } as const,
    ];
    const { status, headers } = await ask(await tokenWith({ limits }));
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'x-ratelimit-limit-requests': '7',
      'x-ratelimit-remaining-requests': '6',
      'x-ratelimit-limit-tokens': '5000',
    });
  });

  it('a 401: its session has expired', async () => {
    const wanted = { expires_in: 10, origins: [site.origin] };
    const session = await mintSession(gateway.url, await tokenWith(), wanted);
    expect((await ask(session.token)).status).toBe(200);
    clock.aheadMs += 12_000;
    const seen = await ask(session.token);
    expect(seen).toMatchObject({ status: 401, error: { code: 'expired_token' } });
    expect(seen.headers['x-request-id']).toBe(seen.error?.request_id);
  });

  it('a 400: the first problem by name, and the others', async () => {
    const body = bodies.chat({ temperature: 'hot', max_tokens: -1, stream: 'yes' });
    const { status, error } = await ask(await tokenWith(), body);
    expect(status).toBe(400);
    expect(error?.code).toBe('invalid_body');
    const named = [error?.param, ...(error?.details ?? []).map(({ param }) => param)];
    expect(new Set(named)).toEqual(new Set(['max_tokens', 'stream', 'temperature']));
  });

  it('a 403: what this session must not send', async () => {
    const pinned = { model: 'claude-3-5-haiku', max_tokens: 50 };
    const session = await mintSession(gateway.url, await tokenWith(), { pinned });
    const { messages } = bodies.chat() as { messages: object[] };
    expect((await ask(session.token, { messages })).status).toBe(200);
    const seen = await ask(session.token, { messages, temperature: 1 });
    expect(seen).toMatchObject({ status: 403, error: { code: 'field_not_allowed', param: 'temperature' } });
  });

  it('a 502: the upstream failed', async () => {
    gateway.upstream.script(respond(500, { 'content-type': 'application/json' }, '{}'));
    expect(await ask(await tokenWith())).toMatchObject({ status: 502, error: { code: 'upstream_error' } });
  });

  it.each([
    ['no credential', { path: paths.chat }, 401, 'missing_token'],
    [
      'no credential, as an SDK asks',
      { path: paths.chat, headers: { 'x-stainless-os': 'x' } },
      401,
      'missing_token',
    ],
    ['one that is unknown', { path: paths.chat, token: `tgs_${'0'.repeat(40)}` }, 401, 'invalid_token'],
    ['an address that does not exist', { path: '/v1/nowhere' }, 404, 'not_found'],
  ])('a refusal of a caller who is not known: %s', async (_name, { path, ...more }, status, code) => {
    const seen = await askFrom(page, { url: `${gateway.url}${path}`, body: bodies.chat(), ...more });
    expect(seen).toMatchObject({ status, error: { code }, thrown: null });
    expect(seen.headers['x-request-id']).toBe(seen.error?.request_id);
  });

  it('that a stream broke off: never a clean end', async () => {
    const seen = Promise.withResolvers<void>();
    const word = messageFrame({ choices: [] });
    gateway.upstream.script(async (_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' }).write(word);
      await seen.promise;
      cut(res, 'fin');
      return true;
    });
    await page.exposeFunction('seen', () => seen.resolve());
    const body = JSON.stringify(bodies.chat({ stream: true }));
    const read = await runIn(
      page,
      { url: `${gateway.url}${paths.chat}`, token: await tokenWith(), body },
      `const answer = await fetch(url, { method: 'POST', headers: { authorization: 'Bearer ' + token }, body });
       const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
       const first = (await reader.read()).value;
       await window.seen();
       try {
         while (!(await reader.read()).done);
         return [first, 'clean'];
       } catch (error) {
         return [first, error.name];
       }`,
    );
    expect(read).toEqual([word, 'TypeError']);
  });

  it('its own limits with GET, and ends its session', async () => {
    const session = await mintSession(gateway.url, await tokenWith(), { origins: [site.origin] });
    const { token } = session;
    const me = await askFrom(page, { url: `${gateway.url}/v1/me`, method: 'GET', token });
    expect(me.status).toBe(200);
    const end = await askFrom(page, { url: `${gateway.url}/v1/sessions`, method: 'DELETE', token });
    expect(end.status).toBe(204);
    expect(await ask(token)).toMatchObject({ status: 401, error: { code: 'invalid_token' } });
  });
});
