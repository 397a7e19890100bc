import { z } from 'zod';
import { countedMetrics, windows } from '../base/limit.ts';
import { sessionFields } from '../sessions/schema.ts';
import { time } from '../base/fields.ts';

/* What a token is told of itself, and a session of itself. */

const text = z.string();
const list = z.array(text).nullable().meta({ description: 'null restricts nothing.' });

export const modelResponse = z
  .object({
    id: text,
    object: z.literal('model'),
    created: z.int(),
    owned_by: text,
    alias_of: text.exactOptional().meta({ description: 'The model that this name stands for.' }),
  })
  .meta({ id: 'Model' });

export const modelsResponse = z
  .object({ object: z.literal('list'), data: z.array(modelResponse) })
  .meta({ id: 'Models' });

export const availableModelsResponse = z
  .array(z.object({ model_id: text, type: z.array(text), regions: z.array(text) }))
  .meta({ id: 'AvailableModels' });

/** A limit and what is left of it. */
const limitState = z
  .object({
    scope: z.enum(['gateway', 'team', 'user', 'token', 'session']),
    metric: z.enum([...countedMetrics, 'concurrency']),
    window: z.enum(windows).nullable(),
    max: z.number(),
    used: z.number(),
    remaining: z.number(),
    resets_at: time.nullable(),
    models: z.array(text).exactOptional(),
    endpoints: z.array(text).exactOptional(),
  })
  .meta({ id: 'LimitState' });

const ownToken = z.object({
  id: text,
  name: text.nullable(),
  prefix: text,
  models: list,
  endpoints: list,
  origins: list,
  tools: list,
  expires_at: time.nullable(),
  created_at: time,
});
const ownSession = z.object({
  ...sessionFields,
  pinned: z
    .object({ endpoint: text, fields: z.array(text), allow: z.array(text) })
    .nullable()
    .meta({ description: 'The names of the fields that are pinned, not their values.' }),
});

/** Of a token, its user and team; of a session, itself. */
export const meResponse = z
  .object({
    token: ownToken.exactOptional(),
    user: z.object({ id: text, name: text.nullable(), email: text.nullable() }).exactOptional(),
    team: z.object({ id: text, name: text.nullable(), models: list }).exactOptional(),
    session: ownSession.exactOptional(),
    limits: z.array(limitState),
  })
  .meta({ id: 'Me', description: 'The token, its user and team; or the session.' });
