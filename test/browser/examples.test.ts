import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import type { Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { startBackend } from '../../examples/browser/backend.js';
import { hang, jsonStringError } from '../support/upstream-scripts.ts';
import { doneFrame, messageFrame } from '../../src/demo/frames.ts';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { dieWithMe } from '../support/die-with-me.ts';
import { type IssuedToken, startGateway, type TestGateway } from '../support/gateway.ts';
import { post } from '../support/gateway-client.ts';
import { askFrom } from '../support/in-page.ts';
import { startStaticSite } from '../support/static-site.ts';
import { patient, TurnedClock } from '../support/turned-clock.ts';

/* The examples that have a back end, used as a person would. */

const clock = new TurnedClock();
let browser: TestBrowser;
let gateway: TestGateway;
let token: IssuedToken;
let backend: Awaited<ReturnType<typeof startBackend>>;

beforeAll(async () => {
  browser = await launchBrowser();
  gateway = await startGateway({ clock, env: patient, standIn: { wordDelayMs: 10 } });
  token = await gateway.issue({ session_proof: 'nonce' }); // the clock of the gateway is turned, that of pages is not
  backend = await startBackend({ gateway: gateway.url, token: token.text });
  await letSiteIn();
});
afterEach(() => gateway.upstream.script(null));
afterAll(async () => {
  await browser.close();
  await Promise.all([backend.close(), gateway.close()]);
});

/** The token lists the site, and `none` for its back end. */
async function letSiteIn(): Promise<void> {
  const origins = [...backend.origins, 'none'];
  await gateway.admin('PATCH', `/admin/teams/${token.team}/tokens/${token.id}`, { origins });
}

describe.each(['fetch.html', 'openai.html'])('%s', (file) => {
  let page: Page;
  let complaints: string[];

  // Loaded once: the package alone is a hundred files.
  beforeAll(async () => {
    page = await browser.page();
    page.on('console', (message) => {
      const isOfNonce = /status of 40[01]/.test(message.text()); // the gateway asks a new page for one
      if (message.type() === 'error' && !isOfNonce) complaints.push(message.text());
    });
    page.on('pageerror', (error) => void complaints.push(String(error)));
    complaints = [];
    await page.goto(`${backend.origin}/${file}`);
    return () => page.context().close();
  });

  const lastAnswer = (): Locator => page.locator('#conversation li.assistant').last();
  const answer = (text: string): Promise<void> =>
    page.locator('#conversation li.assistant:last-child', { hasText: text }).waitFor({ timeout: 30_000 });
  const ask = async (question: string): Promise<void> => {
    await page.fill('#question', question);
    await page.click('#send');
  };
  const status = (text: string): Promise<void> =>
    page.locator('#status', { hasText: text }).waitFor({ timeout: 30_000 });

  it('answers a question, word by word', async () => {
    const first = Promise.withResolvers<void>();
    gateway.upstream.script(async (_req, res) => {
      const word = (content: string): string => messageFrame({ choices: [{ index: 0, delta: { content } }] });
      res.writeHead(200, { 'content-type': 'text/event-stream' }).write(word('First'));
      await first.promise;
      res.end(word(', last.') + doneFrame);
      return true;
    });
    await ask('Who are you?');
    await answer('First');
    await status('Streaming: 1 pieces so far.');
    expect(await lastAnswer().textContent()).toBe('First');
    first.resolve();
    await status('Done: 2 pieces.');
    expect(await lastAnswer().textContent()).toBe('First, last.');
    expect(complaints).toEqual([]);
  });

  it('sends what its session pins, on behalf of its visitor, without the user token', async () => {
    const before = (await gateway.allEntries(token.team)).length;
    await page.click('#clear');
    const chat = page.waitForRequest(
      (each) => each.url().endsWith('/v1/chat/completions') && each.method() === 'POST',
    );
    await ask('Why is the sky blue?');
    const sent = await (await chat).allHeaders();
    await answer('You said: Why is the sky blue?');
    await status('Done');
    expect(gateway.upstream.requests.at(-1)?.body).toMatchObject({
      model: 'claude-4-5-haiku',
      max_tokens: 200,
      messages: [{ role: 'system' }, { role: 'user', content: 'Why is the sky blue?' }],
    });
    const entries = await gateway.settled(token.team, before + 1);
    expect(entries.at(-1)).toMatchObject({
      end_user: expect.stringMatching(/^visitor-[0-9a-f-]{36}$/),
      session_id: expect.stringMatching(/^ses_/),
    });
    expect(await page.content()).not.toContain(token.text);
    expect(sent['dpop']).toMatch(/^eyJ/);
    const { authorization = '' } = sent;
    const stolen = await fetch(`${gateway.url}/v1/me`, {
      headers: { authorization, origin: backend.origin },
    });
    expect([stolen.status, await stolen.json()]).toMatchObject([
      401,
      { error: { code: 'invalid_dpop_proof' } },
    ]);
    expect(complaints).toEqual([]);
  });

  it('goes on when its session has expired', async () => {
    await ask('Before?');
    await status('Done');
    clock.aheadMs += 301_000;
    await ask('And now?');
    await answer('You said: And now?');
    await status('Done');
  });

  it('stops', async () => {
    const { aborted } = gateway.upstream;
    gateway.upstream.script(hang());
    await ask('Are you there?');
    await gateway.upstream.waitFor((upstream) => upstream.open === 1);
    await page.click('#stop');
    await status('Stopped.');
    await gateway.upstream.waitFor((upstream) => upstream.aborted === aborted + 1);
  });

  it('shows an error by its code', async () => {
    gateway.upstream.script(jsonStringError());
    await ask('Are you well?');
    await page.locator('#status.failed', { hasText: 'upstream_error: ' }).waitFor({ timeout: 30_000 });
    expect(await page.inputValue('#question')).toBe('Are you well?'); // to be asked again
  });

  it('sends what was said before along, until a new conversation begins', async () => {
    const messages = (): unknown => gateway.upstream.requests.at(-1)?.body;
    await page.click('#clear');
    await ask('One?');
    await status('Done');
    const said = await lastAnswer().textContent();
    await ask('Two?');
    await answer('You said: Two?');
    await status('Done');
    expect(messages()).toMatchObject({
      messages: [
        { role: 'system' },
        { role: 'user', content: 'One?' },
        { role: 'assistant', content: said },
        { role: 'user', content: 'Two?' },
      ],
    });
    await page.click('#clear');
    await status('Nothing asked yet.');
    await ask('Three?');
    await status('Done');
    expect(messages()).toMatchObject({ messages: [{ role: 'system' }, { content: 'Three?' }] });
  });

  it('shows that a limit is reached at once, without trying again', async () => {
    const path = `/admin/teams/${token.team}/tokens/${token.id}`;
    await gateway.admin('PATCH', path, { limits: [{ metric: 'requests', window: 'minute', max: 0 }] });
    onTestFinished(async () => void (await gateway.admin('PATCH', path, { limits: null })));
    const refused: string[] = [];
    page.on('response', (response) => void (response.status() === 429 && refused.push(response.url())));
    await ask('Once more?');
    await page.locator('#status.failed', { hasText: 'rate_limit_exceeded: ' }).waitFor({ timeout: 30_000 });
    expect(refused).toHaveLength(1);
  });

  it('shows why it has no session, and goes on once there is one to be had', async () => {
    const errors = vi.spyOn(console, 'error').mockReturnValue();
    onTestFinished(() => errors.mockRestore());
    const path = `/admin/teams/${token.team}/tokens/${token.id}`;
    await gateway.admin('PATCH', path, { origins: ['none'] });
    onTestFinished(() => letSiteIn());
    await page.reload(); // with no session yet
    await ask('Will you let me in?');
    const failed = page.locator('#status.failed', { hasText: 'no_session: This site cannot get a session' });
    await failed.waitFor({ timeout: 30_000 });
    expect(errors.mock.lastCall?.[0]).toContain('No session: 403 origin_not_allowed');
    await letSiteIn();
    await page.click('#send');
    await status('Done');
  });
});

describe('the back end', () => {
  const own = (): Record<string, string> => ({ origin: backend.origin, 'sec-fetch-site': 'same-origin' });
  const key = JSON.stringify({ jkt: 'j'.repeat(43) });
  const ask = (headers: Record<string, string>, body = key): Promise<number> =>
    post(`${backend.origin}/session`, body, { headers }).then(({ status }) => status);

  it('gives sessions to its own pages only', async () => {
    expect(await ask(own())).toBe(200);
    expect(await ask({})).toBe(403);
    expect(await ask({ ...own(), origin: 'https://elsewhere.example' })).toBe(403);
    expect(await ask({ ...own(), 'sec-fetch-site': 'same-site' })).toBe(403);
    expect(await ask({ ...own(), 'sec-fetch-site': 'none' })).toBe(403);
    expect(await ask(own(), '{"jkt":"short"}')).toBe(400);
    expect(await ask(own(), key.padEnd(201))).toBe(413);
    expect((await fetch(`${backend.origin}/session`, { headers: own() })).status).toBe(405);
  });

  it('gives none to a page of another site, not even unread', async () => {
    const minted = await sessionsMinted();
    const other = await startStaticSite({ files: { '/': '<!doctype html><title>A page</title>' } });
    const page = await browser.page(other.origin);
    const seen = await askFrom(page, { url: `${backend.origin}/session` });
    expect(seen.thrown).toBe('TypeError: Failed to fetch');
    expect(await sessionsMinted()).toBe(minted);
    await page.context().close();
    await other.close();
  });

  it('is the same under both of its names', async () => {
    for (const origin of backend.origins) {
      const page = await browser.page(origin);
      await page.click('text=Chat with fetch');
      await page.click('#send');
      const said = page.locator('#conversation li.assistant', { hasText: 'You said: Why is the sky blue?' });
      await said.waitFor({ timeout: 30_000 });
      expect(page.url()).toBe(`${origin}/fetch.html`);
      const [cookie] = await page.context().cookies(origin);
      expect(cookie).toMatchObject({ name: 'visitor', httpOnly: true, sameSite: 'Strict' });
      await page.context().close();
    }
  });

  it('serves what is listed, under its own names', async () => {
    const statusOf = async (path: string): Promise<number> => (await fetch(backend.origin + path)).status;
    expect(await statusOf('/settings.js')).toBe(200);
    expect(await statusOf('/backend.js')).toBe(404);
    expect(await statusOf('/openai/../../package.json')).toBe(404);
    expect(await statusOf('/openai/..%2f..%2fjose/index.mjs')).toBe(404);
    expect(await statusOf('/openai/package.json')).toBe(404);
    expect(await statusOf(`/openai/${import.meta.filename}`)).toBe(404);
    expect(await statusOf('/openai//usr/lib/x.js')).toBe(404);
    expect(await statusNamed('elsewhere.example')).toBe(421);
    for (const origin of backend.origins) expect(await statusNamed(new URL(origin).host)).toBe(200);
  });

  /** Of a request that calls the site by a name. */
  async function statusNamed(host: string): Promise<number | undefined> {
    const sent = request(`${backend.origin}/settings.js`, { headers: { host } }).end();
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    answer.resume();
    return answer.statusCode;
  }

  /** Answers of the gateway to requests for sessions so far. */
  async function sessionsMinted(): Promise<number> {
    return gateway.log().split('"/v1/sessions"').length;
  }
});

it('serves its pages by itself, as its README says', async () => {
  const file = new URL('../../examples/browser/backend.js', import.meta.url).pathname;
  const child = spawn(process.execPath, [file], {
    env: { TOLLGATE_URL: gateway.url, TOLLGATE_TOKEN: token.text, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  dieWithMe(child);
  onTestFinished(() => void child.kill());
  // Nothing is printed where the file does not know that it was started: the end of the output then fails this.
  const [printed] = await Promise.race([once(child.stdout, 'data'), once(child.stdout, 'end')]);
  const [, address = ''] = /^(http:\/\/127\.0\.0\.1:\d+\/)\n/.exec(String(printed)) ?? [];
  expect((await fetch(address)).status).toBe(200);
});
