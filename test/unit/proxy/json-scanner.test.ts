import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonScanner } from '../../../src/proxy/json-scanner.ts';
import { textRoleOf } from '../../../src/proxy/generated-text.ts';
import { isRecord } from '../../../src/base/request.ts';
import { growth, linear } from '../../support/growth.ts';

const latin1 = (json: string): string => Buffer.from(json).toString('latin1');

function scanned(json: string, cuts: readonly number[] = [], list = 'data'): JsonScanner {
  const text = latin1(json);
  const scanner = new JsonScanner({ sketches: true, list });
  const edges = [0, ...cuts.map((cut) => Math.min(cut, text.length)).sort((a, b) => a - b), text.length];
  edges.forEach((edge, n) => scanner.feed(text.slice(edge, edges[n + 1] ?? text.length)));
  return scanner;
}

function facts(scanner: JsonScanner): object {
  const { textBytes, pieces, finished, images, hasGenerated, hasList, isWhole, sketch } = scanner;
  return { textBytes, pieces, finished, images, hasGenerated, hasList, isWhole, sketch };
}

const delta = (json: string): string => `{"id":"x","choices":[{"index":0,"delta":${json}}]}`;

describe('generated text', () => {
  it.each([
    ['a message', '{"choices":[{"message":{"content":"Hello"}}]}', 5],
    ['a completion of the old kind', '{"choices":[{"text":"Hello"}]}', 5],
    ['an empty content', delta('{"content":""}'), 0],
    ['a null content', delta('{"content":null}'), 0],
    ['short escapes as they are written', delta(String.raw`{"content":"a\"b\\\n"}`), 8],
    [
      'escaped characters by their bytes',
      delta(String.raw`{"content":"\u0041\u00e9\u4e2d\ud83d\ude00"}`),
      10,
    ],
    ['characters by their bytes', delta('{"content":"Aé中😀"}'), 10],
    ['spaces around the colon', delta('{"content" :  "abc"}'), 3],
    ['parts', delta('{"content":[{"type":"text","text":"abc"},{"type":"text","text":"de"}]}'), 5],
    ['a list of strings', delta('{"content":["abc","de"]}'), 5],
    ['reasoning of Heroku', '{"choices":[{"message":{"reasoning":{"thinking":"abc"},"content":"d"}}]}', 4],
    ['reasoning of others', delta('{"reasoning_content":"abc"}'), 3],
    ['reasoning of others again', delta('{"reasoning":"abc"}'), 3],
    ['details of reasoning', delta('{"reasoning_details":[{"type":"reasoning.text","text":"abc"}]}'), 3],
    ['a refusal', delta('{"refusal":"abc"}'), 3],
    ['a transcript', delta('{"audio":{"id":"x","transcript":"abc"}}'), 3],
    ['a field nobody knows yet', delta('{"dreams":{"of":["abc"]}}'), 3],
    [
      'a tool call',
      delta(
        String.raw`{"tool_calls":[{"id":"t","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]}`,
      ),
      10,
    ],
    ['a call of the old kind', delta('{"function_call":{"name":"f","arguments":"abc"}}'), 4],
    ['arguments that are an object', delta('{"arguments":{"id":"abc","type":"de"}}'), 11],
    [
      'a block of Anthropic',
      '{"type":"content_block_start","content_block":{"type":"text","text":"abc"}}',
      3,
    ],
    ['a delta of Anthropic', '{"type":"content_block_delta","delta":{"type":"text_delta","text":"abc"}}', 3],
    ['part of an input', '{"delta":{"type":"input_json_delta","partial_json":"{\\"a"}}', 4],
    ['a message of Anthropic', '{"role":"assistant","content":[{"type":"text","text":"abc"}]}', 3],
    ['the input of a tool', '{"content":[{"type":"tool_use","id":"t","name":"f","input":{"url":"abc"}}]}', 7],
    ['a text that looks like a field', delta(String.raw`{"content":"\"content\":\"abc\""}`), 19],
    ['a text cut short', '{"choices":[{"message":{"content":"abc', 3],
  ])('is %s', (_, json, bytes) => {
    expect(scanned(json).textBytes).toBe(bytes);
  });

  it.each([
    ['names, ids and roles', '{"id":"abc","role":"assistant","name":"f","object":"x","model":"m"}'],
    [
      'ids and roles in a delta',
      delta('{"id":"abc","role":"assistant","tool_calls":[{"id":"x","type":"y"}]}'),
    ],
    ['a finish reason', '{"choices":[{"delta":{},"finish_reason":"stop"}]}'],
    ['a stop reason', '{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":"abc"}}'],
    ['a signature', '{"type":"content_block_delta","delta":{"type":"signature_delta","signature":"abc"}}'],
    ['sealed thoughts', '{"content_block":{"type":"redacted_thinking","data":"abc"}}'],
    ['sealed reasoning', delta('{"reasoning_details":[{"type":"reasoning.encrypted","data":"abc"}]}')],
    ['sound', delta('{"audio":{"id":"x","data":"UklGRg=="}}')],
    ['an image', delta('{"images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,aa"}}]}')],
    ['what others wrote', delta('{"annotations":[{"url_citation":{"title":"abc","content":"de"}}]}')],
    ['probabilities of its tokens', '{"choices":[{"delta":{},"logprobs":{"content":[{"token":"abc"}]}}]}'],
    ['documents', '{"results":[{"document":{"text":"abc"}}]}'],
    ['an error', '{"error":{"message":"abc"}}'],
  ])('is not %s', (_, json) => {
    expect(scanned(json).textBytes).toBe(0);
  });

  it('is counted in pieces: deltas and messages that had some', () => {
    expect(scanned(delta('{"content":"a"}')).pieces).toBe(1);
    expect(scanned(delta('{"content":"","role":"assistant"}')).pieces).toBe(0);
    const two = '{"choices":[{"delta":{"content":"a"}},{"delta":{"content":"b"}},{"delta":{}}]}';
    expect(scanned(two).pieces).toBe(2);
    expect(scanned('{"choices":[{"text":"a"},{"text":""}]}').pieces).toBe(1);
  });
});

describe('what else there is', () => {
  it.each([
    ['{"choices":[{"finish_reason":"stop"}]}', true],
    ['{"choices":[{"finish_reason" : "length"}]}', true],
    ['{"choices":[{"finish_reason":""}]}', false],
    ['{"choices":[{"finish_reason":null}]}', false],
    ['{"choices":[{"finish_reason":null,"delta":{"content":"stop"}}]}', false],
    ['{"finish_reason":"stop"}', false],
    [delta(String.raw`{"content":"\"finish_reason\":\"stop\""}`), false],
  ])('a finish reason in %s: %s', (json, finished) => {
    expect(scanned(json).finished).toBe(finished);
  });

  it.each([
    ['{"data":[{"b64_json":"aa"},{"b64_json":"bb"}]}', 2],
    ['{"data":[{"url":"http://x","b64_json":null},{"revised_prompt":"x"}]}', 1],
    ['{"data":[{"url":"http://x","b64_json":"aa"}]}', 1],
    ['{"data":[{"b64_json":""},{"error":"x"},{}]}', 0],
    ['{"data":[]}', 0],
    ['{"url":"x","other":[{"b64_json":"aa"}]}', 0],
  ])('images in %s: %s', (json, images) => {
    expect(scanned(json).images).toBe(images);
  });

  it.each([
    ['{}', true],
    [' {"a":[1,{"b":2}]} \r\n', true],
    ['\ufeff{}', true],
    ['', false],
    ['  ', false],
    ['null', false],
    ['[]', false],
    ['<html>', false],
    ['{"a":1', false],
    ['{"a":"b}', false],
    ['{"a":[}]', false],
    ['{} {}', false],
    ['{}x', false],
  ])('whether %s is whole: %s', (json, isWhole) => {
    expect(scanned(json).isWhole).toBe(isWhole);
  });

  it('is not the depth of a text without end', () => {
    expect(scanned('{"a":'.repeat(20_000) + '1' + '}'.repeat(20_000)).isWhole).toBe(false);
  });

  it('is a sketch of the small fields, wherever they stand', () => {
    const long = 'x'.repeat(20_000);
    const json = `{"a":1,"data":[{"t":"${long}"}],"usage":{"a":{"b":{"c":1}}},"e":"${long}","error":null}`;
    for (const cuts of [[], [3], [20, 19_000, 20_040]]) {
      const scanner = scanned(json, cuts);
      expect(JSON.parse(scanner.sketch)).toEqual({ a: 1, usage: { a: { b: { c: 1 } } }, error: null });
      expect(scanner.hasList).toBe(true);
    }
  });

  it('keeps no more of fields without number than fits', () => {
    const fields = Array.from({ length: 50_000 }, (_, n) => `"f${n}":${n}`);
    expect(scanned(`{${fields.join(',')}}`).sketch.length).toBeLessThan(70_000);
  });
});

/** The same rules, read from the parsed value. */
function textIn(value: unknown, role = 'plain'): number {
  if (role === 'not_text') return 0;
  if (typeof value === 'string') return Buffer.byteLength(JSON.stringify(value)) - 2;
  if (Array.isArray(value)) {
    return value.reduce<number>((sum, item) => sum + textIn(item, role === 'free' ? 'free' : 'plain'), 0);
  }
  if (!isRecord(value)) return 0;
  return Object.entries(value).reduce((sum, [key, item]) => {
    if (role === 'free') return sum + Buffer.byteLength(key) + textIn(item, 'free');
    return sum + textIn(item, textRoleOf(key));
  }, 0);
}

describe('any object', () => {
  const name = fc.constantFrom(
    'content',
    'text',
    'role',
    'data',
    'arguments',
    'id',
    'x',
    'é',
    'finish_reason',
  );
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.string({ unit: fc.constantFrom('a', '"', '\\', 'é', '😀', '\n', '{', ']', 'u') }),
      fc.constantFrom(null, true, 0, -1.5, 12e30, [1, 2, 3], [0.5, {}], [[1], 2]),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(name, tie('value'), { maxKeys: 4 }),
    ),
  })).value;
  const answer = fc.record(
    {
      choices: fc.array(fc.record({ index: fc.nat(3), delta: json, logprobs: json }), { maxLength: 3 }),
      usage: json,
      data: json,
      other: json,
    },
    { requiredKeys: [] },
  );
  const written = fc
    .tuple(answer, fc.constantFrom(undefined, 1), fc.boolean())
    .map(([value, space, escaped]) => {
      const text = JSON.stringify(value, null, space);
      return {
        value,
        text: escaped
          ? text.replace(/[^\0-~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
          : text,
      };
    });

  it('is read for the text that a parser would find', () => {
    fc.assert(
      fc.property(written, ({ value, text }) => {
        const choices = value.choices ?? [];
        const bytes = choices.reduce((sum, choice) => sum + textIn(choice.delta), 0);
        const scanner = scanned(text);
        expect(scanner.isWhole).toBe(true);
        expect(scanner.textBytes).toBe(bytes);
        const { data: _, ...fields } = value;
        const sketch = Buffer.from(scanner.sketch, 'latin1').toString('utf8');
        expect(JSON.parse(sketch)).toMatchObject(fields);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is read alike whatever its cuts', () => {
    fc.assert(
      fc.property(written, fc.array(fc.nat(600), { maxLength: 8 }), ({ text }, cuts) => {
        expect(facts(scanned(text, cuts))).toEqual(facts(scanned(text)));
      }),
      { numRuns: 1_000 },
    );
  });

  it('is read alike byte by byte', () => {
    fc.assert(
      fc.property(written, ({ text }) => {
        const everywhere = Array.from({ length: latin1(text).length }, (_, at) => at);
        expect(facts(scanned(text, everywhere))).toEqual(facts(scanned(text)));
      }),
      { numRuns: 200 },
    );
  });
});

/** Fills the size of the text with a unit. */
type Filler = (unit: string) => string;

describe('hostile text', () => {
  it.each([
    ['quotes', (of: Filler) => of('"')],
    ['backslashes', (of: Filler) => `{"${of('\\')}`],
    ['escaped quotes', (of: Filler) => `{"a":"${of('\\"')}`],
    ['escapes of four digits', (of: Filler) => delta(`{"content":"${of('\\u00e9')}`)],
    ['fields without values', (of: Filler) => `{${of('"content":')}`],
    ['fields without ends', (of: Filler) => `{${of('"content":"')}`],
    ['fields and spaces', (of: Filler) => `{${of('"content"          ')}`],
    ['braces', (of: Filler) => of('{')],
    ['brackets', (of: Filler) => `{"a":${of('[')}`],
    ['numbers', (of: Filler) => `{"a":[${of('1,')}`],
    ['numbers and lists', (of: Filler) => `{"a":[${of('1,[2],')}`],
    ['numbers and texts', (of: Filler) => `{"a":[${of('1,"",')}`],
    ['numbers and objects', (of: Filler) => `{"a":[${of('1,{},')}`],
    ['fields', (of: Filler) => `{${of('"a":1,')}`],
  ])('of %s is read in linear time', (_, text) => {
    const reading = (amount: number) => {
      const bytes = amount * 128 * 1_024;
      const hostile = text((unit) => unit.repeat(Math.floor(bytes / unit.length)));
      return () => {
        const scanner = new JsonScanner({ sketches: true });
        for (let at = 0; at < hostile.length; at += 16_384) scanner.feed(hostile.slice(at, at + 16_384));
      };
    };
    expect(growth(reading)).toBeLessThan(linear);
  });
});
