import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Refusal } from '../../../src/base/refusal.ts';
import { WholeAnswer } from '../../../src/proxy/answer-keeper.ts';
import { OpenAiFrames } from '../../../src/proxy/openai-frames.ts';
import { PlainReply } from '../../../src/proxy/plain-reply.ts';
import type { Reply, ReplyHost, UpstreamHead } from '../../../src/proxy/reply.ts';
import { StreamReply } from '../../../src/proxy/stream-reply.ts';
import { taps } from '../../../src/proxy/taps.ts';

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
