import { describe, expect, it } from 'vitest';
import { eventProblems, responseProblems } from '../../support/open-responses/checks.ts';
import { streamProblems } from '../../support/open-responses/stream.ts';
import { type Event, exampleEvents, exampleResponse, streamOf } from './example-response.ts';

/* The checker of responses and their streams: it finds each kind of fault, and none in what is right. */

const numbered = (events: readonly Event[]): Event[] =>
  events.map((event, at) => ({ ...event, sequence_number: at }));

/** The example's events with those of `type` changed: each one becomes what `change` gives. */
const changed = (type: string, change: (event: Event, at: number) => Event[]): Event[] => {
  let seen = 0;
  return numbered(
    exampleEvents().flatMap((event) => (event.type === type ? change(event, seen++) : [event])),
  );
};
const edited = (type: string, fields: object | ((event: Event) => object), which = 0): Event[] =>
  changed(type, (event, at) => {
    if (at !== which) return [event];
    return [{ ...event, ...(typeof fields === 'function' ? fields(event) : fields) }];
  });
const without = (type: string, which = 0): Event[] =>
  changed(type, (event, at) => (at === which ? [] : [event]));
const twice = (type: string): Event[] => changed(type, (event, at) => (at === 0 ? [event, event] : [event]));
const lastResponse = (fields: object): Event[] =>
  edited('response.completed', { response: { ...exampleResponse, ...fields } });

const item = (fields: object) => (event: Event) => ({ item: { ...(event['item'] as object), ...fields } });
const part = (fields: object) => (event: Event) => ({ part: { ...(event['part'] as object), ...fields } });
const swapped = (type: string): Event[] => {
  const events = exampleEvents();
  const at = events.findIndex((event) => event.type === type);
  return numbered([
    ...events.slice(0, at),
    ...events.slice(at + 1, at + 2),
    ...events.slice(at, at + 1),
    ...events.slice(at + 2),
  ]);
};

describe('a right answer has no problems', () => {
  it('as a response', () => expect(responseProblems(exampleResponse)).toEqual([]));
  it('as events', () => expect(eventProblems(exampleEvents())).toEqual([]));
  it('as a stream with comments between events', () => {
    const stream = streamOf(exampleEvents()).replaceAll('\n\n', '\n\n: still here\n\n');
    expect(streamProblems(`${stream}data: [DONE]\n\n`)).toEqual([]);
  });

  it('if it summarizes its reasoning, or spells it as the specification does', () => {
    const text = JSON.stringify(exampleEvents());
    const spelt = text.replaceAll('response.reasoning_text', 'response.reasoning');
    expect(eventProblems(JSON.parse(spelt) as unknown[])).toEqual([]);
    const [first, ...rest] = text.split('"output_index":1');
    const summarized = first
      ?.replaceAll('"summary":[],"content":', '"content":[],"summary":')
      .replaceAll('content_', 'summary_')
      .replaceAll('response.summary_part', 'response.reasoning_summary_part')
      .replaceAll('response.reasoning_text', 'response.reasoning_summary_text')
      .replaceAll('reasoning_text"', 'summary_text"');
    const last = rest.map((each) =>
      each
        .replaceAll('"summary":[],"content":', '"content":[],"summary":')
        .replaceAll('"reasoning_text"', '"summary_text"'),
    );
    const events = [summarized, ...last].join('"output_index":1');
    expect(eventProblems(JSON.parse(events) as unknown[])).toEqual([]);
  });

  it('if it fails inside an item: the response has what was written of it', () => {
    const events = exampleEvents();
    const at = events.findIndex(({ type }) => type === 'response.output_text.delta');
    const output = [
      exampleResponse.output[0],
      {
        ...exampleResponse.output[1],
        status: 'incomplete',
        content: [{ type: 'output_text', text: 'Good ', annotations: [], logprobs: [] }],
      },
    ];
    const failure = {
      status: 'failed',
      completed_at: null,
      usage: null,
      output,
      error: { code: 'upstream_error', message: 'It broke.' },
    };
    const failed = (fields: object): Event[] =>
      numbered([
        ...events.slice(0, at + 1),
        { type: 'response.failed', response: { ...exampleResponse, ...failure, ...fields } },
      ]);
    expect(streamProblems(streamOf(failed({})))).toEqual([]);
    expect(eventProblems(failed({ output: [output[0]] }))).toEqual([]);
    expect(eventProblems(failed({ output: exampleResponse.output.slice(0, 2) }))).toEqual([
      expect.stringContaining('its output has more than the items'),
    ]);
  });
});

describe('a response', () => {
  it.each(Object.keys(exampleResponse))('needs %s', (field) => {
    const { [field as keyof typeof exampleResponse]: _, ...rest } = exampleResponse;
    expect(responseProblems(rest)).not.toEqual([]);
  });

  const [, message, call, custom] = exampleResponse.output;
  const incomplete = { ...message, status: 'incomplete' };
  it.each<[string, object, string]>([
    ['a field that nobody knows', { conversations: [] }, 'conversations'],
    ['an item without a status', { output: [{ ...message, status: undefined }] }, 'output.0.status'],
    [
      'a part of the wrong kind',
      { output: [{ ...message, content: [{ type: 'input_text', text: '' }] }] },
      'output.0.content.0',
    ],
    ['an id twice', { output: [message, message] }, 'its ids differ'],
    ['a call id twice', { output: [call, { ...custom, call_id: 'call_1' }] }, 'its call ids differ'],
    ['an incomplete item', { output: [incomplete] }, 'it is not completed if'],
    ['an incomplete item before another', { output: [incomplete, call] }, 'only its last item is incomplete'],
    ['an item in progress', { output: [{ ...message, status: 'in_progress' }] }, 'its items have ended'],
    ['no time of its end', { completed_at: null }, 'completed_at is there if it is completed'],
    [
      'an error, though it is completed',
      { error: { code: 'x', message: 'y' } },
      'error is there if it failed',
    ],
    ['a failure without its error', { status: 'failed', completed_at: null }, 'error is there if it failed'],
    [
      'no reason why it is incomplete',
      { status: 'incomplete', completed_at: null },
      'incomplete_details are there',
    ],
    [
      'tokens that do not add up',
      { usage: { ...exampleResponse.usage, total_tokens: 15 } },
      'its tokens add up',
    ],
  ])('must not have %s', (_, fields, problem) => {
    expect(responseProblems({ ...exampleResponse, ...fields })).toContainEqual(
      expect.stringContaining(problem),
    );
  });
});

describe('a sequence of events', () => {
  const added = 'response.output_item.added';
  const done = 'response.output_item.done';
  const partAdded = 'response.content_part.added';
  const partDone = 'response.content_part.done';
  const delta = 'response.output_text.delta';
  const textDone = 'response.output_text.done';
  const callDelta = 'response.function_call_arguments.delta';
  const callDone = 'response.function_call_arguments.done';
  const extra = { type: delta, item_id: 'msg_1', output_index: 1, content_index: 0, delta: 'x' };

  it.each<[string, Event[], string]>([
    [
      'numbers from 1',
      exampleEvents().map((event, at) => ({ ...event, sequence_number: at + 1 })),
      'sequence_number is not 0',
    ],
    [
      'a number left out',
      exampleEvents().map((event, at) => ({ ...event, sequence_number: at > 4 ? at + 1 : at })),
      'sequence_number is not 5',
    ],
    ['an unknown event', [...exampleEvents(), { type: 'response.note', sequence_number: 99 }], 'Invalid'],
    ['no created', without('response.created'), 'the first event is response.created'],
    ['created twice', twice('response.created'), 'the first event is response.created'],
    ['no in_progress', without('response.in_progress'), 'the second event is response.in_progress'],
    [
      'another id at in_progress',
      edited('response.in_progress', (event) => ({
        response: { ...(event['response'] as object), id: 'resp_2' },
      })),
      'the response has changed',
    ],
    [
      'a beginning with output',
      edited('response.created', (event) => ({
        response: { ...(event['response'] as object), output: exampleResponse.output },
      })),
      'the response begins with output',
    ],
    ['no last event', without('response.completed'), 'the stream has no last event'],
    [
      'something after the last event',
      numbered([...exampleEvents(), extra]),
      'it comes after the last event',
    ],
    [
      'another status at the end',
      lastResponse({
        status: 'incomplete',
        completed_at: null,
        incomplete_details: { reason: 'max_output_tokens' },
      }),
      'the response is incomplete',
    ],
    [
      'another id at the end',
      lastResponse({ id: 'resp_2' }),
      'the response has changed in more than its end',
    ],
    [
      'an item missing at the end',
      lastResponse({ output: exampleResponse.output.slice(1) }),
      'its output is not what the items were',
    ],
    [
      'an item more at the end',
      lastResponse({
        output: [...exampleResponse.output, { ...exampleResponse.output[2], id: 'fc_9', call_id: 'call_9' }],
      }),
      'its output has more',
    ],
    [
      'another text at the end',
      lastResponse({
        output: exampleResponse.output.map((each) =>
          each.type === 'function_call' ? { ...each, arguments: '{}' } : each,
        ),
      }),
      'its output is not what',
    ],
    ['an item that is never added', without(added, 1), 'no item is open'],
    ['an item that is never done', without(done, 1), 'an item is added while another is open'],
    ['the last item never done', without(done, 3), 'an item is still open'],
    ['two items with one id', edited(added, item({ id: 'rs_1' }), 1), 'two items have the same id'],
    [
      'an item that is added as completed',
      edited(added, item({ status: 'completed' })),
      'an item is added as completed',
    ],
    [
      'an item that is added with its text',
      edited(added, item({ arguments: '{}' }), 2),
      'an item is added with text in it',
    ],
    [
      'an item done as in_progress',
      edited(done, item({ status: 'in_progress' })),
      'an item ends as in_progress',
    ],
    [
      'an item done with another text',
      edited(done, item({ arguments: '{}' }), 2),
      'an item differs from what its events say',
    ],
    [
      'an item done with another name',
      edited(done, item({ name: 'get_time' }), 2),
      'an item differs from what its events say',
    ],
    [
      'an item after an incomplete one',
      edited(done, item({ status: 'incomplete' }), 1),
      'an item follows an incomplete one',
    ],
    ['a wrong output_index when added', edited(added, { output_index: 5 }, 1), 'output_index is not 1'],
    ['a wrong output_index when done', edited(done, { output_index: 5 }, 1), 'output_index is not 1'],
    ['a wrong output_index in a delta', edited(delta, { output_index: 0 }), 'output_index is not 1'],
    ['a wrong item_id in a delta', edited(delta, { item_id: 'msg_2' }), 'it is of the item msg_2'],
    [
      'a wrong content_index in a delta',
      edited(delta, { content_index: 1 }),
      'it is of a text that is not open',
    ],
    ['a wrong content_index of a part', edited(partAdded, { content_index: 0 }, 2), 'a part is added at 0'],
    ['a part that is never added', without(partAdded, 1), 'it is of a text that is not open'],
    ['a part that is never done', without(partDone, 1), 'a part is added while a text is open'],
    ['the last part never done', without(partDone, 2), 'an item ends while a text of it is open'],
    [
      'a part that is added with text',
      edited(partAdded, part({ text: 'Good' }), 1),
      'a part is added with text in it',
    ],
    [
      'a part that ends with another text',
      edited(partDone, part({ text: 'Good' }), 1),
      'a part differs from its deltas',
    ],
    [
      'a part that changes its type',
      edited(partDone, { part: { type: 'refusal', refusal: 'Good day.' } }, 1),
      'a part changes its type',
    ],
    ['a part that ends before its text', swapped(textDone), 'a part ends before its text'],
    ['a part done twice', twice(partDone), 'a part ends that is not open'],
    ['a text that is never done', without(textDone), 'a part ends before its text'],
    ['a text done twice', twice(textDone), 'a text ends twice'],
    ['a delta left out', without(delta), 'a text differs from its deltas'],
    ['a delta twice', twice(delta), 'a text differs from its deltas'],
    [
      'a delta after the end of its text',
      changed(textDone, (event) => [event, extra]),
      'a delta comes after the end',
    ],
    [
      'a delta of another kind',
      changed(delta, (event) => [{ ...event, type: 'response.refusal.delta' }]),
      'it is of a text that is not open',
    ],
    [
      'a delta without its index',
      changed(delta, ({ content_index: _index, ...event }) => [event]),
      'content_index',
    ],
    ['a delta of a call left out', without(callDelta), 'a text differs from its deltas'],
    ['a call whose arguments are never done', without(callDone), 'an item ends while a text of it is open'],
    ['a call without its call_id', edited(added, item({ call_id: undefined }), 2), 'call_id'],
    [
      'an error that is not a failure',
      changed('response.completed', (event) => [
        { type: 'error', error: { type: 'server_error', code: null, message: 'Broken.', param: null } },
        event,
      ]),
      'only response.failed may follow an error',
    ],
  ])('must not have %s', (_, events, problem) => {
    expect(eventProblems(events)).toContainEqual(expect.stringContaining(problem));
  });

  it('may end anywhere if it was cut', () => {
    const events = exampleEvents().slice(0, 7);
    expect(eventProblems(events, { isCut: true })).toEqual([]);
    expect(eventProblems(events)).toEqual(['the stream has no last event']);
  });
});

describe('the text of a stream', () => {
  const stream = `${streamOf(exampleEvents())}data: [DONE]\n\n`;
  it.each<[string, string, string]>([
    ['no [DONE]', streamOf(exampleEvents()), 'does not end with [DONE]'],
    [
      'something after [DONE]',
      `${stream}${streamOf(exampleEvents().slice(0, 1))}`,
      'something follows [DONE]',
    ],
    [
      'an event without its name',
      stream.replace('event: response.created\n', ''),
      'another type in its data',
    ],
    [
      'an event with another name',
      stream.replace('event: response.created', 'event: message'),
      'another type in its data',
    ],
    [
      'data that is not JSON',
      stream.replace('data: {"type":"response.created"', 'data: {'),
      'another type in its data',
    ],
    [
      'a field that is not event or data',
      stream.replace('event: response.created', 'id: 1\nevent: response.created'),
      'this is no event',
    ],
    ['an end inside an event', stream.slice(0, -1), 'ends inside an event'],
  ])('must not have %s', (_, text, problem) => {
    expect(streamProblems(text)).toContainEqual(expect.stringContaining(problem));
  });
});
