import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  BrokenAnswerError,
  createTollgate,
  RateLimitError,
  RefusedError,
  type Tollgate,
  type TollgateAnswer,
  type TollgateEvent,
} from '../../../client/index.js';
import { exampleEvents, exampleResponse, streamOf } from '../support/example-response.ts';
import { growthAwaited, linear } from '../../support/growth.ts';
import {
  sendEvents,
  sendJson,
  startPretendGateway,
  type PretendGateway,
} from '../../support/pretend-gateway.ts';

let gateway: PretendGateway;
let tollgate: Tollgate;

beforeEach(async () => {
  gateway = await startPretendGateway();
  tollgate = createTollgate({ url: gateway.origin, getSession: gateway.getSession, maxTries: 1 });
});
afterEach(() => gateway.close());

const piece = (content: string): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}`;
const done = 'data: [DONE]';

function answering(answer: (response: ServerResponse) => void): Promise<TollgateAnswer> {
  gateway.answer = (_arrived, response) => answer(response);
  return tollgate.ask('/v1/chat/completions', { stream: true });
}

const streaming = (...events: string[]): Promise<TollgateAnswer> =>
  answering((response) => sendEvents(response, ...events));

async function eventsOf(answer: TollgateAnswer): Promise<TollgateEvent[]> {
  const events = [];
  for await (const event of answer.events()) events.push(event);
  return events;
}

const caught = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

describe('what is asked', () => {
  it('is sent as JSON, with POST; without a body it is a GET', async () => {
    await tollgate.ask('/v1/chat/completions', { messages: [] }, { headers: { 'x-trace': '7' } });
    await tollgate.ask('/v1/me');
    expect(gateway.arrived).toMatchObject([
      {
        method: 'POST',
        body: '{"messages":[]}',
        headers: { 'content-type': 'application/json', 'x-trace': '7' },
      },
      { method: 'GET', body: '', path: '/v1/me' },
    ]);
  });

  it('is aborted by its signal', async () => {
    const { signal } = { signal: AbortSignal.abort(new Error('left')) };
    await expect(tollgate.ask('/v1/me', undefined, { signal })).rejects.toThrow('left');
  });
});

describe('a stream', () => {
  it('is read event by event, and its words are in them', async () => {
    const answer = await streaming(': a comment', piece('Good'), piece(' morning.'), done);
    expect(await eventsOf(answer)).toEqual([
      { name: 'message', data: { choices: [{ index: 0, delta: { content: 'Good' } }] }, text: 'Good' },
      { name: 'message', data: expect.anything(), text: ' morning.' },
    ]);
    expect(answer.requestId).toBe('req-1');
  });

  it('is read as one text', async () => {
    expect(await (await streaming(piece('Good'), piece(' morning.'), done)).text()).toBe('Good morning.');
  });

  it('is read the same however it is cut into pieces', async () => {
    const whole = `event: message\r\n${piece('Grüße, 🌍')}\r\n\r\n:\n\n${piece('!').replace('data: ', 'data:')}\n\n${done}\n\n`;
    const answer = await answering((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const byte of Buffer.from(whole)) response.write(Buffer.of(byte));
      response.end();
    });
    expect((await eventsOf(answer)).map(({ text }) => text)).toEqual(['Grüße, 🌍', '!']);
  });

  it('takes as long as it is long, in however many pieces one event comes', async () => {
    const bytes = new TextEncoder().encode('x'.repeat(100));
    const answeringWith = (pieces: number): Response => {
      let left = pieces;
      const body = new ReadableStream<Uint8Array>({
        pull: (stream) => (left-- > 0 ? stream.enqueue(bytes) : stream.close()),
      });
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
    };
    const fetching = vi.spyOn(globalThis, 'fetch');
    try {
      const reading = (amount: number) => async () => {
        fetching.mockResolvedValue(answeringWith(400 * amount));
        await caught((await tollgate.ask('/v1/x', {})).text());
      };
      expect(await growthAwaited(reading)).toBeLessThan(linear);
    } finally {
      fetching.mockRestore();
    }
  });

  it("of Anthropic's messages has words too, and ends with message_stop", async () => {
    const event = (type: string, more: object): string =>
      `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}`;
    const answer = await streaming(
      event('message_start', { message: { role: 'assistant', content: [] } }),
      event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
      event('ping', {}),
      event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'Good' } }),
      event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: ' morning.' } }),
      event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: {} }),
      event('message_stop', {}),
    );
    const events = await eventsOf(answer);
    expect(events.map(({ text }) => text).join('')).toBe('Good morning.');
    expect(events.map(({ name }) => name)).toContain('content_block_delta');
  });

  it('of a response has the words of its messages, once, and ends with its last event', async () => {
    const events = exampleEvents();
    const answer = await streaming(streamOf(events).trimEnd());
    const read = await eventsOf(answer);
    expect(read.map(({ name }) => name)).toEqual(events.map(({ type }) => type));
    expect(read.map(({ text }) => text).filter((text) => text !== '')).toEqual([
      'Good ',
      'day.',
      'No m',
      'ore.',
    ]);
  });

  it('of a response that fails throws why, with what came before', async () => {
    const error = {
      type: 'upstream_error',
      code: 'upstream_error',
      message: 'Heroku broke off.',
      param: null,
    };
    const events = exampleEvents();
    const begun = events.slice(0, events.findIndex(({ type }) => type === 'response.output_text.delta') + 1);
    const answer = await streaming(streamOf([...begun, { type: 'error', error }]).trimEnd());
    expect(await caught(answer.text())).toMatchObject({
      name: 'BrokenAnswerError',
      code: error.code,
      message: error.message,
      text: 'Good ',
    });
  });

  it("of an agent has the agent's words, not those of tools", async () => {
    const said = (role: string, content: string): string =>
      `event:message\ndata:${JSON.stringify({ choices: [{ index: 0, message: { role, content } }] })}`;
    const answer = await streaming(
      said('tool', '12:00'),
      said('assistant', 'Noon.'),
      `event:done\ndata:[DONE]`,
    );
    expect(await answer.text()).toBe('Noon.');
  });

  it.each([
    ['null', '{"choices":[{"index":0,"delta":{"role":"assistant","content":null}}]}'],
    ['a tool call', '{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0}]}}]}'],
    ['another choice', '{"choices":[{"index":1,"delta":{"content":"other"}}]}'],
    ['usage only', '{"choices":[],"usage":{"total_tokens":3}}'],
  ])('has no words in %s', async (_name, data) => {
    expect(await (await streaming(`data: ${data}`, done)).text()).toBe('');
  });

  it('that says why it broke off throws that, with what came before', async () => {
    const error = { code: 'upstream_error', message: 'Heroku broke off.' };
    const answer = await streaming(piece('Good'), `event: error\ndata: ${JSON.stringify({ error })}`);
    const failed = await caught(answer.text());
    expect(failed).toBeInstanceOf(BrokenAnswerError);
    expect(failed).toMatchObject({ ...error, text: 'Good', requestId: 'req-1' });
  });

  it.each([
    ['an end without [DONE]', (response: ServerResponse) => void response.end()],
    ['a cut connection', (response: ServerResponse) => void response.destroy()],
    ['half an event', (response: ServerResponse) => void response.end('data: {"choi')],
    ['nonsense', (response: ServerResponse) => void response.end(`data: {"choi\n\n${done}\n\n`)],
  ])('that breaks off by %s throws what came before', async (_name, breakOff) => {
    const read = Promise.withResolvers<void>();
    const answer = await answering((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(`${piece('Good')}\n\n`);
      void read.promise.then(() => breakOff(response));
    });
    const words: string[] = [];
    const failed = await caught(
      (async () => {
        for await (const { text } of answer.events()) {
          words.push(text);
          read.resolve();
        }
      })(),
    );
    expect(failed).toMatchObject({ name: 'BrokenAnswerError', code: 'answer_broken', text: 'Good' });
    expect(words).toEqual(['Good']);
  });

  it('is ended by leaving the loop', async () => {
    const closed = Promise.withResolvers<void>();
    const answer = await answering((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(`${piece('Good')}\n\n`);
      response.once('close', () => closed.resolve());
    });
    for await (const { text } of answer.events()) {
      expect(text).toBe('Good');
      break;
    }
    await closed.promise;
  });

  it("that is aborted throws the signal's reason", async () => {
    const controller = new AbortController();
    gateway.answer = (_arrived, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(`${piece('Good')}\n\n`);
    };
    const answer = await tollgate.ask('/v1/x', {}, { signal: controller.signal });
    const failed = caught(
      (async () => {
        for await (const _event of answer.events()) controller.abort(new Error('the visitor left'));
      })(),
    );
    expect(await failed).toMatchObject({ message: 'the visitor left' });
  });

  it('is read once', async () => {
    const answer = await streaming(piece('Good'), done);
    await answer.text();
    const failed = new TypeError('This answer has been read already.');
    await expect(answer.text()).rejects.toThrow(failed);
    await expect(answer.json()).rejects.toThrow(failed);
  });
});

describe('a plain answer', () => {
  const chat = { choices: [{ index: 0, message: { role: 'assistant', content: 'Good morning.' } }] };

  it.each([
    ['of a chat', chat, 'Good morning.'],
    [
      'in parts',
      { choices: [{ message: { content: [{ type: 'text', text: 'Good' }, { type: 'x' }] } }] },
      'Good',
    ],
    ["of Anthropic's messages", { type: 'message', content: [{ type: 'text', text: 'Good' }] }, 'Good'],
    ['of a response', exampleResponse, 'Good day.No more.'],
    ['of embeddings', { data: [{ embedding: [0.1] }] }, ''],
  ])('%s has words', async (_name, body, words) => {
    expect(await (await answering((response) => sendJson(response, 200, body))).text()).toBe(words);
  });

  it('is one event, or the JSON it is', async () => {
    const give = (response: ServerResponse): void => sendJson(response, 200, chat);
    expect(await eventsOf(await answering(give))).toEqual([
      { name: 'message', data: chat, text: 'Good morning.' },
    ]);
    expect(await (await answering(give)).json()).toEqual(chat);
  });

  it('of a response that has failed throws why', async () => {
    const failed = { ...exampleResponse, error: { code: 'upstream_error', message: 'Heroku broke off.' } };
    const answer = await answering((response) => sendJson(response, 200, failed));
    expect(await caught(answer.text())).toMatchObject({ name: 'BrokenAnswerError', ...failed.error });
  });

  it('that is cut short is broken off', async () => {
    const answer = await answering((response) => {
      response
        .writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
        .write('{"choices');
      setImmediate(() => response.destroy());
    });
    expect(await caught(answer.text())).toBeInstanceOf(BrokenAnswerError);
  });
});

describe('a refusal', () => {
  const refusing = (status: number, body: unknown, headers: Record<string, string> = {}): Promise<unknown> =>
    caught(
      answering((response) => {
        for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
        sendJson(response, status, body);
      }),
    );

  it('is thrown with what the gateway says', async () => {
    const told = {
      code: 'invalid_body',
      message: 'Too hot.',
      type: 'invalid_request_error',
      param: 'temperature',
    };
    const failed = await refusing(400, { error: { ...told, request_id: 'req-7' } });
    expect(failed).toBeInstanceOf(RefusedError);
    expect(failed).not.toBeInstanceOf(RateLimitError);
    expect(failed).toMatchObject({
      ...told,
      status: 400,
      requestId: 'req-7',
      limit: null,
      retryAfterMs: null,
    });
  });

  it('that is a 429 comes at once, with its limit and when to try again', async () => {
    const limit = {
      scope: 'token',
      metric: 'requests',
      window: 'minute',
      max: 20,
      resets_at: '2026-03-01T12:00:00Z',
    };
    const error = { code: 'rate_limit_exceeded', message: 'Too many.', limit };
    const failed = await refusing(429, { error }, { 'retry-after': '23' });
    expect(failed).toBeInstanceOf(RateLimitError);
    expect(failed).toMatchObject({
      name: 'RateLimitError',
      message: 'Too many.',
      retryAfterMs: 23_000,
      limit,
    });
    expect(gateway.arrived).toHaveLength(1);
  });

  it("in Anthropic's shape is read as well", async () => {
    const error = { type: 'overloaded_error', code: 'overloaded', message: 'Too much.' };
    expect(await refusing(503, { type: 'error', error })).toMatchObject({ ...error, status: 503 });
  });

  it('that is no JSON still has a code', async () => {
    const failed = await caught(answering((response) => void response.writeHead(502).end('<html>')));
    expect(failed).toMatchObject({ code: 'http_502', message: 'The server answered 502.' });
  });

  it('may name a date to try again at', async () => {
    const inAMinute = new Date(Date.now() + 60_500).toUTCString();
    const { retryAfterMs } = (await refusing(429, {}, { 'retry-after': inAMinute })) as RateLimitError;
    expect(retryAfterMs).toBeGreaterThan(0);
    expect(await refusing(429, {}, { 'retry-after': 'soon' })).toMatchObject({ retryAfterMs: null });
  });
});
