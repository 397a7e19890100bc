import { z } from 'zod';

/*
 * The objects of the Open Responses specification (2026-04-24), as strictly as it has them: a key that it requires must be
 * there, and no key may be there that neither it nor OpenAI's API has. A custom tool call is OpenAI's.
 */

const count = z.int().min(0);
const id = z.string().min(1);
const itemStatus = z.enum(['in_progress', 'completed', 'incomplete']);

const logprobs = z.array(z.record(z.string(), z.unknown()));
export const partSchemas = {
  output_text: z.strictObject({
    type: z.literal('output_text'),
    text: z.string(),
    annotations: z.array(z.unknown()),
    logprobs: logprobs.optional(),
  }),
  refusal: z.strictObject({ type: z.literal('refusal'), refusal: z.string() }),
  reasoning_text: z.strictObject({ type: z.literal('reasoning_text'), text: z.string() }),
  summary_text: z.strictObject({ type: z.literal('summary_text'), text: z.string() }),
};
const { output_text, refusal, reasoning_text, summary_text } = partSchemas;
export const part = z.discriminatedUnion('type', [output_text, refusal, reasoning_text, summary_text]);
export type Part = z.infer<typeof part>;

const message = z.strictObject({
  type: z.literal('message'),
  id,
  status: itemStatus,
  role: z.literal('assistant'),
  content: z.array(z.discriminatedUnion('type', [output_text, refusal])),
});
const reasoning = z.strictObject({
  type: z.literal('reasoning'),
  id,
  status: itemStatus,
  summary: z.array(summary_text),
  content: z.array(reasoning_text).optional(),
  encrypted_content: z.null().optional(),
});
const call = { id, status: itemStatus, call_id: id, name: z.string().min(1) };
const functionCall = z.strictObject({
  type: z.literal('function_call'),
  ...call,
  arguments: z.string(),
  namespace: z.string().optional(), // OpenAI's: Codex sends tools in namespaces
});
const customCall = z.strictObject({ type: z.literal('custom_tool_call'), ...call, input: z.string() });

export const outputItem = z.discriminatedUnion('type', [message, reasoning, functionCall, customCall]);
export type OutputItem = z.infer<typeof outputItem>;

const functionTool = z.strictObject({
  type: z.literal('function'),
  name: z.string(),
  description: z.string().nullable(),
  parameters: z.record(z.string(), z.unknown()).nullable(),
  strict: z.boolean().nullable(),
});
const openaiTool = z.looseObject({ type: z.enum(['custom', 'namespace']), name: z.string() });
const toolMode = z.enum(['none', 'auto', 'required']);
const namedTool = z.strictObject({ type: z.enum(['function', 'custom']), name: z.string() });
const allowedTools = z.strictObject({
  type: z.literal('allowed_tools'),
  mode: toolMode,
  tools: z.array(namedTool),
});

const textFormat = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text') }),
  z.strictObject({ type: z.literal('json_object') }),
  z.strictObject({
    type: z.literal('json_schema'),
    name: z.string(),
    description: z.string().nullable(),
    schema: z.record(z.string(), z.unknown()),
    strict: z.boolean(),
  }),
]);

const usage = z.strictObject({
  input_tokens: count,
  output_tokens: count,
  total_tokens: count,
  // What was written to the cache is OpenAI's.
  input_tokens_details: z.strictObject({ cached_tokens: count, cache_write_tokens: count.optional() }),
  output_tokens_details: z.strictObject({ reasoning_tokens: count }),
});

export const responseStatus = z.enum(['in_progress', 'completed', 'incomplete', 'failed']);

/** A response of a gateway that stores nothing: `store`, `background` and `truncation` can have one value only. */
export const responseObject = z.strictObject({
  id,
  object: z.literal('response'),
  created_at: count,
  completed_at: count.nullable(),
  status: responseStatus,
  incomplete_details: z.strictObject({ reason: z.enum(['max_output_tokens', 'content_filter']) }).nullable(),
  error: z.strictObject({ code: z.string().min(1), message: z.string().min(1) }).nullable(),
  model: z.string().min(1),
  output: z.array(outputItem),
  usage: usage.nullable(),
  previous_response_id: z.null(),
  instructions: z.string().nullable(),
  tools: z.array(z.discriminatedUnion('type', [functionTool, openaiTool])),
  tool_choice: z.union([toolMode, namedTool, allowedTools]),
  parallel_tool_calls: z.boolean(),
  max_tool_calls: z.int().nullable(),
  text: z.strictObject({ format: textFormat, verbosity: z.enum(['low', 'medium', 'high']).optional() }),
  reasoning: z.strictObject({ effort: z.string().nullable(), summary: z.string().nullable() }).nullable(),
  temperature: z.number(),
  top_p: z.number(),
  presence_penalty: z.number(),
  frequency_penalty: z.number(),
  top_logprobs: count,
  max_output_tokens: count.nullable(),
  truncation: z.literal('disabled'),
  store: z.literal(false),
  background: z.literal(false),
  service_tier: z.string(),
  metadata: z.record(z.string(), z.string()),
  safety_identifier: z.string().nullable(),
  prompt_cache_key: z.string().nullable(),
  user: z.string().nullable().optional(), // OpenAI's
});
export type ResponseObject = z.infer<typeof responseObject>;
