import { join } from 'node:path';
import { calculateJwkThumbprint, decodeProtectedHeader, EmbeddedJWK, type JWK, jwtVerify } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { hasFirefox, launchFirefox } from '../support/firefox.ts';
import {
  sendError,
  sendEvents,
  sendJson,
  startPretendGateway,
  type PretendGateway,
} from '../support/pretend-gateway.ts';
import { startStaticSite, type StaticSite } from '../support/static-site.ts';

/* What is the browser's own: preflights, bodies, streams, what a page may read of an answer. */

/** Evaluates an expression in a page; gives the value of its promise. */
type Evaluate = (expression: string) => Promise<unknown>;

interface Opened {
  evaluate: Evaluate;
  close(): Promise<void>;
}

async function openChromium(url: string): Promise<Opened> {
  const browser = await launchBrowser();
  const page = await browser.page(url);
  return { evaluate: (expression) => page.evaluate(expression), close: () => browser.close() };
}

async function openFirefox(url: string): Promise<Opened> {
  const firefox = await launchFirefox();
  return { evaluate: await firefox.open(url), close: () => firefox.close() };
}

let site: StaticSite;
let gateway: PretendGateway;

beforeAll(async () => {
  site = await startStaticSite({
    files: { '/': '<!doctype html><title>A page</title>' },
    folders: { '/client/': join(import.meta.dirname, '../../client') },
  });
  return () => site.close();
});
beforeEach(async () => {
  gateway = await startPretendGateway();
  return () => gateway.close();
});

describe.each([
  { name: 'Chromium', open: openChromium, isThere: true },
  { name: 'Firefox', open: openFirefox, isThere: hasFirefox },
])('the client in $name', ({ open, isThere }) => {
  let page: Opened;

  beforeAll(async () => {
    if (isThere) page = await open(site.origin);
  });
  afterAll(() => page?.close());

  /** Runs the body of an async function in the page, with the package, and a client as `tollgate`. */
  const run: Evaluate = (body) =>
    page.evaluate(`(async () => {
      const all = await import('/client/index.js');
      const url = '${gateway.origin}';
      const getSession = () => fetch(url + '/session', { method: 'POST' });
      const tollgate = all.createTollgate({ url, getSession });
      const caught = (promise) => promise.then(() => null, (error) => error);
      const chat = (...more) => tollgate.ask('/v1/chat/completions', { stream: true }, ...more);
      ${body}
    })()`);
  const word = (content: string): string => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}`;

  it.runIf(isThere)('sends a page of another origin through, with one session for all', async () => {
    const answers = await run(`
      const answers = await Promise.all(Array.from({ length: 10 }, () => tollgate('/v1/models')));
      return Promise.all(answers.map((answer) => answer.json()));
    `);
    expect(answers).toEqual(Array.from({ length: 10 }, () => ({ token: 'tgs_1', body: '' })));
    expect(gateway.sessionsGiven).toBe(1);
  });

  it.runIf(isThere).each([
    ['a text', `tollgate('/x', { method: 'POST', body: 'value' })`],
    ['parameters', `tollgate('/x', { method: 'POST', body: new URLSearchParams({ a: 'value' }) })`],
    ['a form', `tollgate('/x', { method: 'POST', body: form })`],
    ['a Request with a text', `tollgate(new Request(url + '/x', { method: 'POST', body: 'value' }))`],
    ['a Request with a form', `tollgate(new Request(url + '/x', { method: 'POST', body: form }))`],
    [
      'a Request with a Blob',
      `tollgate(new Request(url + '/x', { method: 'POST', body: new Blob(['value']) }))`,
    ],
    [
      'a Request of another frame',
      `tollgate(new frame.Request(url + '/x', { method: 'POST', body: 'value' }))`,
    ],
  ])('sends %s again, the same, when its session has expired', async (_name, call) => {
    gateway.expire('tgs_1');
    const status = await run(`
      const form = new FormData();
      form.set('a', new File(['value'], 'a.txt'));
      const frame = document.body.appendChild(document.createElement('iframe')).contentWindow;
      return (await ${call}).status;
    `);
    expect(status).toBe(200);
    expect(gateway.arrived.map(({ token }) => token)).toEqual(['tgs_1', 'tgs_2']);
    for (const { body } of gateway.arrived) expect(body).toContain('value');
  });

  it.runIf(isThere)('sends a call again, with one key, when the gateway cannot answer', async () => {
    const { answer } = gateway;
    gateway.answer = (arrived, response) => {
      if (gateway.arrived.length === 1) sendError(response, 503, 'overloaded');
      else answer(arrived, response);
    };
    expect(await run(`return (await tollgate('/x', { method: 'POST', body: 'value' })).status;`)).toBe(200);
    const keys = gateway.arrived.map(({ headers }) => headers['idempotency-key']);
    expect(keys).toEqual([keys[0], keys[0]]);
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
  });

  it.runIf(isThere)('says that no answer came', async () => {
    const told = await run(`
      const once = all.createTollgate({ url: 'http://127.0.0.1:1', getSession, maxTries: 1 });
      const error = await caught(once('/x'));
      return [error instanceof all.NetworkError, error.code, error.cause.name];
    `);
    expect(told).toEqual([true, 'network_error', 'TypeError']);
  });

  it.runIf(isThere)('reads the words of a stream', async () => {
    gateway.answer = (_arrived, response) =>
      sendEvents(response, word('Grüße'), word(', 🌍'), 'data: [DONE]');
    const told = await run(`
      const texts = [];
      for await (const { text } of (await chat()).events()) texts.push(text);
      const answer = await chat();
      return [texts, await answer.text(), answer.requestId];
    `);
    expect(told).toEqual([['Grüße', ', 🌍'], 'Grüße, 🌍', 'req-1']);
  });

  it.runIf(isThere)('stops a stream: by its signal, and by leaving the loop', async () => {
    const closed = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    gateway.answer = (_arrived, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(`${word('one')}\n\n`);
      const index = gateway.arrived.length - 1;
      response.once('close', () => closed[index]?.resolve());
    };
    const told = await run(`
      const controller = new AbortController();
      const aborted = await chat({ signal: controller.signal });
      const read = async () => {
        for await (const { text } of aborted.events()) controller.abort(new Error('left after ' + text));
      };
      const { message } = await caught(read());
      for await (const { text } of (await chat()).events()) return [message, text];
    `);
    expect(told).toEqual(['left after one', 'one']);
    await Promise.all(closed.map(({ promise }) => promise));
  });

  it.runIf(isThere)('throws what came of a stream that is cut', async () => {
    const read = Promise.withResolvers<void>();
    gateway.answer = ({ path }, response) => {
      if (path === '/read') {
        read.resolve();
        return sendJson(response, 200, {});
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(`${word('one')}\n\n`);
      void read.promise.then(() => response.destroy());
    };
    const told = await run(`
      const read = async () => {
        for await (const _event of (await chat()).events()) await tollgate('/read');
      };
      const error = await caught(read());
      return [error instanceof all.BrokenAnswerError, error.code, error.text];
    `);
    expect(told).toEqual([true, 'answer_broken', 'one']);
  });

  it.runIf(isThere)('throws a 429 at once, with what a page may read of it', async () => {
    gateway.answer = (_arrived, response) =>
      sendError(response, 429, 'rate_limit_exceeded', { 'retry-after': '30', 'x-request-id': 'req-9' });
    const told = await run(`
      const error = await caught(chat());
      return [error instanceof all.RateLimitError, error.retryAfterMs, error.requestId, error.message];
    `);
    expect(told).toEqual([true, 30_000, 'req-9', 'rate_limit_exceeded']);
    expect(gateway.arrived).toHaveLength(1);
  });

  it.runIf(isThere)('binds its session to a key, and proves it in each request', async () => {
    const jkt = await run(`
      let jkt;
      const obtain = (key) => { jkt = key.jkt; return getSession(); };
      const bound = all.createTollgate({ url, bound: true, getSession: obtain });
      await bound('/x', { method: 'POST', body: 'value' });
      return jkt;
    `);
    const proof = String(gateway.arrived[0]?.headers['dpop']);
    const { payload } = await jwtVerify(proof, EmbeddedJWK, { typ: 'dpop+jwt', algorithms: ['ES256'] });
    expect(payload).toMatchObject({ htm: 'POST', htu: `${gateway.origin}/x` });
    const { jwk } = decodeProtectedHeader(proof) as { jwk: JWK };
    expect(await calculateJwkThumbprint(jwk)).toBe(jkt);
  });

  it.runIf(isThere)('ends its session', async () => {
    await run(`await tollgate('/v1/models'); await tollgate.end();`);
    expect(gateway.arrived.at(-1)).toMatchObject({ method: 'DELETE', path: '/v1/sessions', token: 'tgs_1' });
  });

  it.runIf(isThere)("follows no redirect, and takes no URL of the page's own origin", async () => {
    gateway.answer = (_arrived, response) => void response.writeHead(307, { location: '/elsewhere' }).end();
    const names = await run(`
      const names = [await caught(tollgate('/v1/models')), await caught(tollgate(location.href))];
      return names.map((error) => error.name);
    `);
    expect(names).toEqual(['TypeError', 'TypeError']);
    expect(gateway.arrived.map(({ path }) => path)).toEqual(['/v1/models']);
  });
});
