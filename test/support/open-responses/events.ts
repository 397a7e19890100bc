import { z } from 'zod';
import { outputItem, part, responseObject } from './schemas.ts';

/* The events of a stream, each with the fields that it must have. */

const count = z.int().min(0);
const named = <Type extends string>(type: Type) => ({ type: z.literal(type), sequence_number: count });

const lifecycle = <Type extends string>(type: Type) =>
  z.strictObject({ ...named(type), response: responseObject });
const itemEvent = <Type extends string>(type: Type) =>
  z.strictObject({ ...named(type), output_index: count, item: outputItem });

const inItem = { item_id: z.string(), output_index: count };
const inContent = { ...inItem, content_index: count };
const inSummary = { ...inItem, summary_index: count };
const delta = { delta: z.string(), obfuscation: z.string().optional() };
const logprobs = { logprobs: z.array(z.unknown()).optional() };
const text = { text: z.string() };

export const streamEvent = z.discriminatedUnion('type', [
  lifecycle('response.created'),
  lifecycle('response.in_progress'),
  lifecycle('response.completed'),
  lifecycle('response.incomplete'),
  lifecycle('response.failed'),
  itemEvent('response.output_item.added'),
  itemEvent('response.output_item.done'),
  z.strictObject({ ...named('response.content_part.added'), ...inContent, part }),
  z.strictObject({ ...named('response.content_part.done'), ...inContent, part }),
  z.strictObject({ ...named('response.reasoning_summary_part.added'), ...inSummary, part }),
  z.strictObject({ ...named('response.reasoning_summary_part.done'), ...inSummary, part }),
  z.strictObject({ ...named('response.output_text.delta'), ...inContent, ...delta, ...logprobs }),
  z.strictObject({ ...named('response.output_text.done'), ...inContent, ...text, ...logprobs }),
  z.strictObject({ ...named('response.refusal.delta'), ...inContent, ...delta }),
  z.strictObject({ ...named('response.refusal.done'), ...inContent, refusal: z.string() }),
  z.strictObject({ ...named('response.reasoning_text.delta'), ...inContent, ...delta }),
  z.strictObject({ ...named('response.reasoning_text.done'), ...inContent, ...text }),
  z.strictObject({ ...named('response.reasoning.delta'), ...inContent, ...delta }),
  z.strictObject({ ...named('response.reasoning.done'), ...inContent, ...text }),
  z.strictObject({ ...named('response.reasoning_summary_text.delta'), ...inSummary, ...delta }),
  z.strictObject({ ...named('response.reasoning_summary_text.done'), ...inSummary, ...text }),
  z.strictObject({ ...named('response.function_call_arguments.delta'), ...inItem, ...delta }),
  z.strictObject({
    ...named('response.function_call_arguments.done'),
    ...inItem,
    arguments: z.string(),
    name: z.string().optional(),
  }),
  z.strictObject({ ...named('response.custom_tool_call_input.delta'), ...inItem, ...delta }),
  z.strictObject({ ...named('response.custom_tool_call_input.done'), ...inItem, input: z.string() }),
  z.strictObject({
    ...named('error'),
    error: z.looseObject({
      type: z.string(),
      code: z.string().nullable(),
      message: z.string(),
      param: z.string().nullable(),
    }),
  }),
]);
export type StreamEvent = z.infer<typeof streamEvent>;
