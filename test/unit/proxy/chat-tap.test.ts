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

function tapOf(...chunks: readonly (Buffer | string)[]): ChatTap {
  const tap = new ChatTap();
  for (const chunk of chunks) tap.feed(Buffer.from(chunk));
  return tap;
}

/** Bytes of texts as JSON writes them. */
function written(...texts: string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(JSON.stringify(text)) - 2, 0);
}

const heroku = {
  done: true,
  finished: true,
  failed: false,
  usage: { inputTokens: 14, outputTokens: 51 },
  textBytes: written('Grüße, ', 'wörld 😀 "quoted" \\ done'),
};
const openai = {
  done: true,
  finished: true,
  failed: false,
  usage: { inputTokens: 9, outputTokens: 12 },
  textBytes: written('Hello', ' there'),
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
    textBytes: written('Grüße, '),
  },
  'error-inside.txt': {
    done: false,
    finished: false,
    failed: true,
    usage: null,
    textBytes: written('Grüße, '),
  },
  'heroku-no-end-mark.txt': { ...heroku, done: false },
  'heroku-no-last-newline.txt': heroku,
  'heroku-thinking.txt': {
    done: true,
    finished: true,
    failed: false,
    usage: { inputTokens: 5, outputTokens: 9 },
    textBytes: written('Let me see.', 'Yes.'),
  },
  'heroku-tool-calls.txt': {
    done: true,
    finished: true,
    failed: false,
    usage: { inputTokens: 407, outputTokens: 55 },
    textBytes: written('{"city":', '"Portland"}'),
  },
  'heroku.txt': heroku,
  'multi-line-and-comments.txt': {
    done: true,
    finished: true,
    failed: false,
    usage: { inputTokens: 7, outputTokens: 8 },
    textBytes: written('One line'),
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
    ['{"error":{"message":"Failed to execute chat"}}', true],
    ['{"error":"Failed to execute chat"}', true],
    ['{ "error": {"message":"Failed"} }', true],
    ['{"error":null,"choices":[]}', false],
    ['{"id":"x","choices":[{"delta":{"content":"{\\"error\\":1}"}}]}', false],
  ])('in %s: %s', (data, failed) => {
    expect(tapOf(`data: ${data}\n\n`).failed).toBe(failed);
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
    for (let at = 0; at < bytes.length; at += size) tap.feed(bytes.subarray(at, at + size));
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
