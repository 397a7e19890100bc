import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { doneFrame, messageFrame } from '../../src/demo/frames.ts';
import { hang } from '../support/upstream-scripts.ts';
import { launchBrowser, type TestBrowser } from '../support/browser.ts';
import { bodies, paths } from '../support/gateway-client.ts';
import { type IssuedToken, startGateway, type TestGateway } from '../support/gateway.ts';
import { askFrom, fetchExpression, runIn, type Seen } from '../support/in-page.ts';
import { sharedRedis, type SharedRedis } from '../support/redis-server.ts';
import { mintSession } from '../support/sessions.ts';
import { startStaticSite, type StaticSite } from '../support/static-site.ts';
import { within } from '../support/wait-for.ts';

/* Two sites in a real browser, and one gateway that lets one of them in. */

let browser: TestBrowser;
let redis: SharedRedis;
let gateway: TestGateway;
let app: StaticSite;
let other: StaticSite;
let token: IssuedToken;
/** The page of each site that its tests share. */
const pages = new Map<StaticSite, Page>();

beforeAll(async () => {
  [browser, redis] = await Promise.all([launchBrowser(), sharedRedis()]);
  const files = { '/': '<!doctype html><title>A page</title>' };
  [app, other] = await Promise.all([startStaticSite({ files }), startStaticSite({ files })]);
  gateway = await startGateway({ redis });
  token = await gateway.issue({ origins: [app.origin, other.origin, 'none'] });
});
afterEach(() => gateway.upstream.script(null));
afterAll(async () => {
  await browser.close();
  await Promise.all([app.close(), other.close(), gateway.close()]);
});

const chat = (): string => `${gateway.url}${paths.chat}`;
const word = (content: string): string => messageFrame({ choices: [{ index: 0, delta: { content } }] });

/** Good in pages of the first site only. */
async function session(): Promise<string> {
  return (await mintSession(gateway.url, token.text, { origins: [app.origin] })).token;
}

function expectOriginRefused({ status, error, headers }: Seen): void {
  expect(status).toBe(403);
  expect(error).toMatchObject({ code: 'origin_not_allowed', type: 'permission_error' });
  expect(headers['x-request-id']).toBe(error?.request_id);
}

async function onPage(site: StaticSite, use: (page: Page) => Promise<void>): Promise<void> {
  const page = pages.get(site) ?? (await browser.page());
  pages.set(site, page);
  await page.goto(site.origin);
  await use(page);
}

describe('a page of an allowed origin', () => {
  it('has each word before the next one is sent', async () => {
    const words = ['one', 'two', 'three'];
    const read = new Map(words.map((each) => [each, Promise.withResolvers<void>()]));
    gateway.upstream.script(async (_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const each of words) {
        res.write(word(each));
        await read.get(each)?.promise;
      }
      res.end(doneFrame);
      return true;
    });
    await onPage(app, async (page) => {
      await page.exposeFunction('seen', (each: string) => read.get(each)?.resolve());
      const body = JSON.stringify(bodies.chat({ stream: true }));
      const streamed = runIn(
        page,
        { url: chat(), token: await session(), body, words },
        `const headers = { authorization: 'Bearer ' + token };
         const answer = await fetch(url, { method: 'POST', headers, body });
         let text = '';
         for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
           text += piece;
           for (const word of words) if (text.includes('"' + word + '"')) await window.seen(word);
         }
         return [answer.status, answer.headers.get('content-type'), text];`,
      );
      const whole = words.map(word).join('') + doneFrame;
      expect(await within(streamed, 10_000)).toEqual([200, 'text/event-stream', whole]);
    });
  });

  it('stops the upstream when its visitor closes it in the middle of an answer', async () => {
    const { aborted } = gateway.upstream;
    gateway.upstream.script((_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' }).write(word('one'));
      return true;
    });
    const page = await browser.page(app.origin);
    const body = JSON.stringify(bodies.chat({ stream: true }));
    const first = await runIn(
      page,
      { url: chat(), token: await session(), body },
      `const headers = { authorization: 'Bearer ' + token };
       const answer = await fetch(url, { method: 'POST', headers, body });
       window.reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
       return (await window.reader.read()).value;`,
    );
    expect(first).toBe(word('one'));
    expect(gateway.upstream.aborted).toBe(aborted);
    await page.close();
    await gateway.upstream.waitFor((upstream) => upstream.aborted === aborted + 1 && upstream.open === 0);
    await page.context().close();
  });

  it('stops the upstream when its visitor goes on to another page before the first word', async () => {
    const { aborted } = gateway.upstream;
    gateway.upstream.script(hang());
    await onPage(app, async (page) => {
      const asked = fetchExpression({
        url: chat(),
        token: await session(),
        body: bodies.chat({ stream: true }),
      });
      await page.evaluate(`void ${asked}`);
      await gateway.upstream.waitFor((upstream) => upstream.open === 1);
      await page.goto(other.origin);
      await gateway.upstream.waitFor((upstream) => upstream.aborted === aborted + 1 && upstream.open === 0);
    });
  });
});

describe('a page of another origin reads that it is refused', () => {
  it.each([false, true])('with a token that lists the first alone, stream: %s', async (stream) => {
    const own = await gateway.issue({ origins: [app.origin] });
    const asked = { url: chat(), token: own.text, body: bodies.chat({ stream }) };
    await onPage(app, async (page) => expect((await askFrom(page, asked)).status).toBe(200));
    await onPage(other, async (page) => expectOriginRefused(await askFrom(page, asked)));
  });

  it('with a session of the first, though its token lists both', async () => {
    const asked = { url: chat(), token: await session(), body: bodies.chat() };
    await onPage(app, async (page) => expect((await askFrom(page, asked)).status).toBe(200));
    await onPage(other, async (page) => expectOriginRefused(await askFrom(page, asked)));
  });

  it('with a token without a list, where ALLOWED_ORIGINS has none', async () => {
    const plain = await gateway.issue();
    const asked = { url: chat(), token: plain.text, body: bodies.chat() };
    await onPage(other, async (page) => expectOriginRefused(await askFrom(page, asked)));
  });

  it('in a frame whose origin is null, on the allowed page itself', async () => {
    const asked = { url: chat(), token: await session(), body: bodies.chat() };
    const script = `${fetchExpression(asked)}.then((seen) => parent.postMessage({ origin, seen }, '*'))`;
    await onPage(app, async (page) => {
      const told = await runIn(
        page,
        { html: `<script>${script}</script>` },
        `const frame = Object.assign(document.createElement('iframe'), { srcdoc: html });
         frame.sandbox = 'allow-scripts';
         const told = new Promise((resolve) => addEventListener('message', ({ data }) => resolve(data), { once: true }));
         document.body.append(frame);
         return told;`,
      );
      const { origin, seen } = told as { origin: string; seen: Seen };
      expect(origin).toBe('null');
      expectOriginRefused(seen);
    });
  });
});
