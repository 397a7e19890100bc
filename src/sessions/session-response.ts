import { z } from 'zod';
import { limit, time } from '../base/fields.ts';
import type { Session } from '../identity/records/session.ts';

const text = z.string();
const list = z.array(text).nullable().meta({ description: 'null restricts nothing.' });

/** What is shown of a session, but for its limits and what is pinned. */
export const sessionFields = {
  id: text,
  models: list,
  endpoints: list,
  origins: list,
  tools: list,
  end_user: text.nullable(),
  expires_at: time,
  created_at: time,
} satisfies Record<Exclude<keyof Session, 'limits' | 'pinned'>, z.ZodType>;

/** A session that was just made. */
export const mintedSession = z
  .object({
    ...sessionFields,
    token: text.meta({ description: 'The secret itself, this once.' }),
    expires_in: z.int().meta({ description: 'Seconds.' }),
    limits: z.array(limit),
    pinned: z
      .looseObject({ endpoint: text, allow: z.array(text) })
      .nullable()
      .meta({ description: 'As it was asked for.' }),
  })
  .meta({ id: 'MintedSession' });
