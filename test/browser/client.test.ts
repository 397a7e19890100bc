import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { startPretendGateway, type PretendGateway } from '../support/pretend-gateway.ts';
import { startStaticSite, type StaticSite } from '../support/static-site.ts';

let browser: TestBrowser;
let site: StaticSite;
let gateway: PretendGateway;
let page: Page;

beforeAll(async () => {
  browser = await launchBrowser();
  site = await startStaticSite({
    files: { '/': '<!doctype html><title>A page</title>' },
    folders: { '/client/': join(import.meta.dirname, '../../client') },
  });
  page = await browser.page(site.origin);
  await page.exposeFunction('getSession', () => gateway.getSession());
});
afterAll(async () => {
  await browser.close();
  await site.close();
});

beforeEach(async () => {
  gateway = await startPretendGateway();
  return () => gateway.close();
});

/** Runs the body of an async function in the page, with the client as `tollgate`; gives what it returns. */
function run(body: string): Promise<unknown> {
  return page.evaluate(`(async () => {
    const { createTollgate } = await import('/client/index.js');
    const tollgate = createTollgate({ url: '${gateway.origin}', getSession: window.getSession });
    ${body}
  })()`);
}

describe('the client in a browser', () => {
  it('sends a page of another origin through, with one session for all', async () => {
    const answers = await run(`
      const answers = await Promise.all(Array.from({ length: 10 }, () => tollgate('/v1/models')));
      return Promise.all(answers.map((answer) => answer.json()));
    `);
    expect(answers).toEqual(Array.from({ length: 10 }, () => ({ token: 'tgs_1', body: '' })));
    expect(gateway.sessionsGiven).toBe(1);
  });

  it.each([
    ['a text', `tollgate('/x', { method: 'POST', body: 'value' })`],
    ['parameters', `tollgate('/x', { method: 'POST', body: new URLSearchParams({ a: 'value' }) })`],
    ['a form', `tollgate('/x', { method: 'POST', body: form })`],
    ['a Request with a text', `tollgate(new Request(url, { method: 'POST', body: 'value' }))`],
    ['a Request with a form', `tollgate(new Request(url, { method: 'POST', body: form }))`],
    ['a Request with a Blob', `tollgate(new Request(url, { method: 'POST', body: new Blob(['value']) }))`],
    ['a Request of another frame', `tollgate(new frame.Request(url, { method: 'POST', body: 'value' }))`],
  ])('sends %s again, the same, when its session has expired', async (_name, call) => {
    gateway.expire('tgs_1');
    const status = await run(`
      const url = '${gateway.origin}/x';
      const form = new FormData();
      form.set('a', new File(['value'], 'a.txt'));
      const frame = document.body.appendChild(document.createElement('iframe')).contentWindow;
      return (await ${call}).status;
    `);
    expect(status).toBe(200);
    expect(gateway.arrived.map(({ token }) => token)).toEqual(['tgs_1', 'tgs_2']);
    for (const { body } of gateway.arrived) expect(body).toContain('value');
  });

  it('streams, and stops when told to', async () => {
    const closed = Promise.withResolvers<void>();
    gateway.answer = (_arrived, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: one\n\n');
      response.once('close', () => closed.resolve());
    };
    const got = await run(`
      const controller = new AbortController();
      const answer = await tollgate('/v1/chat/completions', { method: 'POST', signal: controller.signal });
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      const { value } = await reader.read();
      controller.abort();
      return [value, await reader.read().catch((error) => error.name)];
    `);
    expect(got).toEqual(['data: one\n\n', 'AbortError']);
    await closed.promise;
  });

  it("follows no redirect, and takes no URL of the page's own origin", async () => {
    gateway.answer = (_arrived, response) => void response.writeHead(307, { location: '/elsewhere' }).end();
    const names = await run(`
      const name = (answer) => answer.then((found) => found.status, (error) => error.name);
      return [await name(tollgate('/v1/models')), await name(tollgate(location.href))];
    `);
    expect(names).toEqual(['TypeError', 'TypeError']);
    expect(gateway.arrived.map(({ path }) => path)).toEqual(['/v1/models']);
  });
});
