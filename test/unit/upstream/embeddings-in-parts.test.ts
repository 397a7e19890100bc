import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ForwardOutcome } from '../../../src/base/outcome.ts';
import type { JsonObject, ValidRequest } from '../../../src/base/request.ts';
import { Attempts } from '../../../src/upstream/attempts.ts';
import { type EmbeddingsInParts, partsOf } from '../../../src/upstream/embeddings-in-parts.ts';
import { JoinedEmbeddings } from '../../../src/upstream/joined-embeddings.ts';
import { RequestQueue } from '../../../src/upstream/request-queue.ts';
import { chat } from '../../../src/validation/endpoints/chat.ts';
import { embeddings } from '../../../src/validation/endpoints/embeddings.ts';
import { accepted } from '../validation/verdict.ts';
import { FakeHandler, FakeUpstream } from './fake-upstream.ts';

const texts = (count: number): string[] => Array.from({ length: count }, (_, n) => String(n));

function request(input: string | string[], more: JsonObject = {}): ValidRequest {
  return accepted(embeddings, { model: 'm', input, ...more });
}

/** What an upstream answers to so many inputs. */
function answerTo(inputs: number, more: object = {}): string {
  const data = Array.from({ length: inputs }, (_, index) => ({
    object: 'embedding',
    index,
    embedding: [index],
  }));
  const usage = { prompt_tokens: inputs, total_tokens: inputs };
  return JSON.stringify({ object: 'list', data, model: 'm', usage, ...more });
}

describe('a request', () => {
  it.each([
    ['a string', 'x'],
    ['96 inputs', texts(96)],
  ])('of %s is sent as it is', (_, input) => {
    expect(partsOf(request(input))).toBeNull();
  });

  it('of another endpoint is sent as it is', () => {
    const other = accepted(chat, {
      model: 'm',
      messages: [{ role: 'user', content: 'x' }],
      input: texts(200),
    });
    expect(partsOf(other)).toBeNull();
  });
});

describe('answers', () => {
  it('are joined in order, indexes counted on, usage added up and last', () => {
    const joined = new JoinedEmbeddings();
    for (const count of [96, 96, 8]) expect(joined.add(answerTo(count), count)).toBe(true);
    const text = Buffer.concat(joined.pieces()).toString();
    const whole = JSON.parse(text) as { data: { index: number; embedding: number[] }[] };
    expect(whole).toMatchObject({
      object: 'list',
      model: 'm',
      usage: { prompt_tokens: 200, total_tokens: 200 },
    });
    expect(whole.data.map(({ index }) => index)).toEqual(texts(200).map(Number));
    expect(whole.data[97]?.embedding).toEqual([1]);
    expect(Object.keys(whole).at(-1)).toBe('usage');
    expect(joined.usage).toEqual({ inputTokens: 200, outputTokens: 0 });
  });

  it('keep the upstream order of indexes within a part', () => {
    const joined = new JoinedEmbeddings();
    joined.add(answerTo(96), 96);
    joined.add('{"data":[{"index":1,"embedding":"b"},{"index":0,"embedding":"a"}]}', 2);
    const { data } = JSON.parse(Buffer.concat(joined.pieces()).toString()) as { data: object[] };
    expect(data.slice(96)).toEqual([
      { index: 97, embedding: 'b' },
      { index: 96, embedding: 'a' },
    ]);
  });

  it.each(['', '{', 'null', '[]', '{}', '{"data":{}}', '{"data":[]}', '{"data":[1]}', answerTo(2)])(
    'are not taken where they are none to one input: %j',
    (text) => expect(new JoinedEmbeddings().add(text, 1)).toBe(false),
  );
});

describe('the parts', () => {
  const clock = { now: () => 0, monotonic: () => 0 };
  const observer = {
    gaveUp: () => undefined,
    circuitOpened: () => undefined,
    circuitClosed: () => undefined,
    isOut: () => undefined,
    keyRefused: () => undefined,
  };

  const repairs = { repair: () => null };

  class Sent {
    readonly parts: EmbeddingsInParts;
    readonly handler = new FakeHandler();
    readonly attempts: Attempts;
    readonly upstreams: [FakeUpstream, FakeUpstream] = [new FakeUpstream('a'), new FakeUpstream('b')];

    readonly queue = new RequestQueue({ clock, max: 1, maxOfTeam: 1 });

    constructor(of: ValidRequest, maxWaitMs = 0) {
      const parts = partsOf(of);
      if (!parts) throw new Error('It is sent as it is.');
      this.parts = parts;
      const { queue } = this;
      this.attempts = new Attempts(
        { clock, queue, repairs, observer, maxAttempts: 3, deadlineMs: 60_000, maxWaitMs },
        {
          call: { requestId: 'id', incoming: { headers: {} } },
          asked: {
            model: 'm',
            isModelKnown: true,
            candidates: this.upstreams,
            body: parts.nextBody(),
            adjusted: [],
            admit: null,
          },
          fallback: () => null,
          path: '/v1/embeddings',
          stream: false,
          pinned: false,
          team: 'acme',
          tokens: 10,
          isRepeatable: true,
        },
      );
      parts.begin(this.attempts, this.handler);
    }

    /** The inputs of each request to the n-th upstream. */
    inputs(n: 0 | 1): string[][] {
      return this.upstreams[n].pool.requests.map(({ body }) => (body as { input: string[] }).input);
    }

    answer(n: 0 | 1, text?: string): void {
      const { last } = this.upstreams[n].pool;
      last.answer(200, undefined, text ?? answerTo((last.body as { input: string[] }).input.length));
    }
  }

  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('have 96 inputs each, everything else the same', () => {
    const sent = new Sent(request(texts(200), { encoding_format: 'float', user: 'x' }));
    for (let n = 0; n < 3; n += 1) sent.answer(0);
    const all = texts(200);
    expect(sent.inputs(0)).toEqual([all.slice(0, 96), all.slice(96, 192), all.slice(192)]);
    for (const { body } of sent.upstreams[0].pool.requests)
      expect(body).toMatchObject({ model: 'm', encoding_format: 'raw', user: 'x' });
  });

  it('are one request, whose answer begins when the last part is answered', () => {
    const sent = new Sent(request(texts(300)));
    for (let n = 0; n < 3; n += 1) sent.answer(0);
    expect(sent.handler.seen).toEqual([]);
    sent.answer(0);
    expect(sent.handler.seen).toEqual(['200', ...Array<string>(6).fill('data'), 'end']);
    expect(sent.upstreams[0].quota.sent).toBe(4);
  });

  it('take turns with another team that waits, one part a turn', () => {
    const sent = new Sent(request(texts(4 * 96)), 10_000);
    const [{ quota, pool }] = sent.upstreams;
    const order: string[] = [];
    const waits = (): void => {
      sent.queue.enter({
        team: 'bolt',
        deadlineMs: Infinity,
        ready: (nowMs) => quota.remaining(nowMs, 1, 'bolt') > 0,
        send: () => order.push(`bolt ${quota.recordSent(1)}`),
        expire: () => undefined,
      });
    };
    const leave = (remaining: number): void => {
      const requests = { remaining, limit: 10, resetAtMs: clock.monotonic() + 5_000 };
      const snapshot = { atMs: clock.monotonic(), blockedUntilMs: 0, requests, tokens: null };
      for (const team of ['bolt', 'acme']) quota.recordSnapshot(snapshot, quota.sent, team);
    };
    leave(0);
    for (let n = 0; n < 3; n += 1) waits();
    sent.answer(0); // the second part has to wait
    expect(pool.requests).toHaveLength(1);
    for (const part of [2, 3]) {
      leave(2);
      vi.advanceTimersByTime(100);
      expect([order.length, pool.requests.length]).toEqual([part - 1, part]);
      leave(0);
      sent.answer(0);
    }
    sent.attempts.abandon();
  });

  it('wait for a reader that is slow', () => {
    const sent = new Sent(request(texts(97)));
    const { handler } = sent;
    handler.onData = () => handler.answer?.pause();
    sent.answer(0);
    sent.answer(0);
    expect(handler.seen).toEqual(['200', 'data']);
    for (let n = 0; n < 3; n += 1) handler.answer?.resume();
    expect(handler.seen).toEqual(['200', ...Array<string>(4).fill('data')]);
    handler.answer?.resume();
    expect(handler.seen.at(-1)).toBe('end');
  });

  it('end if the reader leaves', () => {
    const sent = new Sent(request(texts(97)));
    sent.handler.onData = () => sent.attempts.abandon();
    sent.answer(0);
    sent.answer(0);
    expect(sent.handler.seen).toEqual(['200', 'data']);
  });

  it.each<[string, (sent: Sent) => void]>([
    ['fails', ({ upstreams: [{ pool }] }) => pool.last.answer(503)],
    ['is rate limited', ({ upstreams: [{ pool }] }) => pool.last.answer(429)],
    ['is reset', ({ upstreams: [{ pool }] }) => pool.last.send().fail('ECONNRESET')],
    ['breaks off', ({ upstreams: [{ pool }] }) => pool.last.send().head(200).data('{').fail('ECONNRESET')],
    ['makes no sense', (sent) => sent.answer(0, '{"data":[]}')],
  ])('are repeated elsewhere from the one that %s', (_, failThird) => {
    const sent = new Sent(request(texts(300)));
    sent.answer(0);
    sent.answer(0);
    failThird(sent);
    vi.advanceTimersByTime(1_000);
    sent.answer(1);
    sent.answer(1);
    expect(sent.inputs(0).map(({ length }) => length)).toEqual([96, 96, 96]);
    expect(sent.inputs(1).map(({ length }) => length)).toEqual([96, 12]);
    expect(sent.handler.seen).toEqual(['200', ...Array<string>(6).fill('data'), 'end']);
  });

  it('fail as one if no other attachment answers', () => {
    const sent = new Sent(request(texts(300)));
    sent.answer(0);
    sent.answer(0, '{}');
    vi.advanceTimersByTime(1_000);
    sent.answer(1, '{}');
    vi.advanceTimersByTime(1_000);
    expect(sent.handler.seen).toEqual(['502', 'end']);
    expect([sent.inputs(0).length, sent.inputs(1).length]).toEqual([2, 1]);
  });

  it('fail if their answers come to more than may be held', () => {
    const of = request(texts(97));
    const sent = new Sent(of);
    sent.answer(0, ' '.repeat(97 * 32_768 + 1));
    vi.advanceTimersByTime(1_000);
    sent.answer(1, ' '.repeat(97 * 32_768 + 1));
    expect(sent.handler.seen).toEqual(['502', 'end']);
  });

  it('are paid for once answered, although a later one is refused', () => {
    const refused: ForwardOutcome = {
      ending: 'not_taken',
      status: 429,
      outcome: 'error',
      errorCode: 'upstream_rate_limited',
      usage: null,
      unreportedTokens: 0,
      accepted: false,
      upstream: null,
      sentTo: null,
      durationMs: 1,
      ttfbMs: null,
    };
    const sent = new Sent(request(texts(300)));
    expect(sent.parts.charged(refused)).toBe(refused);
    sent.answer(0);
    expect(sent.parts.charged(refused)).toMatchObject({
      ending: 'broken',
      usage: { inputTokens: 96, outputTokens: 0 },
      accepted: true,
    });
    const failed: ForwardOutcome = { ...refused, ending: 'failed' };
    expect(sent.parts.charged(failed)).toBe(failed);
  });
});
