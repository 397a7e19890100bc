import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { models, startGateway, type TestGateway } from '../../support/gateway.ts';
import { bodies, errorOf, get, paths, post, type Reply } from '../../support/gateway-client.ts';
import { parseResponse, rawRequest, requestText } from '../../support/http.ts';
import { mintSession } from '../../support/sessions.ts';
import { hang } from '../../support/upstream-scripts.ts';
import { waitFor } from '../../support/wait-for.ts';

/* What coding agents ask a gateway before their first call, and beside it. */

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

describe('a count of tokens', () => {
  const count = (token: string, body: object = bodies.messages(), query = ''): Promise<Reply> =>
    post(`${gateway.url}/v1/messages/count_tokens${query}`, body, { token });

  it('is an estimate and says so: neither sent, limited nor in the ledger', async () => {
    const token = await gateway.issue({ limits: [{ metric: 'tokens', window: 'day', max: 0 }] });
    const before = gateway.upstream.requests.length;
    const { max_tokens: _, ...body } = { ...bodies.messages(), max_tokens: 0, system: 'Be brief.' };
    const reply = await count(token.text, body, '?beta=true');
    const inputTokens = Math.ceil(JSON.stringify(body).length / 4);
    expect([reply.status, reply.json]).toEqual([200, { input_tokens: inputTokens, estimated: true }]);
    expect(reply.headers.get('cache-control')).toBe('no-store');
    expect(gateway.upstream.requests.length).toBe(before);
    expect(await gateway.entries(token.team)).toEqual([]);
    const { json } = await get(`${gateway.url}/v1/me`, { token: token.text });
    expect(json['limits']).toMatchObject([{ used: 0 }]);
  });

  it('is what a message would reserve for its input', async () => {
    const token = await gateway.issue({ limits: [{ metric: 'tokens', window: 'day', max: 100_000 }] });
    const source = { type: 'base64', media_type: 'image/png', data: 'A'.repeat(40_000) };
    const body = bodies.messages({
      messages: [{ role: 'user', content: [{ type: 'image', source }] }],
      max_tokens: 100,
    });
    const counted = Number((await count(token.text, body)).json['input_tokens']);
    expect(counted).toBeLessThan(3_000);
    gateway.upstream.script(hang());
    const leaving = new AbortController();
    const call = post(`${gateway.url}${paths.messages}`, body, { token: token.text, signal: leaving.signal });
    const used = await waitFor(
      async () => {
        const { json } = await get(`${gateway.url}/v1/me`, { token: token.text });
        return (json['limits'] as { used: number }[])[0]?.used || null;
      },
      { what: 'the reservation' },
    );
    leaving.abort();
    await call.catch(() => undefined);
    gateway.upstream.script(null);
    expect(used).toBe(counted + 100);
  });

  it('of a response is that of the chat that it is sent as', async () => {
    const { text: token } = await gateway.issue();
    const asking = { token };
    const url = `${gateway.url}/v1/responses/input_tokens`;
    const { status, json } = await post(url, { model: models.chat, input: 'x'.repeat(4_000) }, asking);
    expect([status, json]).toEqual([
      200,
      { object: 'response.input_tokens', input_tokens: expect.any(Number) as unknown, estimated: true },
    ]);
    expect(Math.abs(Number(json['input_tokens']) - 1_000)).toBeLessThan(50);
    const bad = await post(url, { model: models.chat, previous_response_id: 'resp_1', input: 'x' }, asking);
    expect(errorOf(bad).param).toBe('previous_response_id');
  });

  it('is given by what the store says now: a token that another process revoked gets none', async () => {
    const token = await gateway.issue();
    expect((await count(token.text)).status).toBe(200);
    await gateway.admin('PATCH', `/admin/teams/${token.team}/tokens/${token.id}`, { models: [] });
    expect(errorOf(await count(token.text)).code).toBe('model_not_allowed');
  });

  it('of a pinned session is that of the whole request, which nobody else may send', async () => {
    const token = await gateway.issue();
    const pinned = {
      endpoint: '/v1/messages',
      model: models.chat,
      max_tokens: 60,
      system: 'x'.repeat(4_000),
    };
    const { token: session } = await mintSession(gateway.url, token.text, { pinned });
    const { messages } = bodies.messages() as { messages: object };
    const { json } = await count(session, { messages });
    expect(json['input_tokens']).toBeGreaterThan(1_000);
    expect(errorOf(await count(session, { messages, system: 'y' })).code).toBe('field_not_allowed');
    const other = { ...pinned, endpoint: '/v1/chat/completions', system: undefined };
    const { token: elsewhere } = await mintSession(gateway.url, token.text, { pinned: other });
    expect(errorOf(await count(elsewhere, { messages })).code).toBe('endpoint_not_allowed');
  });
});

describe('a probe', () => {
  it('HEAD / is answered to anyone', async () => {
    const answer = await fetch(gateway.url, { method: 'HEAD' });
    expect([answer.status, await answer.text()]).toEqual([200, '']);
  });

  it.each(['?client_version=0.130.0', '?limit=1000', '?beta=true'])(
    'GET /v1/models%s lists all',
    async (query) => {
      const { text } = await gateway.issue();
      const listed = await get(`${gateway.url}/v1/models${query}`, { token: text });
      const all = await get(`${gateway.url}/v1/models`, { token: text });
      expect([listed.status, listed.json]).toEqual([200, all.json]);
    },
  );

  it('for a WebSocket is refused at once, before a token is looked at, and the connection ends', async () => {
    for (const path of Object.values(paths)) {
      const headers = {
        connection: 'keep-alive, Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      };
      const answer = parseResponse(await rawRequest(gateway.port, requestText({ path, headers })));
      expect([path, answer.status]).toEqual([path, 426]);
      expect(answer.header('upgrade')).toBe('HTTP/1.1');
      expect(answer.headers.filter(([name]) => name === 'connection')).toEqual([
        ['connection', 'upgrade, close'],
      ]);
      expect(answer.body.toString()).toContain('"code":"upgrade_required"');
    }
  });

  it('for a WebSocket at a path that can be read is an ordinary request', async () => {
    const headers = { connection: 'Upgrade, close', upgrade: 'websocket' };
    const answer = await rawRequest(gateway.port, requestText({ path: '/healthz', headers }));
    expect(parseResponse(answer).status).toBe(200);
  });
});
