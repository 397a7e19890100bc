import { readdirSync, readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChatTap } from '../../../src/proxy/taps.ts';
import { eventsIn } from './sse-reference.ts';
import { growth, linear } from '../../support/growth.ts';

const folder = new URL('../../fixtures/streams/', import.meta.url);
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.txt'))
  .sort();

type Read = Pick<ChatTap, 'atBoundary' | 'done' | 'finished' | 'failed' | 'usage' | 'textBytes'>;

function read({ atBoundary, done, finished, failed, usage, textBytes }: ChatTap): Read {
  return { atBoundary, done, finished, failed, usage, textBytes };
}

/** Its bytes, one a character. */
function latin1(chunk: Buffer | string): string {
  return Buffer.from(chunk).toString('latin1');
}

function tapOf(...chunks: readonly (Buffer | string)[]): ChatTap {
  const tap = new ChatTap();
  for (const chunk of chunks) tap.feed(latin1(chunk));
  return tap;
}

/** Bytes of texts as JSON writes them. */
function bytesOf(...texts: string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(JSON.stringify(text)) - 2, 0);
}

const heroku = {
  done: true,
  finished: true,
  failed: false,
  usage: { inputTokens: 14, outputTokens: 51 },
  textBytes: bytesOf('Grüße, ', 'wörld 😀 "quoted" \\ done'),
};
const openai = {
  done: true,
  finished: true,
  failed: false,
  usage: { inputTokens: 9, outputTokens: 12 },
  textBytes: bytesOf('Hello', ' there'),
};

/** What is in each fixture once it has ended. */
const inside: Record<string, Omit<Read, 'atBoundary'>> = {
  'bare-null-usage.txt': {
    done: true,
    finished: true,
    failed: false,
    usage: { inputTokens: 3, outputTokens: 2 },
    textBytes: 6,
  },
  'broken-off-between-events.txt': { ...heroku, done: false, finished: false, usage: null },
  'broken-off-inside-an-event.txt': { ...heroku, done: false, finished: false, usage: null },
  'error-inside-spaced.txt': {
    done: false,
    finished: false,
    failed: true,
    usage: null,
    textBytes: bytesOf('Grüße, '),
  },
  'error-inside.txt': {
    done: false,
    finished: false,
    failed: true,
    usage: null,
    textBytes: bytesOf('Grüße, '),
  },
  'heroku-no-end-mark.txt': { ...heroku, done: false },
  'heroku-no-last-newline.txt': heroku,
  'heroku-thinking.txt': {
    done: true,
    finished: true,
    failed: false,
    usage: { inputTokens: 5, outputTokens: 9 },
    textBytes: bytesOf('Let me see.', 'Yes.'),
  },
  'heroku-tool-calls.txt': {
    done: true,
    finished: true,
    failed: false,
    usage: { inputTokens: 407, outputTokens: 55 },
    textBytes: bytesOf('get_weather', '{"city":', '"Portland"}'),
  },
  'heroku.txt': heroku,
  'multi-line-and-comments.txt': {
    done: true,
    finished: true,
    failed: false,
    usage: { inputTokens: 7, outputTokens: 8 },
    textBytes: bytesOf('One line'),
  },
  'no-usage.txt': { ...openai, usage: null },
  'openai-crlf.txt': openai,
  'openai.txt': openai,
};

it('every fixture is known here', () => {
  expect(files).toEqual(Object.keys(inside).sort());
});

describe.each(files)('%s', (file) => {
  const bytes = readFileSync(new URL(file, folder));
  const expected = inside[file];

  it('is read for what is in it', () => {
    const tap = tapOf(bytes);
    tap.end();
    expect(read(tap)).toMatchObject(expected ?? {});
  });

  it('is read alike however it is cut in two', () => {
    const whole = tapOf(bytes);
    const states = [read(whole)];
    whole.end();
    states.push(read(whole));
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const tap = tapOf(bytes.subarray(0, cut), bytes.subarray(cut));
      const atEnd = read(tap);
      tap.end();
      expect([atEnd, read(tap)], `cut at ${cut}`).toEqual(states);
    }
  });

  it('is read alike byte by byte', () => {
    const tap = tapOf(...Array.from(bytes, (byte) => Buffer.from([byte])));
    tap.end();
    const whole = tapOf(bytes);
    whole.end();
    expect(read(tap)).toEqual(read(whole));
  });

  it('takes a comment wherever it says so, its events staying the same', () => {
    const events = eventsIn(bytes);
    let places = 0;
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      if (!tapOf(bytes.subarray(0, cut)).atBoundary) continue;
      places += 1;
      const commented = Buffer.concat([
        bytes.subarray(0, cut),
        Buffer.from(': keep-alive\n\n'),
        bytes.subarray(cut),
      ]);
      expect(eventsIn(commented), `at ${cut}`).toEqual(events);
    }
    // At the beginning and after every event.
    expect(places).toBeGreaterThan(events.length);
  });
});

describe('the end mark', () => {
  it('counts from its line on, with the space and without, before the blank line behind it', () => {
    expect(tapOf('data:[DONE]').done).toBe(false);
    expect(tapOf('data:[DONE]\n').done).toBe(true);
    expect(tapOf('data: [DONE]\r\n').done).toBe(true);
    expect(tapOf('event:done\ndata:[DONE]\n').atBoundary).toBe(false);
  });

  it('counts without a line end where the stream ends there', () => {
    const tap = tapOf('data: [DONE]');
    tap.end();
    expect(tap.done).toBe(true);
  });

  it('is not what a text merely contains', () => {
    expect(tapOf('data: {"content":"data: [DONE]"}\n\n: [DONE]\n\nevent: [DONE]\n\n').done).toBe(false);
    expect(tapOf('data: [DONE] \n\n').done).toBe(false);
  });
});

describe('a finish reason', () => {
  it.each([
    ['{"choices":[{"finish_reason":"stop"}]}', true],
    ['{"choices":[{"finish_reason" : "length"}]}', true],
    ['{"choices":[{"finish_reason":""}]}', false],
    ['{"choices":[{"finish_reason":null}]}', false],
    [String.raw`{"choices":[{"delta":{"content":"\"finish_reason\":\"stop\""}}]}`, false],
  ])('in %s: %s', (data, finished) => {
    expect(tapOf(`data: ${data}\n\n`).finished).toBe(finished);
  });
});

describe('an event that the stream ends in', () => {
  it('counts for what it says, but does not complete the answer', () => {
    const event =
      'data:{"choices":[{"delta":{"content":"Yes"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1}}';
    for (const cut of [event, `${event}\n`]) {
      const tap = tapOf(cut);
      tap.end();
      expect(read(tap)).toMatchObject({ finished: false, done: false, textBytes: 3 });
      expect(tap.usage).toEqual({ inputTokens: 1, outputTokens: 0 });
    }
    expect(tapOf(`${event}\n\n`).finished).toBe(true);
  });

  it('does not take back what an earlier one completed', () => {
    const tap = tapOf('data:{"choices":[{"finish_reason":"stop"}]}\n\ndata:{"usage"');
    tap.end();
    expect(tap.finished).toBe(true);
  });
});

describe('an error inside the stream', () => {
  it.each([
    ['data: {"error":{"message":"Failed to execute chat"}}', true],
    ['data: {"error":"Failed to execute chat"}', true],
    ['data: { "error": {"message":"Failed"} }', true],
    ['data: {"id":"g","choices":[],"error":{"code":502,"message":"x"}}', true],
    [
      'data: {"id":"g","choices":[{"delta":{"content":"x"},"finish_reason":"error"}],"error":{"code":502}}',
      true,
    ],
    ['data: {"choices":[],"usage":{"prompt_tokens":1},"error" : "x"}', true],
    ['data: {"type":"error","error":{"type":"server_error"}}', true],
    ['data: {"object":"error","message":"x","code":500}', true],
    ['data:{"code":500,"message":"Failed to execute chat"}', true],
    ['event: error\ndata: {"type":"error","error":{}}', true],
    ['event:error\ndata:{"code":500,"message":"Failed to execute chat"}', true],
    ['event:error\ndata:oh no', true],
    ['event: error\ndata: "x"', true],
    ['event: error', true],
    ['data: {"error":\ndata: {"message":"x"}}', true],
    ['data: {"error":null,"choices":[]}', false],
    ['data: {"error": null, "choices":[]}', false],
    ['data: {"choices":[],"error":false}', false],
    ['data: {"id":"x","choices":[{"delta":{"content":"{\\"error\\":1}"}}]}', false],
    ['data: {"id":"x","choices":[{"delta":{"content":"error"}}]}', false],
    ['data: {"choices":[{"delta":{"tool_calls":[{"function":{"arguments":{"error":"x"}}}]}}]}', false],
    ['data: {"choices":[{"delta":{},"error":{"code":1}}]}', false],
    ['event: errors\ndata: {"choices":[]}', false],
    ['event: message\ndata: {"choices":[]}', false],
    ['data: event: error', false],
    [': event: error', false],
    ['event:heartbeat\ndata:{}', false],
  ])('in %j: %s', (event, failed) => {
    expect(tapOf(`${event}\n\n`).failed).toBe(failed);
    expect(
      tapOf(`data: {"choices":[{"delta":{"content":"a"}}]}\n\n${event}\n\ndata: [DONE]\n\n`),
    ).toMatchObject({
      failed,
      done: true,
      textBytes: expect.any(Number) as number,
    });
  });

  it('is known by its name only in its own event', () => {
    expect(tapOf('event: error\n').failed).toBe(false);
    expect(tapOf('event: error\nevent: message\ndata: {"choices":[]}\n\n').failed).toBe(false);
  });
});

describe('the end of a stream', () => {
  const finish = 'data: {"choices":[{"finish_reason":"stop"}]}\n\n';
  const failure = 'event: error\ndata: {"error":{}}\n\n';

  it.each([
    ['the end mark', 'data: [DONE]\n\n', true],
    ['the end mark without a line end', 'data: [DONE]', true],
    ['a finish', finish, true],
    [
      'a finish, and a last frame without its blank line',
      `${finish}data: {"usage":{"prompt_tokens":1}}`,
      true,
    ],
    ['the same with one line end', `${finish}data: {"usage":{"prompt_tokens":1}}\n`, true],
    ['a finish, and a comment', `${finish}: bye`, true],
    ['a finish, and half a frame', `${finish}data: {"usage":{"prompt_to`, false],
    ['a finish without its blank line', finish.trimEnd(), false],
    ['an error', failure, true],
    ['an error, and a last frame without its blank line', `${failure}data: {}`, true],
    ['an error without its blank line', failure.trimEnd(), false],
    ['text', 'data: {"choices":[{"delta":{"content":"a"}}]}\n\n', false],
    ['nothing', '', false],
  ])('completes it after %s: %s', (_, text, isComplete) => {
    for (const ended of [text, text.replaceAll('\n', '\r'), text.replaceAll('\n', '\r\n')]) {
      const tap = tapOf(ended);
      tap.end();
      expect(tap.isComplete).toBe(isComplete);
    }
  });

  it('reads the usage of a last frame without its blank line', () => {
    const tap = tapOf(`${finish}data: {"usage":{"prompt_tokens":3,"completion_tokens":4}}`);
    tap.end();
    expect(tap.usage).toEqual({ inputTokens: 3, outputTokens: 4 });
  });
});

describe('a byte order mark', () => {
  it('may come before the first line, and only there', () => {
    const event = 'data: {"choices":[{"delta":{"content":"abc"}}]}\n\n';
    const bytes = Buffer.from(`\ufeff${event}`);
    expect(tapOf(bytes).textBytes).toBe(3);
    expect(tapOf(bytes.subarray(0, 1), bytes.subarray(1, 2), bytes.subarray(2)).textBytes).toBe(3);
    expect(tapOf(`${event}\ufeff${event}`).textBytes).toBe(3);
  });
});

describe('output that no usage accounts for', () => {
  const word = (text: string): string => `data: {"choices":[{"delta":{"content":"${text}"}}]}\n\n`;

  it('is four bytes a token, but no delta is less than one', () => {
    expect(tapOf(...Array.from({ length: 23 }, () => word('a'))).unreportedTokens).toBe(23);
    expect(tapOf(word('a'.repeat(401))).unreportedTokens).toBe(101);
    expect(tapOf(word('')).unreportedTokens).toBe(0);
  });

  it.each(['reasoning_content', 'reasoning', 'thinking', 'refusal', 'something_new'])(
    'is also in %s',
    (field) => {
      const deltas = Array.from(
        { length: 520 },
        () => `data: {"choices":[{"delta":{"${field}":"${'x'.repeat(20)}"}}]}\n\n`,
      );
      expect(tapOf(...deltas).unreportedTokens).toBe(2_600);
    },
  );

  it('is what came after the last usage', () => {
    const usage =
      'data: {"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":5,"completion_tokens":2}}\n\n';
    expect(tapOf(word('a'), word('b'), usage).unreportedTokens).toBe(0);
    expect(tapOf(word('a'), usage, word('b'), word('c')).unreportedTokens).toBe(2);
  });
});

describe('events that differ in their text alone', () => {
  it('are read for what a single one is read for', () => {
    const texts = ['a', 'bc', '', 'é', '"', '\\', '\n', '","finish_reason":"stop', 'bc', '😀', 'x"}', 'Z'];
    const event = (text: string, more: object = {}): string =>
      `data: ${JSON.stringify({ id: 'x', choices: [{ delta: { content: text, role: 'assistant' } }], ...more })}\n\n`;
    const tap = new ChatTap();
    let bytes = 0;
    for (const text of [...texts, ...texts]) {
      tap.feed(latin1(event(text)));
      bytes += bytesOf(text);
      expect(tap.textBytes, JSON.stringify(text)).toBe(bytes);
    }
    expect(tap).toMatchObject({ finished: false, failed: false, usage: null, pieces: 22 });
    tap.feed(latin1(event('bc', { error: { code: 1 } })));
    expect(tap.failed).toBe(true);
  });

  it('are read in chunks of any size as each is read alone', () => {
    const delta = fc.record({ content: fc.string({ unit: 'binary', maxLength: 12 }) });
    const choice = fc.record({ delta, finish_reason: fc.constantFrom('', null, 'stop') });
    const said = fc.record({ id: fc.constantFrom('a', 'b'), choices: fc.tuple(choice) });
    const before = fc.constantFrom('data:', 'data: ', 'event:message\ndata:', 'event:error\ndata:');
    const lineEnd = fc.constantFrom('\n', '\r\n', '\r');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(said, before), { maxLength: 12 }),
        lineEnd,
        fc.nat(200),
        (all, end, size) => {
          const apart = all.map(([event]) => tapOf(`data:${JSON.stringify(event)}\n\n`));
          const events = all.map(([event, begin]) => `${begin}${JSON.stringify(event)}\n\n`);
          const bytes = Buffer.from(events.join('').replaceAll('\n', end));
          const tap = new ChatTap();
          for (let at = 0; at < bytes.length; at += size + 1)
            tap.feed(latin1(bytes.subarray(at, at + size + 1)));
          tap.end();
          const sum = (field: 'textBytes' | 'pieces'): number =>
            apart.reduce((total, one) => total + one[field], 0);
          expect([tap.textBytes, tap.pieces]).toEqual([sum('textBytes'), sum('pieces')]);
          expect(tap.finished).toBe(apart.some(({ finished }) => finished));
          expect(tap.failed).toBe(all.some(([, begin]) => begin.startsWith('event:error')));
        },
      ),
    );
  });
});

describe('usage', () => {
  it('is the last that was not all zero', () => {
    const usage = (prompt: number, completion: number): string =>
      `data:{"usage":{"prompt_tokens":${prompt},"completion_tokens":${completion}}}\n\n`;
    expect(tapOf(usage(5, 1), usage(5, 9), usage(0, 0)).usage).toEqual({ inputTokens: 5, outputTokens: 9 });
    expect(tapOf(usage(0, 0)).usage).toBeNull();
  });

  it('counts before the blank line only once the stream has ended', () => {
    const tap = tapOf('data:{"usage":{"prompt_tokens":5,"completion_tokens":9}}\n');
    expect(tap.usage).toBeNull();
    tap.end();
    expect(tap.usage).toEqual({ inputTokens: 5, outputTokens: 9 });
  });
});

describe('any stream', () => {
  const line = fc.oneof(
    fc.constantFrom(
      '',
      '',
      '',
      ': note',
      'data',
      'data:',
      'data: [DONE]',
      'event:message',
      'id: 1',
      'retry:2',
    ),
    fc.constantFrom('data:{"content":"hé"}', 'data: {', 'data: }', 'data:{"usage":{"prompt_tokens":1}}'),
    fc.string({ unit: fc.constantFrom('d', ':', ' ', '"', '\r', 'ü', '{') }),
  );
  const stream = fc
    .array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\n')), { maxLength: 20 })
    .map((lines) => Buffer.from(lines.flat().join('')));

  it('is read alike whatever its cuts', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(400), { maxLength: 6 }), (bytes, cuts) => {
        const edges = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b)];
        const chunks = edges.map((edge, n) => bytes.subarray(edge, edges[n + 1] ?? bytes.length));
        const cut = tapOf(...chunks);
        expect(read(cut)).toEqual(read(tapOf(bytes)));
      }),
      { numRuns: 500 },
    );
  });

  it('takes comments wherever it says so', () => {
    fc.assert(
      fc.property(stream, (bytes) => {
        const events = eventsIn(bytes);
        for (let cut = 0; cut <= bytes.length; cut += 1) {
          if (!tapOf(bytes.subarray(0, cut)).atBoundary) continue;
          const [before, after] = [bytes.subarray(0, cut), bytes.subarray(cut)];
          expect(eventsIn(Buffer.concat([before, Buffer.from(': x\n\n'), after]))).toEqual(events);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('a line without an end', () => {
  const megabyte = 1_048_576;

  function fed(bytes: Buffer, size: number): ChatTap {
    const tap = new ChatTap();
    for (let at = 0; at < bytes.length; at += size) tap.feed(latin1(bytes.subarray(at, at + size)));
    return tap;
  }

  const longLine = (bytes: number): Buffer =>
    Buffer.from(
      `data: {"content":"${'x'.repeat(bytes)}"}\n\ndata: {"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n`,
    );

  it('is read in linear time', () => {
    const reading = (amount: number) => {
      const bytes = longLine((amount * megabyte) / 2);
      return () => fed(bytes, 1_024);
    };
    expect(growth(reading)).toBeLessThan(linear);
  });

  it('is skipped, and what follows it is read again', () => {
    const tap = fed(longLine(4 * megabyte), 1_024);
    expect(tap.usage).toEqual({ inputTokens: 1, outputTokens: 2 });
    expect(tap.atBoundary).toBe(true);
  });

  it('is read alike whatever its cuts', () => {
    const bytes = Buffer.from(`data: {"content":"${'x'.repeat(megabyte + 10)}","finish_reason":"stop"}\n\n`);
    const whole = read(tapOf(bytes));
    for (const size of [megabyte + 1, 65_536, 10_007]) expect(read(fed(bytes, size))).toEqual(whole);
  });
});
