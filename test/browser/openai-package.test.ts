import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hang } from '../support/upstream-scripts.ts';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { models, type NewToken, startGateway, type TestGateway } from '../support/gateway.ts';
import { runIn } from '../support/in-page.ts';
import { mintSession } from '../support/sessions.ts';
import { startStaticSite, type StaticSite } from '../support/static-site.ts';
import { TurnedClock } from '../support/turned-clock.ts';

/* The official package in a page: its own headers cause preflights, its error classes come from the statuses. */

const clock = new TurnedClock();
let browser: TestBrowser;
let gateway: TestGateway;
let site: StaticSite;
let other: StaticSite;
let page: Page;

beforeAll(async () => {
  browser = await launchBrowser();
  const pages = {
    files: { '/': '<!doctype html><title>A page</title>' },
    folders: {
      '/client/': join(import.meta.dirname, '../../client'),
      '/openai/': dirname(fileURLToPath(import.meta.resolve('openai'))),
    },
  };
  [site, other] = await Promise.all([startStaticSite(pages), startStaticSite(pages)]);
  gateway = await startGateway({ clock });
  page = await browser.page(site.origin);
});
afterEach(() => gateway.upstream.script(null));
afterAll(async () => {
  await browser.close();
  await Promise.all([site.close(), other.close(), gateway.close()]);
});

/** A session for pages of the first site. */
async function sessionWith(wanted: NewToken = {}): Promise<string> {
  const { text } = await gateway.issue({ origins: [site.origin, 'none'], ...wanted });
  return (await mintSession(gateway.url, text, { origins: [site.origin], expires_in: 60 })).token;
}

/** Runs the body of an async function in a page, with the package, a client and a request of it. */
function run(body: string, token: string, on: Page = page): Promise<unknown> {
  return runIn(
    on,
    { gateway: gateway.url, token, model: models.chat },
    `const sdk = await import('/openai/index.mjs');
     const { createTollgate } = await import('/client/index.js');
     const client = (options = {}) =>
       new sdk.default({ baseURL: gateway + '/v1', apiKey: token, maxRetries: 0, dangerouslyAllowBrowser: true, ...options });
     const chat = { model, max_tokens: 50, messages: [{ role: 'user', content: 'Hello there' }] };
     const create = (more = {}, options) => client().chat.completions.create({ ...chat, ...more }, options);
     const caught = async (promise) => {
       const error = await promise.then(() => null, (reason) => reason);
       const names = Object.keys(sdk).filter((name) => name.endsWith('Error') && error instanceof sdk[name]);
       return { classes: names, status: error.status, code: error.code, param: error.param, requestID: typeof error.requestID };
     };
     ${body}`,
  );
}

describe('the openai package in a page', () => {
  it('gets a plain completion, with its request id', async () => {
    const got = await run(
      `const { data, request_id: id } = await create().withResponse();
       return [data.choices[0].message.content, data.usage.total_tokens > 0, id];`,
      await sessionWith(),
    );
    const id = gateway.upstream.requests.at(-1)?.headers['x-request-id'];
    expect(got).toEqual([expect.stringContaining('Hello there'), true, id]);
  });

  it('gets a streamed one, in pieces', async () => {
    const pieces = (await run(
      `const pieces = [];
       for await (const chunk of await create({ stream: true })) pieces.push(chunk.choices[0]?.delta?.content ?? '');
       return pieces;`,
      await sessionWith(),
    )) as string[];
    expect(pieces.length).toBeGreaterThan(5);
    expect(pieces.join('')).toContain('You said: Hello there');
  });

  it('works through the client, with a placeholder for a key', async () => {
    const text = await run(
      `const fetch = createTollgate({ url: gateway, getSession: async () => ({ token }) });
       const answer = await client({ apiKey: 'session', fetch }).chat.completions.create(chat);
       return answer.choices[0].message.content;`,
      await sessionWith(),
    );
    expect(text).toContain('Hello there');
  });

  it('lists models, and makes embeddings and images', async () => {
    const got = await run(
      `const models = await client().models.list();
       const { data } = await client().embeddings.create({ model: '${models.embeddings}', input: 'Hello' });
       const images = await client().images.generate({ model: '${models.images}', prompt: 'A lighthouse' });
       return [models.data.length > 0, Array.isArray(data[0].embedding), images.data.length];`,
      await sessionWith(),
    );
    expect(got).toEqual([true, true, 1]);
  });

  it('stops the upstream when a stream is stopped', async () => {
    const { aborted } = gateway.upstream;
    gateway.upstream.script(hang());
    const token = await sessionWith();
    const answer = run(
      `const controller = new AbortController();
       window.stop = () => controller.abort();
       return caught(create({ stream: true }, { signal: controller.signal }));`,
      token,
    );
    await gateway.upstream.waitFor((upstream) => upstream.open === 1);
    await page.evaluate('window.stop()');
    expect(await answer).toMatchObject({ classes: ['APIError', 'APIUserAbortError', 'OpenAIError'] });
    await gateway.upstream.waitFor((upstream) => upstream.aborted === aborted + 1);
  });
});

describe('its errors in a page', () => {
  const told = (name: string, status: number, code: string, param: string | null = null): object => ({
    classes: expect.arrayContaining([name]) as unknown,
    status,
    code,
    param,
    requestID: 'string',
  });

  it('RateLimitError', async () => {
    const token = await sessionWith({ limits: [{ metric: 'requests', window: 'minute', max: 0 }] });
    expect(await run('return caught(create());', token)).toEqual(
      told('RateLimitError', 429, 'rate_limit_exceeded'),
    );
  });

  it('AuthenticationError: unknown, and expired', async () => {
    const unknown = `tgs_${'0'.repeat(40)}`;
    expect(await run('return caught(create());', unknown)).toEqual(
      told('AuthenticationError', 401, 'invalid_token'),
    );
    const token = await sessionWith();
    clock.aheadMs += 61_000;
    expect(await run('return caught(create());', token)).toEqual(
      told('AuthenticationError', 401, 'expired_token'),
    );
  });

  it('PermissionDeniedError: a model, and an origin', async () => {
    const token = await sessionWith({ models: [models.chat] });
    const denied = await run(`return caught(create({ model: 'claude-4-sonnet' }));`, token);
    expect(denied).toEqual(told('PermissionDeniedError', 403, 'model_not_allowed', 'model'));
    const elsewhere = await browser.page(other.origin);
    expect(await run('return caught(create({ stream: true }));', token, elsewhere)).toEqual(
      told('PermissionDeniedError', 403, 'origin_not_allowed'),
    );
    await elsewhere.context().close();
  });

  it('BadRequestError', async () => {
    const denied = await run(`return caught(create({ temperature: 'hot' }));`, await sessionWith());
    expect(denied).toEqual(told('BadRequestError', 400, 'invalid_body', 'temperature'));
  });

  it('are never a connection error, which is what a page sees of an answer it must not read', async () => {
    const { classes } = (await run('return caught(create());', 'tgs_nonsense')) as { classes: string[] };
    expect(classes).not.toContain('APIConnectionError');
  });
});
