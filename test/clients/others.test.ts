import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ground } from './support/ground.ts';
import { models } from './support/client.ts';

/* What clients do that are not on npm, or that all of them have in common: their requests, as they send them. */

const on = ground({ ALLOWED_ORIGINS: 'https://app.example' });

async function send(path: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  const { url, token } = await on().site.connect();
  return await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, ...headers },
    body: JSON.stringify(body),
  });
}

const user = { role: 'user', content: 'How is the weather?' };
const called = { id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '{}' } };

describe('langchain-heroku of PyPI', () => {
  it('sends a tool message without tool_call_id, and allow_ignored_params with it', async () => {
    const messages = [
      user,
      { role: 'assistant', content: null, tool_calls: [called] },
      { role: 'tool', content: '21' },
    ];
    const body = { model: models.chat, messages, allow_ignored_params: true, seed: 1 };
    expect((await send('/v1/chat/completions', body)).status).toBe(200);
    const sentOn = on().site.upstream.requests.at(-1)?.body as typeof body;
    expect(sentOn).toMatchObject({ allow_ignored_params: true, seed: 1 });
    expect(sentOn.messages.at(-1)).toEqual(messages.at(-1));
  });
});

describe('n8n-nodes-heroku-ai and the Heroku CLI', () => {
  it('try a credential on the list of models', async () => {
    const { url, token } = await on().site.connect();
    const tried = async (key: string): Promise<number> =>
      (await fetch(`${url}/available-models`, { headers: { authorization: `Bearer ${key}` } })).status;
    expect([await tried(token), await tried('none')]).toEqual([200, 401]);
  });
});

describe('all of them', () => {
  it('Node itself says `sec-fetch-mode: cors` without an origin, which is no sign of a page', async () => {
    const seen = Promise.withResolvers<Record<string, unknown>>();
    const server = createServer((req, res) => {
      seen.resolve(req.headers);
      res.end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.close();
    expect(await seen.promise).toMatchObject({ 'sec-fetch-mode': 'cors' });
    expect(await seen.promise).not.toHaveProperty('origin');
    expect((await send('/v1/chat/completions', { model: models.chat, messages: [user] })).status).toBe(200);
  });

  it.each([
    ['null', null],
    ['""', ''],
    ['[]', []],
  ])('%s as content beside tool calls is taken', async (_how, content) => {
    const messages = [
      user,
      { role: 'assistant', content, tool_calls: [called] },
      { role: 'tool', content: '21', tool_call_id: called.id },
    ];
    expect((await send('/v1/chat/completions', { model: models.chat, messages })).status).toBe(200);
    const sentOn = on().site.upstream.requests.at(-1)?.body as { messages: object[] };
    expect(sentOn.messages[1]).toEqual({ role: 'assistant', tool_calls: [called] });
  });

  it('a tool of zod comes with a $schema, which stays here', async () => {
    const parameters = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: {},
    };
    const tools = [{ type: 'function', function: { name: 'get_weather', parameters } }];
    const answer = await send('/v1/chat/completions', { model: models.chat, messages: [user], tools });
    expect(await answer.json()).toMatchObject({ choices: [{ finish_reason: 'tool_calls' }] });
    expect(on().site.upstream.requests.at(-1)?.text).not.toContain('$schema');
  });

  it('one sends its JSON as text/plain', async () => {
    const body = { model: models.chat, messages: [user] };
    expect((await send('/v1/chat/completions', body, { 'content-type': 'text/plain' })).status).toBe(200);
  });
});
