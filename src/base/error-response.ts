import { z } from 'zod';
import { anthropicTypes } from './error-body.ts';
import { type ErrorCode, errorTable } from './refusal.ts';

const codes = Object.keys(errorTable) as ErrorCode[]; // its keys are the codes
const types = [...new Set(Object.values(errorTable).map(({ type }) => type))];

/** Each code with its status and type, a line each. */
const meanings = codes.map((code) => `- \`${code}\`: ${errorTable[code].status}, ${errorTable[code].type}`);

const errorCode = z.enum(codes).meta({
  id: 'ErrorCode',
  description: `What went wrong, for programs. Its status and type:\n\n${meanings.join('\n')}\n\nAn error of the upstream that it explained keeps the upstream's own status.`,
});

const refusedLimit = z.object({
  scope: z.string(),
  metric: z.string(),
  window: z.string().nullable(),
  max: z.number(),
  resets_at: z.string().nullable().meta({ format: 'date-time' }),
});

const error = z.object({
  message: z.string(),
  type: z.enum(types),
  param: z.string().nullable().meta({ description: 'The field or parameter that is wrong.' }),
  code: errorCode,
  details: z
    .array(z.object({ param: z.string(), message: z.string() }))
    .exactOptional()
    .meta({ description: 'What else is wrong.' }),
  limit: refusedLimit.exactOptional().meta({ description: 'The limit that was reached.' }),
  request_id: z.string().nullable(),
});

/** Every error but those of sign-in, and those below. */
export const errorResponse = z.object({ error }).meta({ id: 'Error' });

/** Every error under `/v1/messages`. */
export const anthropicErrorResponse = z
  .object({
    type: z.literal('error'),
    error: error.extend({ type: z.enum(anthropicTypes) }),
    request_id: z.string().nullable(),
  })
  .meta({ id: 'AnthropicError' });
