import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isJsonObject, type JsonObject } from '../../../src/base/request.ts';
import { type IssuedToken, models, startGateway, type TestGateway } from '../../support/gateway.ts';
import { errorOf, open, paths, post, readStream, type Reply } from '../../support/gateway-client.ts';
import { lastResponseIn } from '../../support/open-responses/stream.ts';
import { resetAfter } from '../../support/upstream-scripts.ts';
import { messageFrame } from '../../../src/demo/frames.ts';
import { sharedRedis } from '../../support/redis-server.ts';
import { mintSession } from '../../support/sessions.ts';

/* `RESPONSES_STORE_BYTES`: a request names items of earlier responses, as the AI SDK does by default. */

let gateway: TestGateway;
let token: IssuedToken;

beforeAll(async () => {
  gateway = await startGateway({ redis: await sharedRedis(), env: { RESPONSES_STORE_BYTES: '1000000' } });
  token = await gateway.issue();
});
afterAll(() => gateway.close());

interface Item {
  id: string;
  type: string;
  call_id?: string;
}

const hello = { role: 'user', content: 'Hello' };
const again = { role: 'user', content: 'And again' };
const refer = ({ id }: Item): object => ({ type: 'item_reference', id });
const tools = [{ type: 'function', name: 'weather', parameters: { type: 'object', properties: {} } }];

function ask(body: object, as = token.text, headers: Record<string, string> = {}): Promise<Reply> {
  return post(`${gateway.url}${paths.responses}`, { model: models.chat, ...body }, { token: as, headers });
}

async function itemsOf(asked: Promise<Reply>): Promise<Item[]> {
  const { status, text, json, headers } = await asked;
  expect([status, text]).toEqual([200, expect.any(String)]);
  const isStream = headers.get('content-type')?.startsWith('text/event-stream');
  const { output } = (isStream ? lastResponseIn(text) : json) as { output: Item[] };
  return output;
}

function messagesSent(): JsonObject[] {
  const body = gateway.upstream.requests.at(-1)?.body as JsonObject;
  return Array.isArray(body['messages']) ? body['messages'].filter(isJsonObject) : [];
}

/** That a request which refers to this item is refused, and says what to do. */
async function expectUnknown(item: Item, as = token.text): Promise<void> {
  const before = gateway.upstream.requests.length;
  const reply = await ask({ input: [hello, refer(item), again] }, as);
  expect(reply.status).toBe(400);
  expect(errorOf(reply)).toMatchObject({ code: 'invalid_body', param: 'input.1' });
  expect(errorOf(reply).message).toMatch(/store: false/);
  expect(gateway.upstream.requests.length).toBe(before);
}

describe.each([false, true])('an item of an answer, streamed: %s,', (stream) => {
  it('is read if the next request refers to it, at once', async () => {
    const [message] = await itemsOf(ask({ input: [hello], stream }));
    if (message === undefined) throw new Error('There is no item.');
    await itemsOf(ask({ input: [hello, refer(message), again], stream }));
    const [first, said, last] = messagesSent();
    expect([first?.['role'], said?.['role'], last?.['role']]).toEqual(['user', 'assistant', 'user']);
    expect(JSON.stringify(said)).toContain('a stand-in for Heroku Inference');
  });

  it('is read if it is a call, whose output follows', async () => {
    const items = await itemsOf(ask({ input: [hello], tools, tool_choice: 'required', stream }));
    const call = items.find(({ type }) => type === 'function_call');
    if (call === undefined) throw new Error('There is no call.');
    const output = { type: 'function_call_output', call_id: call.call_id, output: 'Rain' };
    await itemsOf(ask({ input: [hello, refer(call), output], tools, stream }));
    expect(messagesSent().at(-2)).toMatchObject({ role: 'assistant', tool_calls: [{ id: call.call_id }] });
  });
});

describe('a reference is refused', () => {
  it('to what was not to be stored, or is an answer of a call with an Idempotency-Key', async () => {
    const [unstored] = await itemsOf(ask({ input: 'Hello', store: false }));
    const [keyed] = await itemsOf(ask({ input: 'Hello' }, token.text, { 'idempotency-key': 'k-1' }));
    for (const item of [unstored, keyed]) if (item !== undefined) await expectUnknown(item);
    expect([unstored, keyed]).not.toContain(undefined);
  });

  it('to an answer that another token or session got', async () => {
    const [message] = await itemsOf(ask({ input: 'Hello' }));
    if (message === undefined) throw new Error('There is no item.');
    const { body } = await gateway.admin('POST', `/admin/teams/${token.team}/tokens`, { user: token.user });
    await expectUnknown(message, String(body['token']));
    const session = await mintSession(gateway.url, token.text);
    await expectUnknown(message, session.token);
    const [ofSession] = await itemsOf(ask({ input: 'Hello' }, session.token));
    if (ofSession === undefined) throw new Error('There is no item.');
    await itemsOf(ask({ input: [hello, refer(ofSession), again] }, session.token));
  });

  it('to an answer that broke off', async () => {
    const said = messageFrame({ choices: [{ index: 0, delta: { content: 'Once upon' } }] });
    gateway.upstream.script(resetAfter(said));
    const answer = await open(
      `${gateway.url}${paths.responses}`,
      { model: models.chat, input: 'Hello', stream: true },
      { token: token.text },
    );
    const reading = readStream(answer);
    expect(await reading.rest()).toBe('broken');
    gateway.upstream.script(null);
    expect(reading.text()).toContain('response.failed');
    const [id] = /msg_[0-9a-f]{33}/.exec(reading.text()) ?? [];
    if (id === undefined) throw new Error('No item had begun.');
    await expectUnknown({ id, type: 'message' });
  });
});
