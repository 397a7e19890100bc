import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Refusal } from '../../../src/base/refusal.ts';
import { WholeAnswer } from '../../../src/proxy/answer-keeper.ts';
import { OpenAiFrames } from '../../../src/proxy/openai-frames.ts';
import { PlainReply } from '../../../src/proxy/plain-reply.ts';
import type { Reply, ReplyHost, UpstreamHead } from '../../../src/proxy/reply.ts';
import { ResponseReply } from '../../../src/proxy/responses/response-reply.ts';
import { ResponseStream } from '../../../src/proxy/responses/response-stream.ts';
import { StreamReply } from '../../../src/proxy/stream-reply.ts';
import { taps } from '../../../src/proxy/taps.ts';
import { responseProblems } from '../../support/open-responses/checks.ts';
import { streamProblems } from '../../support/open-responses/stream.ts';
import { responseOptions } from './responses/translated.ts';

const json: UpstreamHead = {
  status: 200,
  contentType: 'application/json',
  contentEncoding: undefined,
  contentLength: undefined,
};
const sse = { ...json, contentType: 'text/event-stream' };
const word = 'data: {"choices":[{"delta":{"content":"word"}}]}\n\n';
const done = 'data: [DONE]\n\n';
const comment = ': keep-alive\n\n';

/** The exchange that a reply belongs to, with notes of what it was told. */
class FakeHost {
  readonly seen: string[] = [];
  readonly startedMs = 0;
  nowMs = 0;
  blocked = false;
  /** What settling waits for. */
  settling: Promise<void> | null = null;
  readonly headers = ['x-request-id', 'id'];
  /** Gathers the answer, and what it had when it was settled. */
  keeper: WholeAnswer | null = null;
  keptBody: string | null = null;
  readonly call = {
    outgoing: {
      destroyed: false,
      writeHead: (status: number, headers: string[]) => {
        const names = headers.filter((_, n) => n % 2 === 0);
        const length = headers[headers.indexOf('content-length') + 1];
        this.seen.push(`head ${status}${names.includes('content-length') ? ` of ${length}` : ''}`);
      },
      flushHeaders: () => void this.seen.push('flushed'),
    },
    errorBody: ({ code }: Refusal) => ({ error: { code } }),
  };
  readonly writer: object;

  constructor() {
    const { seen } = this;
    const isBlocked = (): boolean => this.blocked;
    this.writer = {
      get blocked() {
        return isBlocked();
      },
      write: (chunk: Buffer) => void seen.push(chunk.toString()),
      writeLatin1: (text: string) => void seen.push(Buffer.from(text, 'latin1').toString()),
      end: (chunk?: Buffer) => void seen.push(`${chunk?.toString() ?? ''}(end)`),
      cut: () => void seen.push('(cut)'),
    };
  }

  answered(result: 'ok' | 'error'): Promise<void> | null {
    this.seen.push(`settled ${result}`);
    this.keptBody = this.keeper?.take()?.body.toString() ?? null;
    return this.settling;
  }

  noAnswer(body: readonly Buffer[]): void {
    this.seen.push(`no answer: ${Buffer.concat(body).toString()}`);
  }

  complete(): void {
    this.seen.push('complete');
  }

  brokeOff(): void {
    this.seen.push('broke off');
  }

  over = false;

  giveUp({ code, message }: Refusal): void {
    this.over = true;
    this.seen.push(`gave up: ${code} ${message}`);
  }

  kept: number[] = [];

  keeps(bytes: number): null {
    this.kept.push(bytes);
    return null;
  }

  after(settling: Promise<void> | null, go: () => void): void {
    if (settling) void settling.then(go);
    else go();
  }
}

let host: FakeHost;
// A reply uses no more of its host than the fake has.
const hostOf = (): ReplyHost => host as unknown as ReplyHost;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setImmediate'] });
  host = new FakeHost();
});
afterEach(() => vi.useRealTimers());

function feed(reply: Reply, ...chunks: string[]): void {
  for (const chunk of chunks) reply.pass(Buffer.from(chunk));
}

describe('a stream', () => {
  const timings = { firstHeartbeatMs: 28_000, heartbeatMs: 25_000 };
  const begun = (): StreamReply => {
    const reply = new StreamReply(hostOf(), { timings, tap: taps.openai.stream(), rewriter: null });
    reply.begin(sse);
    return reply;
  };
  function tickAt(reply: Reply, nowMs: number): void {
    host.nowMs = nowMs;
    reply.tick(nowMs);
  }

  it('goes out untouched, and is settled before its end mark', () => {
    const reply = begun();
    feed(reply, word, word.slice(0, 9), word.slice(9), done);
    reply.end();
    expect(host.seen).toEqual([
      'head 200',
      word,
      word.slice(0, 9),
      word.slice(9),
      'settled ok',
      done,
      '(end)',
    ]);
  });

  it('holds its end back until it is settled, if that matters', async () => {
    const settled = Promise.withResolvers<void>();
    host.settling = settled.promise;
    const reply = begun();
    feed(reply, word, done, ': after\n\n');
    reply.end();
    expect(host.seen).toEqual(['head 200', word, 'settled ok']);
    settled.resolve();
    await settled.promise;
    expect(host.seen.slice(3)).toEqual([done, ': after\n\n', '(end)']);
  });

  it.each([
    ['no event', []],
    ['an event, but no mark', [word]],
    ['half an event', [word.slice(0, 9)]],
  ])('that ends after %s is no success', (_, chunks) => {
    const reply = begun();
    feed(reply, ...chunks);
    reply.end();
    expect(host.seen.at(-1)).toBe('broke off');
    expect(host.seen).not.toContain('settled ok');
  });

  it.each([
    [
      'between events tells the error',
      word,
      ['event: error\ndata: {"error":{"code":"upstream_error"}}\n\n', '(cut)'],
    ],
    ['inside an event is only cut', word.slice(0, 9), ['(cut)']],
  ])('that breaks off %s', (_, chunk, told) => {
    const reply = begun();
    feed(reply, chunk);
    reply.breakOff(new Refusal('upstream_error', 'no'));
    expect(host.seen.slice(2)).toEqual(told);
  });

  it('is kept alive between events only, and not for a reader that takes nothing', () => {
    const reply = begun();
    feed(reply, word);
    tickAt(reply, 24_999);
    expect(host.seen).not.toContain(comment);
    tickAt(reply, 25_000);
    expect(host.seen.at(-1)).toBe(comment);
    feed(reply, word.slice(0, 9));
    tickAt(reply, 60_000);
    feed(reply, word.slice(9));
    host.blocked = true;
    tickAt(reply, 120_000);
    expect(host.seen.filter((told) => told === comment)).toHaveLength(1);
  });

  it('is begun before the upstream answers, if that takes long; the head comes once', () => {
    const reply = new StreamReply(hostOf(), { timings, tap: taps.openai.stream(), rewriter: null });
    tickAt(reply, 27_999);
    expect(reply.begun).toBe(false);
    tickAt(reply, 28_000);
    reply.begin(sse);
    expect(host.seen).toEqual(['head 200', comment]);
  });
});

describe('a stream that is kept', () => {
  const timings = { firstHeartbeatMs: 28_000, heartbeatMs: 25_000 };
  const begun = (
    format: 'openai' | 'anthropic' = 'openai',
    frames: OpenAiFrames | null = null,
  ): StreamReply => {
    host = new FakeHost();
    host.keeper = new WholeAnswer({ kept: () => null });
    const reply = new StreamReply(hostOf(), { timings, tap: taps[format].stream(), rewriter: frames });
    reply.begin(sse);
    return reply;
  };
  /** What the caller got, once the answer has ended. */
  const sent = (): string => host.seen.filter((told) => !/^(?:head|settled|flushed)/.test(told)).join('');

  const stop = 'event: message_stop\ndata: {"type":"message_stop"}\n\n';
  const endings = [
    done,
    done.replaceAll('\n', '\r\n'),
    'event: message\ndata:[DONE]\n\n',
    'data: [DONE]\n',
    'data: [DONE]',
    `${done}: after\n\n`,
    `${done}data: {"usage":{}}\n\n\n`,
  ];
  const cases = [
    ...endings.map((end) => ({ format: 'openai', frames: false, end }) as const),
    ...endings.map((end) => ({ format: 'openai', frames: true, end }) as const),
    ...[stop, stop.replaceAll('\n', '\r\n'), `${stop}: after\n\n`].map(
      (end) => ({ format: 'anthropic', frames: false, end }) as const,
    ),
  ];

  it.each(cases)(
    'is kept to its last byte, wherever it is split: $format $frames $end',
    ({ format, frames, end }) => {
      const splits = Array.from({ length: end.length + 1 }, (_, at) => [end.slice(0, at), end.slice(at)]);
      for (const chunks of [...splits, end.split('')]) {
        const reply = begun(format, frames ? new OpenAiFrames() : null);
        feed(reply, word, ...chunks);
        reply.end();
        expect(host.seen).toContain('settled ok');
        expect(`${host.keptBody}(end)`).toBe(sent());
        if (!frames) expect(host.keptBody).toBe(word + end);
      }
    },
  );

  it('is settled before the chunk with its end mark goes out', () => {
    const reply = begun();
    feed(reply, word, done);
    expect(host.seen).toEqual(['head 200', word]);
    expect(reply.isWhole).toBe(true);
    reply.end();
    expect(host.seen.slice(2)).toEqual(['settled ok', done, '(end)']);
    expect(reply.isWhole).toBe(false);
  });

  it('is complete if the upstream does not end it within a second, between events', () => {
    const reply = begun();
    feed(reply, word, done.slice(0, -1));
    host.nowMs = 30_000;
    reply.tick(host.nowMs);
    feed(reply, '\n');
    reply.tick(999);
    expect(host.seen).toEqual(['head 200', word]);
    reply.tick(1_000);
    expect(host.seen.slice(2)).toEqual(['complete']);
  });

  it('is not held for what may follow if it is too large to be kept', () => {
    const reply = begun();
    const large = `: ${'x'.repeat(70_000)}\n\n`;
    feed(reply, large, done, word);
    expect(host.seen).toEqual(['head 200', large, 'settled ok', done, word]);
    expect(host.keptBody).toBeNull();
  });
});

describe('a stream that becomes a response', () => {
  const timings = { firstHeartbeatMs: 28_000, heartbeatMs: 25_000 };
  const stop = 'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n';
  const begun = (keeps: (bytes: number) => Refusal | null = () => null): StreamReply => {
    const rewriter = new ResponseStream(responseOptions, keeps);
    const reply = new StreamReply(hostOf(), { timings, tap: taps.openai.stream(), rewriter });
    reply.begin(sse);
    return reply;
  };
  /** What the host was told, events by the name of their last one. */
  const told = (): string[] =>
    host.seen.map((one) => (one.startsWith('event: ') ? (/.*event: (\S+)/s.exec(one)?.[1] ?? '') : one));

  it.each([
    ['with its end mark', [stop, done]],
    ['without one', [stop]],
    ['with half of one', [stop, 'data: [DONE]']],
  ])('is settled before its last events: %s', async (_, end) => {
    const settled = Promise.withResolvers<void>();
    host.settling = settled.promise;
    const reply = begun();
    feed(reply, word, ...end);
    reply.end();
    expect(told()).toEqual(['head 200', 'response.output_text.delta', 'settled ok']);
    settled.resolve();
    await settled.promise;
    expect(told().slice(3)).toEqual(['response.completed', '(end)']);
    expect(host.seen.at(-2)?.endsWith('data: [DONE]\n\n')).toBe(true);
  });

  it.each([
    ['in one', [word + stop + done]],
    ['in many chunks', Array.from(word + stop + done)],
    ['without its end mark', [word, stop]],
  ])('is kept as it went out: %s', (_, chunks) => {
    host.keeper = new WholeAnswer({ kept: () => null });
    const reply = begun();
    feed(reply, ...chunks);
    reply.end();
    const sent = host.seen.filter((one) => one.startsWith('event: ')).join('');
    expect(host.keptBody).toBe(sent);
    expect(streamProblems(sent)).toEqual([]);
  });

  it('takes a comment inside an event of the upstream, since its own are whole', () => {
    const reply = begun();
    feed(reply, word.slice(0, 9));
    host.nowMs = 25_000;
    reply.tick(host.nowMs);
    feed(reply, word.slice(9));
    expect(told()).toEqual(['head 200', comment, 'response.output_text.delta']);
  });

  it.each([
    ['before its first event', []],
    ['between events', [word]],
    ['inside an event', [word, word.slice(0, 9)]],
  ])('tells that it broke off: %s', (_, chunks) => {
    const reply = begun();
    feed(reply, ...chunks);
    reply.breakOff(new Refusal('upstream_error', 'no'));
    expect(told().slice(-2)).toEqual(['response.failed', '(cut)']);
    const sent = host.seen.filter((one) => one.startsWith('event: ')).join('');
    expect(streamProblems(sent, { isCut: true })).toEqual([]);
  });

  it('is given up at an error of the upstream, whatever follows in the same chunk, and ends with it', () => {
    const reply = begun();
    feed(reply, `${word}data: {"error":{"message":"no"}}\n\n${done}`);
    expect(told().slice(-2)).toEqual(['response.output_text.delta', 'gave up: upstream_error no']);
    reply.breakOff(new Refusal('upstream_error', 'no'));
    expect(told().slice(-2)).toEqual(['response.failed', '(end)']);
  });

  it('is given up if there is no room for what is kept of it', () => {
    const reply = begun(() => new Refusal('overloaded', 'full'));
    feed(reply, word, word.replace('word', 'x'.repeat(20_000)));
    expect(told().at(-1)).toBe('gave up: overloaded full');
  });

  it('counts what it keeps, with the room that its end takes, and lets go of it before that goes out', () => {
    const counted: number[] = [];
    const reply = begun((bytes) => {
      counted.push(bytes);
      return null;
    });
    feed(reply, ...Array.from({ length: 10 }, () => word.replace('word', 'x'.repeat(4_000))));
    expect(counted.at(-1)).toBeGreaterThan(5 * 36_000);
    feed(reply, stop, done);
    expect(counted.at(-1)).toBe(0);
  });
});

describe('a plain answer that becomes a response', () => {
  const timings = { firstHeartbeatMs: 28_000, heartbeatMs: 25_000 };
  const begun = (head: Partial<UpstreamHead> = {}): ResponseReply => {
    const reply = new ResponseReply(hostOf(), {
      timings,
      tap: taps.openai.plain(),
      response: responseOptions,
    });
    reply.begin({ ...json, ...head });
    return reply;
  };
  const chat = JSON.stringify({
    model: 'm',
    choices: [
      {
        message: {
          content: 'Grüße',
          reasoning: { thinking: 'Hm.' },
          tool_calls: [{ id: 'a', function: { name: 'f', arguments: { 'é"': ['\u20ac', 1.5, null] } } }],
        },
        finish_reason: 'tool_calls',
      },
    ],
    usage: { prompt_tokens: 1, completion_tokens: 2 },
  });
  /** The response that went out, behind what was told before it. */
  const sent = (): Record<string, unknown> => {
    const last = Buffer.from(host.seen.at(-1)?.replace('(end)', '') ?? '', 'latin1').toString();
    return JSON.parse(last) as Record<string, unknown>; // its problems are looked for
  };

  it.each([1, 7, 1_000])('is held until it is whole and settled, in chunks of %d', async (size) => {
    const settled = Promise.withResolvers<void>();
    host.settling = settled.promise;
    host.keeper = new WholeAnswer({ kept: () => null });
    const reply = begun();
    const bytes = Buffer.from(chat);
    for (let at = 0; at < bytes.length; at += size) reply.pass(bytes.subarray(at, at + size));
    reply.end();
    expect(host.seen).toEqual(['settled ok']);
    settled.resolve();
    await settled.promise;
    expect(responseProblems(sent())).toEqual([]);
    expect(host.seen[1]).toBe(`head 200 of ${(host.seen.at(-1)?.length ?? 0) - '(end)'.length}`);
    expect(JSON.parse(host.keptBody ?? '')).toEqual(sent());
    expect(sent()).toMatchObject({
      model: 'm',
      output: [
        { type: 'reasoning', summary: [{ text: 'Hm.' }] },
        { type: 'message', content: [{ text: 'Grüße' }] },
        { type: 'function_call', call_id: 'a', arguments: JSON.stringify({ 'é"': ['\u20ac', 1.5, null] }) },
      ],
    });
  });

  it.each([
    ['an error', '{"error":{"message":"no"}}'],
    ['no choices', '{"choices":[]}'],
    ['a choice without a message', '{"choices":[{"index":0}]}'],
    ['half an answer', chat.slice(0, -1)],
    ['another answer', '{"object":"list","data":[]}'],
  ])('is none if it is %s', (_, body) => {
    const reply = begun();
    feed(reply, body);
    reply.end();
    expect(host.seen).toEqual([`no answer: ${body}`]);
  });

  it('is none if it is encoded', () => {
    const reply = begun({ contentEncoding: 'gzip' });
    reply.pass(gzipSync(chat));
    reply.end();
    expect(host.seen).toEqual(['no answer: ']);
  });

  it('begins with blanks if it is slow, as often as a router wants', () => {
    const reply = begun();
    const ticks = [27_999, 28_000, 52_999, 53_000];
    for (const ms of ticks) reply.tick(ms);
    expect(host.seen).toEqual(['head 200', ' ', ' ']);
    feed(reply, chat);
    reply.end();
    expect(responseProblems(sent())).toEqual([]);
  });

  it('says that it failed if it makes no sense and has begun', () => {
    const reply = begun();
    reply.tick(28_000);
    feed(reply, '{}');
    reply.end();
    expect(host.seen.slice(2, 3)).toEqual(['settled error']);
    expect(responseProblems(sent())).toEqual([]);
    expect(sent()).toMatchObject({ status: 'failed', error: { code: 'upstream_error' } });
  });

  it('is cut if it breaks off after it has begun', () => {
    const reply = begun();
    reply.tick(28_000);
    reply.breakOff(new Refusal('upstream_error', 'no'));
    expect(host.seen.at(-1)).toBe('(cut)');
  });
});

describe('a plain answer', () => {
  const begun = (head: Partial<UpstreamHead> = {}): PlainReply => {
    const reply = new PlainReply(hostOf(), 28_000, taps.openai.plain());
    reply.begin({ ...json, ...head });
    return reply;
  };

  it('of one chunk leaves in one write, with its length, once it is settled', () => {
    const reply = begun();
    feed(reply, '{"a":1}');
    expect(host.seen).toEqual([]);
    reply.end();
    expect(host.seen).toEqual(['settled ok', 'head 200 of 7', '{"a":1}(end)']);
  });

  it('is held until it is whole, and then leaves with its length', () => {
    const reply = begun();
    feed(reply, '{"a"', ':1', '}');
    expect(host.seen).toEqual([]);
    reply.end();
    expect(host.seen).toEqual(['settled ok', 'head 200 of 7', '{"a":1}(end)']);
  });

  const large = `{"a":"${'x'.repeat(70_000)}`;

  it('that is large is held no longer, but for its newest chunk', () => {
    const reply = begun();
    feed(reply, '{"b":1,', large.slice(1), '"', '}');
    expect(host.seen).toEqual(['head 200', '{"b":1,', large.slice(1), '"']);
    reply.end();
    expect(host.seen.slice(4)).toEqual(['settled ok', '}(end)']);
  });

  it("keeps the upstream's own length", () => {
    const reply = begun({ contentLength: '7' });
    feed(reply, '{"a"', ':1}');
    reply.end();
    expect(host.seen[1]).toBe('head 200 of 7');
  });

  it.each(['', ' ', '{"error":"x"}', '{"a":', '[]', 'oh no'])('that is none is told so: %j', (text) => {
    const reply = begun();
    feed(reply, text);
    reply.end();
    expect(host.seen).toEqual([`no answer: ${text}`]);
  });

  it('that is none, when that cannot be told any more, is passed on and settled as an error', () => {
    const reply = begun();
    feed(reply, large, '"', '');
    reply.end();
    expect(host.seen.slice(-2)).toEqual(['settled error', '(end)']);
    const slow = begun();
    feed(slow, '{"error":"x"}');
    slow.tick(28_000);
    slow.end();
    expect(host.seen.slice(-4)).toEqual(['head 200', 'flushed', 'settled error', '{"error":"x"}(end)']);
  });

  it('has its head out in time even if its body is not in', () => {
    const reply = begun();
    feed(reply, '{');
    reply.tick(27_999);
    expect(reply.begun).toBe(false);
    reply.tick(28_000);
    reply.tick(29_000);
    expect(host.seen).toEqual(['head 200', 'flushed']);
    feed(reply, '"a":1', '}');
    expect(host.seen.slice(2)).toEqual(['{', '"a":1']);
  });

  it('that breaks off is cut, without the chunk that was held', () => {
    const reply = begun();
    feed(reply, large, 'yz');
    reply.breakOff();
    expect(host.seen).toEqual(['head 200', large, '(cut)']);
  });

  it('that is encoded is charged by its bytes, since nobody can read it', () => {
    const reply = begun({ contentEncoding: 'gzip' });
    feed(reply, 'x'.repeat(30));
    expect(reply.unreportedTokens).toBe(8);
    reply.end();
    expect(host.seen[0]).toBe('settled ok');
  });
});
