import { describe, expect, it } from 'vitest';
import { MessagesTap } from '../../../src/proxy/messages-tap.ts';
import { describeTap, fed, read, bytesOf, type Read } from './tap-suite.ts';

const textBytes = bytesOf('Grüße, ', 'wörld 😀 "quoted" \\ "type":"message_stop"');
const input = 25 + 100 + 7;
const cached = { cacheReadTokens: 7, cacheWriteTokens: 100 };
const whole: Read = {
  done: true,
  finished: false,
  failed: false,
  usage: { inputTokens: input, outputTokens: 15, ...cached },
  textBytes,
  unreportedTokens: 0,
};
const begun: Read = {
  ...whole,
  done: false,
  usage: { inputTokens: input, outputTokens: 0, ...cached },
  unreportedTokens: Math.ceil(textBytes / 4),
};
const thought = bytesOf('Let me see.', 'message_stop', '{"city":', '"Rome"}');

describeTap('messages', {
  make: () => new MessagesTap(),
  inside: {
    'anthropic-crlf.txt': whole,
    'anthropic.txt': whole,
    'broken-off-after-the-delta.txt': { ...whole, done: false },
    'broken-off.txt': begun,
    // Later figures take the place of earlier ones, but for zeros: 40 + 100 + 7.
    'cumulative-input.txt': { ...whole, usage: { inputTokens: 147, outputTokens: 15, ...cached } },
    'done-mark-only.txt': begun,
    'error-inside.txt': { ...begun, failed: true },
    'heroku-frames.txt': whole,
    'no-last-newline.txt': whole,
    'no-output-reported.txt': { ...begun, done: true, usage: null },
    'sorted-keys.txt': whole,
    'thinking-and-tools.txt': { ...whole, textBytes: thought },
  },
});

describe('the end of a message', () => {
  const stop = 'event: message_stop\ndata: {"type":"message_stop"}\n';

  it('is known once its event is complete', () => {
    expect(fed(new MessagesTap(), stop).done).toBe(false);
    expect(fed(new MessagesTap(), stop, '\n').done).toBe(true);
  });

  it('is not what a text, a tool or an event name says', () => {
    const others = [
      '{"type":"content_block_delta","delta":{"type":"text_delta","text":"{\\"type\\":\\"message_stop\\"}"}}',
      '{"type":"content_block_start","content_block":{"type":"message_stop"}}',
      '[{"type":"message_stop"}]',
      '{"type":"message_stop"',
      '"message_stop"',
    ];
    for (const data of others) {
      expect(fed(new MessagesTap(), `event: message_stop\ndata: ${data}\n\n`).done, data).toBe(false);
    }
  });
});

describe('an error inside the stream', () => {
  it.each([
    ['event: error\ndata: {"type":"error","error":{"type":"overloaded_error"}}\n\n', true],
    ['data: {"type":"error","error":{"type":"overloaded_error"}}\n\n', true],
    ['data: {"type":"error"}\n\n', true],
    ['data: {"error":{"code":500,"message":"x"}}\n\n', true],
    ['event: error\ndata: oh no\n\n', true],
    ['data: {"code":500,"message":"Failed to execute chat"}\n\n', true],
    ['data: {"type":"content_block_delta","delta":{"type":"text_delta","text":"error"}}\n\n', false],
    ['data: {"type":"content_block_delta","delta":{"type":"input_json_delta","error":"x"}}\n\n', false],
    ['data: {"type":"message_start","message":{"error":"x"}}\n\n', false],
    ['event: ping\ndata: {"type":"ping"}\n\n', false],
  ])('in %j: %s', (event, failed) => {
    expect(fed(new MessagesTap(), event).failed).toBe(failed);
  });
});

describe('what is reported', () => {
  it('is the sum of the iterations, if there are some', () => {
    const start =
      'data: {"type":"message_start","message":{"usage":{"input_tokens":23,"output_tokens":1}}}\n\n';
    const iterations = '[{"input_tokens":180,"output_tokens":35},{"input_tokens":23,"output_tokens":10}]';
    const delta = `data: {"type":"message_delta","usage":{"output_tokens":10,"iterations":${iterations}}}\n\n`;
    const tap = fed(new MessagesTap(), start, delta);
    expect(tap.usage).toMatchObject({ inputTokens: 203, outputTokens: 45 });
    expect(tap.unreportedTokens).toBe(0);
  });

  it('is nothing the ledger could not add up', () => {
    for (const tokens of ['-1', '1.5', '"9"', 'null', '9007199254740993']) {
      const event = `data: {"type":"message_delta","usage":{"input_tokens":${tokens},"output_tokens":${tokens}}}\n\n`;
      expect(read(fed(new MessagesTap(), event)).usage, tokens).toBeNull();
    }
  });

  it('is not believed if no model could have used it: the text that went by is what counts', () => {
    const started = 'data: {"type":"message_start","message":{"usage":{"input_tokens":5}}}\n\n';
    const ended = 'data: {"type":"message_delta","usage":{"output_tokens":1000000000000000}}\n\n';
    expect(read(fed(new MessagesTap(), started, ended)).usage).toBeNull();
  });

  it('says what the cache wrote, in whatever parts it is told', () => {
    const started =
      'data: {"type":"message_start","message":{"usage":{"input_tokens":5,"cache_read_input_tokens":30,"cache_creation":{"ephemeral_5m_input_tokens":40,"ephemeral_1h_input_tokens":2}}}}\n\n';
    const ended =
      'data: {"type":"message_delta","usage":{"output_tokens":8,"cache_creation_input_tokens":42,"cache_creation":{"ephemeral_5m_input_tokens":0}}}\n\n';
    const usage = { inputTokens: 77, outputTokens: 8, cacheReadTokens: 30, cacheWriteTokens: 42 };
    expect(read(fed(new MessagesTap(), started, ended)).usage).toEqual(usage);
  });

  it('may be without a usage anywhere', () => {
    const events = 'data: {"type":"message_start"}\n\ndata: {"type":"message_start","message":{}}\n\n';
    expect(read(fed(new MessagesTap(), events, 'data: {"type":"message_delta"}\n\n')).usage).toBeNull();
  });
});
