import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Script } from '../../support/stand-in.ts';
import { respond, resetBeforeAnswer } from '../../support/upstream-scripts.ts';
import { startGateway, type TestGateway } from '../../support/gateway.ts';
import { errorOf, get, type Reply } from '../../support/gateway-client.ts';
import { mintSession } from '../../support/sessions.ts';
import { patient, TurnedClock } from '../../support/turned-clock.ts';
import { mcpServers } from '../../../src/demo/listings.ts';

/* `GET /v1/mcp/servers`: the upstream's list with the gateway's key, as far as a token may know it. */

const path = '/v1/mcp/servers';
const json = { 'content-type': 'application/json' };
const clock = new TurnedClock();

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway({ clock, env: patient });
});
beforeEach(() => {
  gateway.upstream.script(null);
  clock.aheadMs += 31_000; // nothing kept from the test before
});
afterAll(() => gateway.close());

const ask = (token: string): Promise<Reply> => get(`${gateway.url}${path}`, { token });
const asked = (): number => gateway.upstream.requests.filter((request) => request.path === path).length;
const namesIn = (reply: Reply): string[] =>
  (JSON.parse(reply.text) as { tools: { name: string }[] }[]).flatMap(({ tools }) =>
    tools.map(({ name }) => name),
  );

describe('the servers', () => {
  it("are the upstream's array, asked for with the gateway's key, neither counted nor in the ledger", async () => {
    const token = await gateway.issue({
      tools: ['forecast', 'alerts'],
      limits: [{ metric: 'requests', window: 'day', max: 0 }],
    });
    const reply = await ask(token.text);
    expect([reply.status, JSON.parse(reply.text)]).toEqual([200, mcpServers]);
    expect(reply.headers.get('cache-control')).toBe('no-store');
    const sent = gateway.upstream.requests.findLast((request) => request.path === path);
    expect(sent?.headers.authorization).toBe(`Bearer ${gateway.upstream.key}`);
    expect(JSON.stringify(sent?.headers)).not.toContain(token.text);
    expect(await gateway.usage(token.team)).toMatchObject({ requests: 0 });
    expect(await gateway.entries(token.team)).toEqual([]);
  });

  it('are asked for once in 30 s, however many want to know', async () => {
    const { text } = await gateway.issue();
    const before = asked();
    await Promise.all(Array.from({ length: 20 }, () => ask(text)));
    expect(asked()).toBe(before + 1);
    clock.aheadMs += 20_000; // ten seconds of a busy machine may be added
    await ask(text);
    expect(asked()).toBe(before + 1);
    clock.aheadMs += 11_000;
    await ask(text);
    expect(asked()).toBe(before + 2);
  });

  it('show a token the tools that it may run: none without a list of tools', async () => {
    const of = async (tools?: string[]): Promise<string[]> =>
      namesIn(await ask((await gateway.issue(tools ? { tools } : {})).text));
    expect(await of()).toEqual([]);
    expect(await of(['mcp-weather/forecast'])).toEqual(['forecast']);
    expect(await of(['alerts', 'forecast@my-app'])).toEqual(['forecast', 'alerts']);
    expect(await of(['fore', 'mcp-weather'])).toEqual([]);
    expect(await of([])).toEqual([]);
  });

  it('show a session only what it may run itself', async () => {
    const token = await gateway.issue({ tools: ['forecast', 'alerts'] });
    const bare = await mintSession(gateway.url, token.text);
    expect(namesIn(await ask(bare.token))).toEqual([]);
    const narrow = await mintSession(gateway.url, token.text, { tools: ['alerts'] });
    expect(namesIn(await ask(narrow.token))).toEqual(['alerts']);
  });
});

describe('who may ask', () => {
  it('is decided by the token, its endpoints and its origins', async () => {
    const before = asked();
    expect(errorOf(await get(`${gateway.url}${path}`)).code).toBe('missing_token');
    const other = await gateway.issue({ endpoints: ['/v1/embeddings'] });
    expect(errorOf(await ask(other.text)).code).toBe('endpoint_not_allowed');
    const elsewhere = {
      token: (await gateway.issue()).text,
      headers: { origin: 'https://elsewhere.example' },
    };
    expect(errorOf(await get(`${gateway.url}${path}`, elsewhere)).code).toBe('origin_not_allowed');
    expect(asked()).toBe(before);
    const named = await gateway.issue({ endpoints: [path] });
    expect((await ask(named.text)).status).toBe(200);
    const page = await mintSession(gateway.url, named.text, { endpoints: [path] });
    expect((await ask(page.token)).status).toBe(200);
  });

  it('cannot pin it: there is nothing to send', async () => {
    const reply = await fetch(`${gateway.url}/v1/sessions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${(await gateway.issue()).text}` },
      body: JSON.stringify({ endpoints: [path], pinned: { model: 'm' } }),
    });
    expect(reply.status).toBe(400);
  });
});

describe('trouble upstream', () => {
  const troubles: [string, Script, number, string][] = [
    ['401', respond(401, json, '{}'), 502, 'upstream_auth_failed'],
    ['429', respond(429, json, '{}'), 429, 'upstream_rate_limited'],
    ['500', respond(500, json, '{}'), 502, 'upstream_error'],
    ['HTML', respond(200, { 'content-type': 'text/html' }, '<p>'), 502, 'upstream_error'],
    ['half of a JSON', respond(200, json, '[{"a"'), 502, 'upstream_error'],
    ['too much', respond(200, json, `["${'x'.repeat(1_100_000)}"]`), 502, 'upstream_error'],
    ['a reset', resetBeforeAnswer(), 502, 'upstream_unreachable'],
  ];

  it.each(troubles)('is told as elsewhere, and kept for nobody: %s', async (_, script, status, code) => {
    const { text } = await gateway.issue();
    gateway.upstream.script(script);
    const reply = await ask(text);
    expect([reply.status, errorOf(reply).code]).toEqual([status, code]);
    gateway.upstream.script(null);
    expect((await ask(text)).status).toBe(200);
  });

  it("never shows the gateway's key", async () => {
    const { key } = gateway.upstream;
    gateway.upstream.script(respond(200, json, JSON.stringify([{ key, tools: [{ name: 'alerts' }] }])));
    const { text } = await ask((await gateway.issue({ tools: ['alerts'] })).text);
    expect(text).toBe('[{"key":"***","tools":[{"name":"alerts"}]}]');
  });
});
