import { z } from 'zod';

/*
 * The response, for the API's description: the gateway writes these fields itself (src/proxy/responses), so all of them
 * are always there.
 */

const status = z.enum(['in_progress', 'completed', 'incomplete']);
const call = { id: z.string(), status, call_id: z.string(), name: z.string() };

const message = z.looseObject({
  type: z.literal('message'),
  id: z.string(),
  status,
  role: z.literal('assistant'),
  content: z.array(
    z.union([
      z.looseObject({ type: z.literal('output_text'), text: z.string() }),
      z.looseObject({ type: z.literal('refusal'), refusal: z.string() }),
    ]),
  ),
});
const reasoning = z.looseObject({
  type: z.literal('reasoning'),
  id: z.string(),
  status,
  summary: z.array(z.looseObject({ type: z.literal('summary_text'), text: z.string() })),
});
const functionCall = z.looseObject({ type: z.literal('function_call'), ...call, arguments: z.string() });
const customCall = z.looseObject({ type: z.literal('custom_tool_call'), ...call, input: z.string() });

const usage = z.looseObject({
  input_tokens: z.int(),
  input_tokens_details: z.looseObject({ cached_tokens: z.int() }),
  output_tokens: z.int(),
  output_tokens_details: z.looseObject({ reasoning_tokens: z.int() }),
  total_tokens: z.int(),
});

/** What `POST /v1/responses` answers. The fields that repeat the request are not all listed. */
export const answerSchema = z.looseObject({
  id: z.string(),
  object: z.literal('response'),
  created_at: z.int(),
  completed_at: z.int().nullable(),
  status: z.enum(['completed', 'incomplete', 'failed']),
  incomplete_details: z.looseObject({ reason: z.enum(['max_output_tokens', 'content_filter']) }).nullable(),
  error: z.looseObject({ code: z.string(), message: z.string() }).nullable(),
  model: z.string(),
  output: z.array(z.union([message, reasoning, functionCall, customCall])),
  usage: usage.nullable(),
  store: z.literal(false),
});
