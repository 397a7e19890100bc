import { readdirSync, readFileSync } from 'node:fs';
import { array, assert, constantFrom, nat, oneof, property, record, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { growth, linear } from '../../../support/growth.ts';
import { ResponseEvents } from '../../../../src/proxy/responses/response-events.ts';
import type { ResponseObject } from '../../../support/open-responses/schemas.ts';
import { eventsIn, lastResponseIn, streamProblems } from '../../../support/open-responses/stream.ts';
import { responseOptions, translated } from './translated.ts';

const folder = new URL('../../../fixtures/streams/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.txt'));

interface Event {
  type: string;
  delta?: string;
}

/** The events of a stream in one line each: types, and the texts of deltas. */
function told(text: string): string[] {
  return (eventsIn(text) as Event[]).map(({ type, delta }) => {
    const name = type.replace('response.', '');
    return delta === undefined ? name : `${name} ${delta}`;
  });
}

function lastResponse(text: string): ResponseObject {
  // The checker has looked at it.
  return lastResponseIn(text) as ResponseObject;
}

/** All that a response says, one text an item. */
function said({ output }: ResponseObject): string[] {
  return output.map((item) => {
    switch (item.type) {
      case 'message':
        return item.content.map((part) => ('text' in part ? part.text : `(no) ${part.refusal}`)).join('|');
      case 'reasoning':
        return `(thinking) ${item.summary.map(({ text }) => text).join('|')}`;
      case 'function_call':
        return `${item.name}(${item.arguments})`;
      case 'custom_tool_call':
        return `${item.name}: ${item.input}`;
    }
  });
}

function chunk(delta: object, more: object = {}): object {
  return { model: 'm', choices: [{ index: 0, delta, finish_reason: null, ...more }] };
}

function data(...events: readonly object[]): string {
  return events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');
}

const stop = chunk({}, { finish_reason: 'stop' });
const done = 'data: [DONE]\n\n';

function call(index: number, { id, name, args = '' }: { id?: string; name?: string; args?: string }): object {
  return chunk({
    tool_calls: [{ index, ...(id ? { id, type: 'function' } : {}), function: { name, arguments: args } }],
  });
}

/** The response that a whole stream of these events ends with. */
function responseOf(...events: readonly object[]): ResponseObject {
  const { text, hasFailed } = translated(data(...events), done);
  expect(streamProblems(text, { isCut: hasFailed })).toEqual([]);
  return lastResponse(text);
}

describe.each(files)('%s as a response', (file) => {
  const bytes = readFileSync(new URL(file, folder));
  const whole = translated(bytes);

  it('is a valid stream of events', () => {
    expect(streamProblems(whole.text, { isCut: whole.hasFailed })).toEqual([]);
    const end = told(whole.text).at(-1);
    expect(end).toBe(
      /broken-off|error/.test(file) ? 'failed' : file === 'bare-null-usage.txt' ? 'incomplete' : 'completed',
    );
    expect(whole.hasFailed).toBe(end === 'failed');
  });

  it('is the same however it is cut in two, and byte by byte', () => {
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      expect(translated(bytes.subarray(0, cut), bytes.subarray(cut)), `cut at ${cut}`).toEqual(whole);
    }
    expect(translated(...Array.from(bytes, (byte) => Buffer.from([byte])))).toEqual(whole);
  });
});

describe('the events of a response', () => {
  it("are told in order, with the answer's usage and model at the end", () => {
    const { text } = translated(readFileSync(new URL('heroku.txt', folder)));
    expect(told(text)).toEqual([
      'created',
      'in_progress',
      'output_item.added',
      'content_part.added',
      'output_text.delta Grüße, ',
      'output_text.delta wörld 😀 "quoted" \\ done',
      'output_text.done',
      'content_part.done',
      'output_item.done',
      'completed',
    ]);
    expect(lastResponse(text)).toMatchObject({
      id: 'resp_0123456789abcdef0123456789abcdef',
      status: 'completed',
      model: 'claude-4-sonnet',
      instructions: 'Sé breve.',
      output: [{ id: 'msg_0123456789abcdef0123456789abcdef0' }],
      usage: { input_tokens: 14, output_tokens: 51, total_tokens: 65 },
    });
    expect(text.endsWith(done)).toBe(true);
  });

  it('begin with the first of the answer, and each text goes out with the chunk that it comes in', () => {
    const first = translated(data(chunk({ content: 'Hello' })));
    expect(told(first.text).slice(0, 5).at(-1)).toBe('output_text.delta Hello');
    expect(translated(': waiting\n\n').text).toMatch(/^event: response\.created/);
  });

  it('tell reasoning, text, a refusal and calls as items of their own, one open at a time', () => {
    const response = responseOf(
      chunk({ role: 'assistant', content: '' }),
      chunk({ reasoning: { thinking: 'Hm.' } }),
      chunk({ content: 'Hello' }),
      chunk({ content: ' there' }),
      chunk({ reasoning_content: 'Wait.' }),
      chunk({ refusal: 'I cannot.' }),
      call(0, { id: 'a', name: 'f', args: '{}' }),
      chunk({ content: 'So.' }),
      stop,
    );
    expect(said(response)).toEqual([
      '(thinking) Hm.',
      'Hello there',
      '(thinking) Wait.',
      '(no) I cannot.',
      'f({})',
      'So.',
    ]);
  });

  it('keep calls whole whose pieces come mixed, in the order in which they began', () => {
    const response = responseOf(
      call(0, { id: 'a', name: 'f', args: '{"x":' }),
      call(1, { id: 'b', name: 'agents__wait', args: '{"y"' }),
      call(0, { args: '1' }),
      chunk({ content: 'Both.' }),
      call(1, { args: ':"2"}' }),
      call(0, { args: '}' }),
      stop,
    );
    expect(said(response)).toEqual(['f({"x":1})', 'wait({"y":"2"})', 'Both.']);
    expect(response.output[1]).toMatchObject({ call_id: 'b', namespace: 'agents' });
  });

  it('tell a call as it comes once those before it are whole', () => {
    const { text } = translated(
      data(
        call(0, { id: 'a', name: 'f', args: '{}' }),
        call(1, { id: 'b', name: 'g' }),
        call(1, { args: '{"y":' }),
        call(1, { args: '2}' }),
      ),
    );
    expect(told(text).slice(-5, -2)).toEqual([
      'output_item.added',
      'function_call_arguments.delta {"y":',
      'function_call_arguments.delta 2}',
    ]);
  });

  it.each([
    ['have no index', (id: string) => ({ id, function: { name: 'f', arguments: '{}' } })],
    ['all have the same', (id: string) => ({ index: 0, id, function: { name: 'f', arguments: '{}' } })],
    ['have objects as arguments', (id: string) => ({ id, function: { name: 'f', arguments: {} } })],
  ])('tell calls apart that %s', (_, one) => {
    const response = responseOf(chunk({ tool_calls: [one('a')] }), chunk({ tool_calls: [one('b')] }), stop);
    expect(said(response)).toEqual(['f({})', 'f({})']);
  });

  it('know the tools of the caller by names of any text', () => {
    const response = responseOf(
      call(0, { id: 'a', name: 'größe "1"', args: '{"input":"x"}' }),
      call(1, { id: 'b', name: '名__"cut"_0123', args: '{}' }),
      stop,
    );
    expect(response.output).toMatchObject([
      { type: 'custom_tool_call', name: 'größe "1"', input: 'x' },
      { type: 'function_call', namespace: '名', name: '"cut"\nname' },
    ]);
  });

  it('know a custom tool also if its name comes after its call has begun', () => {
    const response = responseOf(
      call(0, { id: 'a' }),
      call(0, { name: 'apply_patch', args: '{"input":"x"}' }),
      stop,
    );
    expect(response.output).toMatchObject([{ type: 'custom_tool_call', name: 'apply_patch', input: 'x' }]);
  });

  it('are not misled by an upstream that says id and name with each piece, or gives all calls one id', () => {
    const same = { id: 'a', name: 'f' };
    const response = responseOf(
      call(0, { ...same, args: '{"x"' }),
      call(0, { ...same, args: ':1}' }),
      call(1, { ...same, args: '{"y"' }),
      call(1, { ...same, args: ':2}' }),
      stop,
    );
    expect(said(response)).toEqual(['f({"x":1})', 'f({"y":2})']);
  });

  it('leave out a call without a name, and give one without an id an id', () => {
    const response = responseOf(call(0, { id: 'a', args: '{}' }), call(1, { name: 'f', args: '{}' }), stop);
    expect(response.output).toMatchObject([{ name: 'f', call_id: expect.stringMatching(/^call_\w{33,}$/) }]);
  });

  it.each([
    ['{"input": "*** Begin Patch\\n+é \\"x\\" \\\\ \\ud83d"}', '*** Begin Patch\n+é "x" \\ \ud83d'],
    ['{"input":""}', ''],
    ['{"patch":"x"}', '{"patch":"x"}'],
    ['{"input":"x","other":1}', '{"input":"x","other":1}'],
    ['{"input":1}', '{"input":1}'],
    ['*** Begin Patch\n', '*** Begin Patch\n'],
    ['{"input":"a\nb"}', '{"input":"a\nb"}'],
    ['', ''],
  ])('give a custom tool its input: %j', (args, input) => {
    const pieces = Array.from(args, (piece) => call(0, { args: piece }));
    const response = responseOf(call(0, { id: 'a', name: 'apply_patch' }), ...pieces, stop);
    expect(response.output).toMatchObject([{ type: 'custom_tool_call', call_id: 'a', input }]);
  });

  it.each([
    ['length', 'max_output_tokens'],
    ['max_tokens', 'max_output_tokens'],
    ['content_filter', 'content_filter'],
  ])('end as incomplete for %s, and so does the last item', (reason, reported) => {
    const response = responseOf(
      chunk({ reasoning: 'Hm.' }),
      chunk({ content: 'Half a' }),
      chunk({}, { finish_reason: reason }),
      { choices: [], usage: { prompt_tokens: 3, completion_tokens: 4 } },
    );
    expect(response).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: reported },
      output: [{ status: 'completed' }, { status: 'incomplete' }],
      usage: { total_tokens: 7 },
    });
  });

  it('end with one empty message if the answer says nothing', () => {
    expect(said(responseOf(chunk({ role: 'assistant', content: '' }), stop))).toEqual(['']);
    expect(said(responseOf(chunk({ reasoning: 'Hm.' }), stop))).toEqual(['(thinking) Hm.', '']);
  });

  it('report what was cached and what was thought', () => {
    const usage = {
      prompt_tokens: 100,
      completion_tokens: 20,
      prompt_tokens_details: { cached_tokens: 80 },
      completion_tokens_details: { reasoning_tokens: 15 },
    };
    expect(responseOf(chunk({ content: 'x' }), stop, { choices: [], usage }).usage).toMatchObject({
      input_tokens_details: { cached_tokens: 80 },
      output_tokens_details: { reasoning_tokens: 15 },
    });
  });

  it.each([
    ['an event', 'event: error\ndata: {"error":{"message":"No \\"luck\\" à"}}\n\n', 'No "luck" à'],
    ['a message', data({ code: 500, message: 'Failed to execute chat' }), 'Failed to execute chat'],
    ['a text', data({ error: 'Too much' }), 'Too much'],
    ['nothing else', 'event: error\ndata: oops\n\n', 'The upstream reported an error.'],
  ])('end with what the upstream says of its error: %s', (_, event, message) => {
    const { text, hasFailed } = translated(data(chunk({ content: 'Hel' })) + event + data(stop) + done);
    expect(hasFailed).toBe(true);
    expect(streamProblems(text, { isCut: hasFailed })).toEqual([]);
    expect(lastResponse(text)).toMatchObject({
      status: 'failed',
      error: { code: 'upstream_error', message },
      output: [{ status: 'incomplete', content: [{ text: 'Hel' }] }],
    });
    expect(told(text).slice(-3)).toEqual(['output_text.delta Hel', 'error', 'failed']);
    expect(eventsIn(text).at(-2)).toMatchObject({
      error: { type: 'upstream_error', code: 'upstream_error', message, param: null },
    });
  });

  it('pass over what is no event of a chat', () => {
    const response = responseOf(
      ...([
        1,
        null,
        [],
        'x',
        {},
        { choices: 1 },
        { choices: [null] },
        { choices: [{ index: 1, delta: { content: 'n' } }] },
      ] as object[]),
      chunk({
        content: [
          { type: 'text', text: 'Par' },
          { type: 'text', text: 'ts' },
        ],
        tool_calls: [1, {}],
      }),
      stop,
    );
    expect(said(response)).toEqual(['Parts']);
    expect(
      said(
        lastResponse(translated('data: {"choices":[\n\n', data(chunk({ content: 'x' }), stop), done).text),
      ),
    ).toEqual(['x']);
  });

  it('give the second of two calls with one id an id of its own', () => {
    const { output } = responseOf(
      call(0, { id: 'a', name: 'f', args: '{}' }),
      call(1, { id: 'a', name: 'f', args: '{}' }),
      stop,
    );
    expect(output).toMatchObject([{ call_id: 'a' }, { call_id: expect.stringMatching(/^call_\w{33,}$/) }]);
  });

  it.each([
    ['{"a":12345678901234567890,"b":1e400,"c":1.0}', '{"a":12345678901234567890,"b":1e400,"c":1.0}'],
    [String.raw`{"k\"":["\\\"\n\u00e9",null]}`, String.raw`{"k\"":["\\\"\n\u00e9",null]}`],
    [`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, ''],
  ])('keep arguments that come as an object: %#', (args, shown) => {
    const event = `data: {"choices":[{"delta":{"tool_calls":[{"id":"a","function":{"name":"f","arguments":${args}}}]}}]}\n\n`;
    const { text } = translated(event, data(stop) + done);
    expect(streamProblems(text)).toEqual([]);
    const [item] = lastResponse(text).output;
    expect(item?.type === 'function_call' && item.arguments).toBe(shown);
  });

  it.each([
    ['a line end', 'b\ndata: c'],
    ['an escape that is none', String.raw`b\x`],
    ['a long one that is none', String.raw`b\u00zz`],
    ['half of an escape', 'b\\'],
  ])('pass over an event like the last one whose text has %s in it', (_, odd) => {
    const like = (text: string): string => `data: {"choices":[{"delta":{"content":"${text}"}}]}\n\n`;
    const { text } = translated(like('a') + like(odd) + like(String.raw`c\\\"\u00e9`) + data(stop) + done);
    expect(streamProblems(text)).toEqual([]);
    expect(said(lastResponse(text))).toEqual(['ac\\"é']);
  });

  it('are not misled by a text that an event says elsewhere, too', () => {
    const named = (model: string): object => ({ ...chunk({ content: 'm' }), model });
    expect(said(responseOf(named('m'), named('n'), named('n'), stop))).toEqual(['mmm']);
  });

  it.each([
    [
      'a long event in small pieces',
      (amount: number) => data(chunk({ content: 'x'.repeat(amount * 30_000) })),
    ],
    [
      'a call whose arguments are never whole while others wait',
      (amount: number) =>
        data(
          call(0, { id: 'a', name: 'f', args: '{"x":"' }),
          ...Array.from({ length: amount * 100 }, (_, n) =>
            call(n + 1, { id: `b${n}`, name: 'g', args: '{}' }),
          ),
          ...Array.from({ length: amount * 100 }, () => call(0, { args: 'x'.repeat(100) })),
        ),
    ],
  ])('take as long as there is of %s', (_, textOf) => {
    const grows = growth((amount) => {
      const pieces = textOf(amount).match(/[^]{1,64}/g) ?? [];
      return () => translated(...pieces);
    });
    expect(grows).toBeLessThan(linear);
  });

  it('count the names and ids of calls that wait, and of the model, among what is kept', () => {
    const events = new ResponseEvents(responseOptions);
    const long = 'f'.repeat(10_000);
    const before = events.keptBytes;
    events.begin(long);
    for (let index = 0; index < 10; index += 1)
      events.call({ index, id: `${long}${index}`, name: long, rawArguments: '{' });
    expect(events.keptBytes - before).toBeGreaterThan(210_000);
  });

  it('carry a text of any length, and any bytes, as they came', () => {
    const long = 'é'.repeat(100_000);
    const odd = String.raw`\u0041\ud83d\/\u00e9`;
    const { text } = translated(
      data(chunk({ content: long })),
      `data: {"choices":[{"delta":{"content":"${odd}"}}]}\n\n`,
      `data: {"choices":[{"delta":{"content":"${odd}"}}]}\n\n`,
      Buffer.concat([
        Buffer.from('data: {"choices":[{"delta":{"content":"'),
        Buffer.from([0xff]),
        Buffer.from('"}}]}\n\n'),
      ]),
      data(stop) + done,
    );
    expect(streamProblems(text)).toEqual([]);
    expect(text).toContain(`"delta":"${odd}"`);
    expect(said(lastResponse(text))).toEqual([`${long}A\ud83d/éA\ud83d/é\ufffd`]);
  });
});

describe('any chat stream', () => {
  const texts = ['content', 'reasoning_content', 'refusal'] as const;
  const piece = oneof(
    record({ field: constantFrom(...texts), text: string({ unit: 'binary', minLength: 1 }) }),
    record({ index: nat(2) }),
  );
  type Piece = { field: (typeof texts)[number]; text: string } | { index: number };

  const frames = constantFrom<(event: object) => string>(
    (event) => `data: ${JSON.stringify(event)}\n\n`,
    (event) => `event:message\ndata:${JSON.stringify(event)}\n\n`,
    (event) => `id: 1\r\ndata: ${JSON.stringify(event)}\r\n\r\n`,
    (event) => `data: ${JSON.stringify(event, null, 1).replaceAll('\n', '\ndata: ')}\n\n`,
    (event) => `: keep-alive\n\ndata: ${JSON.stringify({ usage: null, ...event })}\n\n\ndata: {"x":\n\n`,
  );
  const usage = { choices: [], usage: { prompt_tokens: 1, completion_tokens: 2 } };
  const ends = constantFrom(
    { events: [stop], end: done, status: 'completed' },
    { events: [stop, usage], end: `event: done\n${done}`, status: 'completed' },
    { events: [stop, usage], end: '', status: 'completed' },
    { events: [{ choices: [{ delta: {}, finish_reason: 'length' }] }], end: done, status: 'incomplete' },
    { events: [], end: 'data: {"choices"', status: 'failed' },
    { events: [], end: data({ error: { message: 'no' } }), status: 'failed' },
  );

  /** The arguments of each call in as many pieces as it has. */
  function eventsOf(pieces: readonly Piece[], value: string): { events: object[]; args: string } {
    const args = JSON.stringify({ value });
    const seen = [0, 0, 0];
    const events = pieces.map((one) => {
      if ('field' in one) return chunk({ [one.field]: one.text });
      const { index } = one;
      const count = pieces.filter((other) => 'index' in other && other.index === index).length;
      const at = seen[index] ?? 0;
      seen[index] = at + 1;
      const size = Math.ceil(args.length / count);
      const own = at === 0 ? { id: `call_${index}`, name: index === 2 ? 'apply_patch' : 'f' } : {};
      return call(index, {
        ...own,
        args: args.slice(at * size, at === count - 1 ? args.length : (at + 1) * size),
      });
    });
    return { events, args };
  }

  it('becomes a valid stream that says all it said, however it is cut', () => {
    assert(
      property(
        array(piece, { maxLength: 12 }),
        string({ unit: 'binary' }),
        frames,
        ends,
        array(nat(10_000), { maxLength: 4 }),
        (pieces, value, frame, { events: last, end, status }, cuts) => {
          const { events, args } = eventsOf(pieces, value);
          const bytes = Buffer.from([...events, ...last].map(frame).join('') + end);
          const whole = translated(bytes);
          const at = [
            0,
            ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b),
            bytes.length,
          ];
          expect(translated(...at.slice(1).map((to, n) => bytes.subarray(at[n], to)))).toEqual(whole);
          expect(streamProblems(whole.text, { isCut: whole.hasFailed })).toEqual([]);
          const { output, ...response } = lastResponse(whole.text);
          expect(response.status).toBe(status);
          if (status === 'failed') return;
          const textOf = (field: (typeof texts)[number]): string =>
            pieces.map((one) => ('field' in one && one.field === field ? one.text : '')).join('');
          const messages = output.flatMap((item) => (item.type === 'message' ? item.content : []));
          expect(messages.map((part) => ('text' in part ? part.text : '')).join('')).toBe(textOf('content'));
          expect(messages.map((part) => ('refusal' in part ? part.refusal : '')).join('')).toBe(
            textOf('refusal'),
          );
          const thoughts = output.flatMap((item) => (item.type === 'reasoning' ? item.summary : []));
          expect(thoughts.map(({ text }) => text).join('')).toBe(textOf('reasoning_content'));
          const calls = output.flatMap((item) => ('call_id' in item ? [item] : []));
          const begun = new Set(pieces.flatMap((one) => ('index' in one ? [`call_${one.index}`] : [])));
          expect(calls.map(({ call_id }) => call_id)).toEqual([...begun]);
          for (const one of calls) expect('arguments' in one ? one.arguments : one.input).toBe(args);
        },
      ),
    );
  });
});
