import OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTollgate } from '../../../client/index.js';
import {
  sendError,
  sendJson,
  startPretendGateway,
  type PretendGateway,
} from '../../support/pretend-gateway.ts';

let gateway: PretendGateway;
let openai: OpenAI;

beforeEach(async () => {
  gateway = await startPretendGateway();
  openai = new OpenAI({
    fetch: createTollgate({ url: `${gateway.origin}/v1`, getSession: gateway.getSession }),
    baseURL: `${gateway.origin}/v1`,
    apiKey: 'session',
    dangerouslyAllowBrowser: true,
    maxRetries: 0,
  });
});
afterEach(() => gateway.close());

const request = { model: 'claude-4-5-haiku', messages: [{ role: 'user' as const, content: 'Hello' }] };
const words = ['Good', ' morning', '.'];

describe('the OpenAI SDK over the client', () => {
  it('gets a plain answer, on a session that is renewed on the way', async () => {
    gateway.expire('tgs_1');
    gateway.answer = (_arrived, response) => {
      const message = { role: 'assistant', content: words.join('') };
      sendJson(response, 200, { object: 'chat.completion', choices: [{ index: 0, message }] });
    };
    const { choices } = await openai.chat.completions.create(request);
    expect(choices[0]?.message.content).toBe('Good morning.');
    expect(gateway.arrived).toMatchObject([
      { path: '/v1/chat/completions', token: 'tgs_1' },
      { path: '/v1/chat/completions', token: 'tgs_2' },
    ]);
    expect(gateway.arrived[1]?.body).toBe(gateway.arrived[0]?.body);
  });

  it('gets a streamed answer', async () => {
    gateway.expire('tgs_1');
    gateway.answer = (_arrived, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const content of words)
        response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`);
      response.end('data: [DONE]\n\n');
    };
    const got: string[] = [];
    const stream = await openai.chat.completions.create({ ...request, stream: true });
    for await (const chunk of stream) got.push(chunk.choices[0]?.delta.content ?? '');
    expect(got).toEqual(words);
  });

  it('gets the errors of the gateway as its own', async () => {
    gateway.answer = (_arrived, response) => sendError(response, 401, 'revoked_token');
    const answer = openai.chat.completions.create(request);
    await expect(answer).rejects.toMatchObject({ status: 401, code: 'revoked_token' });
    expect(gateway.arrived).toHaveLength(1);
  });

  it('ends a stream when told to', async () => {
    const closed = Promise.withResolvers<void>();
    gateway.answer = (_arrived, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"choices":[{"index":0,"delta":{"content":"Good"}}]}\n\n');
      response.once('close', () => closed.resolve());
    };
    const stream = await openai.chat.completions.create({ ...request, stream: true });
    for await (const chunk of stream) {
      expect(chunk.choices[0]?.delta.content).toBe('Good');
      break;
    }
    await closed.promise;
  });
});
