import { describe, expect, it } from 'vitest';
import {
  failed,
  isEventStream,
  isJson,
  timedOut,
  unreachable,
  type UpstreamAnswer,
  upstreamTrouble,
} from '../../../src/upstream/upstream-error.ts';

const json = 'application/json; charset=utf-8';
const html = 'text/html';
const page = '<!DOCTYPE html><html><body>Request blocked</body></html>';

const attachment = {
  name: 'INFERENCE',
  baseUrl: 'https://us.inference.heroku.com',
  key: 'inf-12345678-aaaa',
  modelId: null,
};

function answer(status: number, more: Partial<UpstreamAnswer> = {}): UpstreamAnswer {
  const text = JSON.stringify({ error: { code: status, message: 'Said upstream', type: 'some_error' } });
  return { status, contentType: json, retryAfterMs: null, text, attachment, ...more };
}

interface Told {
  status: number;
  code: string;
  type: string;
  ending: string;
  headers: Record<string, string>;
}

function told(of: UpstreamAnswer): Told {
  const { refusal, ending } = upstreamTrouble(of);
  const { error } = refusal.body('request-1');
  return {
    status: refusal.status,
    code: String(error['code']),
    type: String(error['type']),
    ending,
    headers: { ...refusal.headers },
  };
}

const noRetry = { 'x-should-retry': 'false' };

describe('"Upstream trouble" of the contract', () => {
  it.each([401, 403])('a %i as JSON is about our key: 502, no retry, nobody pays', (status) => {
    expect(told(answer(status))).toEqual({
      status: 502,
      code: 'upstream_auth_failed',
      type: 'upstream_error',
      ending: 'not_taken',
      headers: noRetry,
    });
  });

  it('a 401 without JSON is about our key as well', () => {
    expect(told(answer(401, { contentType: '', text: '' })).code).toBe('upstream_auth_failed');
  });

  it('does not tell a caller what the upstream said about our key', () => {
    expect(upstreamTrouble(answer(401)).refusal.message).not.toContain('Said upstream');
  });

  it('a 403 as HTML is the firewall: 400, no retry, nobody pays', () => {
    expect(told(answer(403, { contentType: html, text: page }))).toEqual({
      status: 400,
      code: 'upstream_blocked',
      type: 'invalid_request_error',
      ending: 'not_taken',
      headers: noRetry,
    });
  });

  it('a 429 is one, with a Retry-After, nobody pays', () => {
    expect(told(answer(429, { retryAfterMs: 7_000 }))).toEqual({
      status: 429,
      code: 'upstream_rate_limited',
      type: 'rate_limit_error',
      ending: 'not_taken',
      headers: { 'retry-after': '7' },
    });
  });

  it.each([
    [null, '1'],
    [0, '1'],
    [200, '1'],
    [1_500, '2'],
    [60_000, '60'],
  ])('a 429 of a key that has room in %s ms says to wait %s s', (retryAfterMs, afterS) => {
    expect(told(answer(429, { retryAfterMs })).headers).toEqual({ 'retry-after': afterS });
  });

  it('a 429 with a long Retry-After keeps SDKs from waiting for it', () => {
    expect(told(answer(429, { retryAfterMs: 61_000 })).headers).toEqual({ 'retry-after': '61', ...noRetry });
  });

  it.each([400, 404, 408, 413, 422])('another error, %i, keeps its status and message', (status) => {
    expect(told(answer(status))).toEqual({
      status,
      code: 'upstream_error',
      type: 'invalid_request_error',
      ending: 'rejected',
      headers: {},
    });
    expect(upstreamTrouble(answer(status)).refusal.message).toBe('Said upstream');
  });

  it.each([400, 404])('a %i that is no JSON is a 502, the request alone being paid', (status) => {
    expect(told(answer(status, { contentType: html, text: page }))).toMatchObject({
      status: 502,
      code: 'upstream_error',
      ending: 'rejected',
    });
  });

  it.each([500, 502, 503, 504, 599])('a %i is a 502, the input being paid', (status) => {
    for (const contentType of [json, html])
      expect(told(answer(status, { contentType }))).toMatchObject({
        status: 502,
        code: 'upstream_error',
        type: 'upstream_error',
        ending: 'failed',
      });
  });

  it.each([500, 503])('a %i tells what the upstream said', (status) => {
    const said = (text: string, contentType = json): string =>
      upstreamTrouble(answer(status, { text, contentType })).refusal.message;
    const words = `Heroku Inference failed. It answered ${status}: Failed to execute chat. Try again.`;
    expect(said('{"error":"Failed to execute chat"}')).toBe(words);
    expect(said('{"error":{"code":500,"message":"Failed to execute chat."}}')).toBe(words);
    expect(said('Failed to execute chat\nat line 1', 'text/plain; charset=utf-8')).toBe(words);
    expect(said(page, html)).toBe(`Heroku Inference failed. It answered ${status}. Try again.`);
    expect(said('{}')).toBe(`Heroku Inference failed. It answered ${status}. Try again.`);
  });

  it('a 529 is overloaded: nobody pays, and a wait is told', () => {
    expect(told(answer(529))).toEqual({
      status: 503,
      code: 'overloaded',
      type: 'server_error',
      ending: 'not_taken',
      headers: {},
    });
    expect(told(answer(529, { retryAfterMs: 2_500 })).headers).toEqual({ 'retry-after': '3' });
    expect(upstreamTrouble(answer(529)).refusal.message).toBe(
      'Heroku Inference is overloaded: Said upstream. Try again later.',
    );
  });

  it.each([
    [
      { error: { message: 'm', code: 'context_length_exceeded', param: 'messages' } },
      'context_length_exceeded',
      'messages',
    ],
    [{ error: { message: 'm', code: null, param: null } }, 'upstream_error', null],
    [{ error: { message: 'm', code: 400 } }, 'upstream_error', null],
    [{ error: { message: 'm', code: '', param: '' } }, 'upstream_error', null],
    [{ error: { message: 'm', code: { a: 1 }, param: ['a'] } }, 'upstream_error', null],
    [{ message: 'm', code: 'bad_thing', param: 'top_k' }, 'bad_thing', 'top_k'],
  ])('an error keeps its code and param if they are texts: %j', (value, code, param) => {
    const { refusal } = upstreamTrouble(answer(422, { text: JSON.stringify(value) }));
    expect(refusal.body('id').error).toMatchObject({ message: 'm', code, param });
    expect(refusal.code).toBe('upstream_error');
  });

  it.each([
    ['our key', 'key inf-12345678-aaaa is bad', 'key *** is bad'],
    ['another key', 'key inf-99999999-bbbb is bad', 'key *** is bad'],
    ['a Bearer', 'sent Authorization: Bearer abc.def', 'sent Authorization: ***'],
    ['a token of ours', 'who is tgk_0123456789abc', 'who is ***'],
    ['its address', 'POST https://us.inference.heroku.com/v1/chat failed', 'POST ***/v1/chat failed'],
    ['its host', 'no route to us.inference.heroku.com', 'no route to ***'],
    ['an inner address', 'connect ECONNREFUSED 10.1.2.3:8080', 'connect ECONNREFUSED ***'],
    ['an inner host', 'GET http://models.svc.cluster.local:80/x?y failed', 'GET *** failed'],
    ['the name of the attachment', 'see INFERENCE_URL of INFERENCE', 'see *** of ***'],
    ['nothing else', 'Inference failed, see https://docs.claude.com/errors', null],
  ])('keeps %s back', (_, words, clean) => {
    const text = JSON.stringify({ error: { message: words, code: words, param: words } });
    const { error } = upstreamTrouble(answer(400, { text })).refusal.body('id');
    expect(error['message']).toBe(clean ?? words);
    expect(error['code']).toBe(clean ?? words);
    expect(error['param']).toBe(clean ?? words);
    expect(upstreamTrouble(answer(500, { text })).refusal.message).toContain(clean ?? words);
  });

  it.each([200, 204, 301, 304])('a %i of another content type than asked for is a 502', (status) => {
    expect(told(answer(status, { contentType: html, text: page }))).toMatchObject({
      status: 502,
      code: 'upstream_error',
      ending: 'failed',
    });
  });

  it('no connection is a 502, no answer in time a 504', () => {
    expect(unreachable()).toMatchObject({ status: 502, code: 'upstream_unreachable' });
    expect(timedOut(28_000)).toMatchObject({ status: 504, code: 'upstream_timeout' });
    expect(timedOut(28_000).message).toContain('28 s');
    expect(failed('It broke.')).toMatchObject({ status: 502, code: 'upstream_error' });
  });
});

describe('the message of an error', () => {
  const message = (value: unknown, contentType = json): string =>
    upstreamTrouble(answer(400, { contentType, text: JSON.stringify(value) })).refusal.message;

  it.each([
    ['an object', { error: { message: 'Too long' } }],
    ['a JSON string', { error: 'Too long' }],
    ['the top level', { message: 'Too long', code: 400 }],
    ['the top level beside an error without one', { error: { code: 400 }, message: 'Too long' }],
    ['the top level beside a null', { error: null, message: 'Too long' }],
    ['a bare string', 'Too long'],
  ])('is read from %s', (_, value) => {
    expect(message(value)).toBe('Too long');
  });

  it('is read from JSON of whatever content type', () => {
    expect(message({ error: { message: 'Too long' } }, 'text/plain')).toBe('Too long');
    expect(message({ error: { message: 'Too long' } }, 'application/problem+json')).toBe('Too long');
    const text = ' \n{"error":{"message":"Too long"}}';
    expect(upstreamTrouble(answer(400, { contentType: 'text/plain', text })).refusal.message).toBe(
      'Too long',
    );
  });

  it.each([
    [null],
    [[]],
    [{}],
    [{ error: 5 }],
    [{ error: { message: { deep: 1 } } }],
    [true],
    [{ error: [] }],
  ])('is ours where there is none: %j', (value) => {
    expect(message(value)).toBe('Heroku Inference refused the request.');
  });

  it('is cut to what fits an answer', () => {
    expect(message({ error: 'x'.repeat(5_000) })).toHaveLength(1_000);
  });

  it('of an empty or a cut body is that of no JSON', () => {
    for (const text of ['', '{"error":{"mess']) {
      expect(told(answer(400, { text }))).toMatchObject({ status: 502, code: 'upstream_error' });
    }
  });
});

describe('content types', () => {
  it.each([
    ['application/json', true],
    ['application/json; charset=utf-8', true],
    ['Application/JSON', true],
    ['application/problem+json', true],
    ['application/vnd.api+json;v=1', true],
    ['application/jsonlines', false],
    ['text/html', false],
    ['text/plain; x=application/json', false],
    ['', false],
  ])('%s is JSON: %s', (contentType, is) => {
    expect(isJson(contentType)).toBe(is);
  });

  it.each([
    ['text/event-stream', true],
    ['text/event-stream;charset=UTF-8', true],
    ['Text/Event-Stream', true],
    ['text/event-streams', false],
    ['application/json', false],
    ['', false],
  ])('%s is a stream: %s', (contentType, is) => {
    expect(isEventStream(contentType)).toBe(is);
  });
});
