import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { doneFrame, messageFrame } from '../../src/demo/frames.ts';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { bodies, paths } from '../support/gateway-client.ts';
import { type IssuedToken, startGateway, type TestGateway } from '../support/gateway.ts';
import { runIn } from '../support/in-page.ts';
import { type MintedSession, mintSession } from '../support/sessions.ts';
import { startStaticSite, type StaticSite } from '../support/static-site.ts';
import { waitFor } from '../support/wait-for.ts';
import { patient, TurnedClock } from '../support/turned-clock.ts';

/* The client in a page, against the real gateway: a session expires while it is in use. */

const clock = new TurnedClock();
let browser: TestBrowser;
let gateway: TestGateway;
let site: StaticSite;
let token: IssuedToken;
let page: Page;
let minted: MintedSession[];

beforeAll(async () => {
  browser = await launchBrowser();
  site = await startStaticSite({
    files: { '/': '<!doctype html><title>A page</title>' },
    folders: { '/client/': join(import.meta.dirname, '../../client') },
  });
  gateway = await startGateway({ clock, env: patient });
  page = await browser.page();
  await page.exposeFunction('getSession', async () => {
    const wanted = { origins: [site.origin], expires_in: 60 };
    const session = await mintSession(gateway.url, token.text, wanted);
    minted.push(session);
    return session;
  });
});
beforeEach(async () => {
  token = await gateway.issue({ origins: [site.origin, 'none'] });
  minted = [];
  await page.goto(site.origin);
  await run('window.tollgate = createTollgate({ url: gateway, getSession: window.getSession });');
});
afterEach(() => gateway.upstream.script(null));
afterAll(async () => {
  await browser.close();
  await Promise.all([site.close(), gateway.close()]);
});

/** Runs the body of an async function, which has the client's parts, in the page. */
function run(body: string): Promise<unknown> {
  const values = { gateway: gateway.url, path: paths.chat, chat: JSON.stringify(bodies.chat()) };
  const ask = `const ask = async () => (await tollgate(path, { method: 'POST', body: chat })).status;`;
  return runIn(page, values, `const { createTollgate } = await import('/client/index.js'); ${ask} ${body}`);
}

describe('an answer that is lost on its way', () => {
  it('is given to the next try, and charged once', async () => {
    let tries = 0;
    await page.route(`${gateway.url}${paths.chat}`, async (route) => {
      if (route.request().method() === 'POST') tries += 1;
      if (tries !== 1) return route.continue();
      await route.fetch(); // the gateway has answered
      return route.abort('connectionreset');
    });
    const before = gateway.upstream.requests.length;
    const told = await run(`
      const answer = await tollgate(path, { method: 'POST', body: chat });
      return [answer.status, answer.headers.get('idempotency-replayed')];
    `);
    await page.unrouteAll({ behavior: 'wait' });
    expect(told).toEqual([200, 'true']);
    expect([tries, gateway.upstream.requests.length - before]).toEqual([2, 1]);
    expect(await gateway.settled(token.team, 1)).toHaveLength(1);
  });
});

describe('a session that expires while a page uses it', () => {
  it('is renewed once, however many requests find out', async () => {
    expect(await run('return ask();')).toBe(200);
    clock.aheadMs += 61_000;
    const statuses = await run('return Promise.all(Array.from({ length: 10 }, ask));');
    expect(statuses).toEqual(Array.from({ length: 10 }, () => 200));
    expect(minted).toHaveLength(2);
    expect(await run('return ask();')).toBe(200);
    expect(minted).toHaveLength(2);
  });

  it('does not cut the answer that began with it', async () => {
    const resumed = Promise.withResolvers<void>();
    gateway.upstream.script(async (_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' }).write(messageFrame({ part: 1 }));
      await resumed.promise;
      res.end(messageFrame({ part: 2 }) + doneFrame);
      return true;
    });
    const first = await run(`
      const body = JSON.stringify({ ...JSON.parse(chat), stream: true });
      const answer = await tollgate(path, { method: 'POST', body });
      window.reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      return (await window.reader.read()).value;
    `);
    expect(first).toContain('"part":1');
    clock.aheadMs += 61_000;
    gateway.upstream.script(null);
    expect(await run('return ask();')).toBe(200);
    expect(minted).toHaveLength(2);
    resumed.resolve();
    const rest = await run(`
      let text = '';
      for (let read; !(read = await window.reader.read()).done; ) text += read.value;
      return text;
    `);
    expect(rest).toBe(messageFrame({ part: 2 }) + doneFrame);
    const entries = await gateway.settled(token.team, 2);
    expect(new Set(entries.map(({ session_id: id }) => id))).toEqual(new Set(minted.map(({ id }) => id)));
  });

  it('is renewed before it expires, by the clock of the browser, while requests go on', async () => {
    const at = (ms: number): Promise<unknown> =>
      run(`Date.now = () => performance.timeOrigin + performance.now() + ${ms}; return ask();`);
    expect(await at(0)).toBe(200);
    expect(await at(50_000)).toBe(200); // a tenth of its 60 s is left at 54
    expect(minted).toHaveLength(1);
    expect(await at(56_000)).toBe(200);
    await waitFor(() => minted.length === 2, { what: 'the renewal in the background' });
    expect(await at(56_000)).toBe(200);
    expect(minted).toHaveLength(2);
  });

  it('is told as it is where a new one is not to be had', async () => {
    expect(await run('return ask();')).toBe(200);
    await gateway.admin('DELETE', `/admin/teams/${token.team}/tokens/${token.id}`);
    const told = await run(`
      const answer = await tollgate(path, { method: 'POST', body: chat });
      return [answer.status, (await answer.json()).error.code];
    `);
    expect(told).toEqual([401, 'revoked_token']);
    expect(minted).toHaveLength(1);
  });
});
