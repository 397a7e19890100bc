import type { OutputItem, Part, ResponseObject } from '../../support/open-responses/schemas.ts';

/* A stream with one item of each type. */

export type Event = { type: string } & Record<string, unknown>;

export const exampleResponse: ResponseObject = {
  id: 'resp_1',
  object: 'response',
  created_at: 1_790_000_000,
  completed_at: 1_790_000_002,
  status: 'completed',
  incomplete_details: null,
  error: null,
  model: 'claude-4-5-haiku',
  output: [
    {
      type: 'reasoning',
      id: 'rs_1',
      status: 'completed',
      summary: [],
      content: [{ type: 'reasoning_text', text: 'Let me see.' }],
    },
    {
      type: 'message',
      id: 'msg_1',
      status: 'completed',
      role: 'assistant',
      content: [
        { type: 'output_text', text: 'Good day.', annotations: [], logprobs: [] },
        { type: 'refusal', refusal: 'No more.' },
      ],
    },
    {
      type: 'function_call',
      id: 'fc_1',
      status: 'completed',
      call_id: 'call_1',
      name: 'get_weather',
      arguments: '{"city":"Oslo"}',
    },
    {
      type: 'custom_tool_call',
      id: 'ctc_1',
      status: 'completed',
      call_id: 'call_2',
      name: 'apply_patch',
      input: '*** Begin Patch',
    },
  ],
  usage: {
    input_tokens: 9,
    output_tokens: 7,
    total_tokens: 16,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens_details: { reasoning_tokens: 0 },
  },
  previous_response_id: null,
  instructions: null,
  tools: [],
  tool_choice: 'auto',
  parallel_tool_calls: true,
  max_tool_calls: null,
  text: { format: { type: 'text' } },
  reasoning: { effort: null, summary: null },
  temperature: 1,
  top_p: 1,
  presence_penalty: 0,
  frequency_penalty: 0,
  top_logprobs: 0,
  max_output_tokens: null,
  truncation: 'disabled',
  store: false,
  background: false,
  service_tier: 'default',
  metadata: {},
  safety_identifier: null,
  prompt_cache_key: null,
};

const begun: ResponseObject = {
  ...exampleResponse,
  status: 'in_progress',
  completed_at: null,
  output: [],
  usage: null,
};

/** The events that give this response, each text in two deltas. */
export function exampleEvents(): Event[] {
  const events = [
    { type: 'response.created', response: begun },
    { type: 'response.in_progress', response: begun },
    ...exampleResponse.output.flatMap(itemEvents),
    { type: 'response.completed', response: exampleResponse },
  ];
  return events.map((event, at) => ({ ...event, sequence_number: at }));
}

/** The text of a stream of events, without `[DONE]`. */
export function streamOf(events: readonly Event[]): string {
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');
}

function itemEvents(item: OutputItem, index: number): Event[] {
  const at = { item_id: item.id, output_index: index };
  const [begunItem, texts] = written(item, at);
  return [
    {
      type: 'response.output_item.added',
      output_index: index,
      item: { ...begunItem, status: 'in_progress' },
    },
    ...texts,
    { type: 'response.output_item.done', output_index: index, item },
  ];
}

/** An item before anything is written, and the events that write it. */
function written(item: OutputItem, at: object): [object, Event[]] {
  switch (item.type) {
    case 'function_call':
      return [
        { ...item, arguments: '' },
        textEvents('function_call_arguments', { arguments: item.arguments }, at),
      ];
    case 'custom_tool_call':
      return [{ ...item, input: '' }, textEvents('custom_tool_call_input', { input: item.input }, at)];
    case 'message':
    case 'reasoning':
      return [
        { ...item, content: [] },
        (item.content ?? []).flatMap((part, index) => partEvents(part, { ...at, content_index: index })),
      ];
  }
}

function partEvents(part: Part, at: object): Event[] {
  const { type, ...fields } = part;
  const text = 'text' in fields ? { text: fields.text } : { refusal: fields.refusal };
  const empty = Object.fromEntries(Object.keys(text).map((field) => [field, '']));
  return [
    { type: 'response.content_part.added', ...at, part: { ...part, ...empty } },
    ...textEvents(type, text, at),
    { type: 'response.content_part.done', ...at, part },
  ];
}

function textEvents(kind: string, field: Record<string, string>, at: object): Event[] {
  const text = Object.values(field).join('');
  const half = Math.ceil(text.length / 2);
  const deltas = [text.slice(0, half), text.slice(half)];
  return [
    ...deltas.map((delta) => ({ type: `response.${kind}.delta`, ...at, delta })),
    { type: `response.${kind}.done`, ...at, ...field },
  ];
}
