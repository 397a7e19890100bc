import { z } from 'zod';
import type { Outcome } from '../base/outcome.ts';
import { usageFigures, usageGroups, type LedgerEntry } from './entry.ts';
import { refusalGroups } from './refusal-count.ts';
import { time } from '../base/fields.ts';

/* What the ledger says, as the API shows it. */

export const outcomes = ['ok', 'error', 'aborted', 'lost'] as const satisfies readonly Outcome[];

const text = z.string();
const count = z.int().min(0);

export const entryResponse = z
  .object({
    id: text,
    request_id: text,
    time,
    team: text,
    user: text,
    token_id: text,
    session_id: text.nullable(),
    end_user: text.nullable(),
    endpoint: text,
    model: text,
    model_requested: text
      .nullable()
      .meta({ description: 'The model asked for, where its fallback answered; else null.' }),
    model_accepted: z.boolean(),
    status: z.int(),
    outcome: z.enum(outcomes),
    error_code: text.nullable(),
    input_tokens: count,
    output_tokens: count,
    images: count,
    search_units: count.meta({ description: 'What a rerank is billed in.' }),
    cost_usd: z.number().nullable().meta({ description: 'null where the model has no price.' }),
    usage: z.enum(['reported', 'estimated']),
    stream: z.boolean(),
    duration_ms: z.number(),
    ttfb_ms: z.number().nullable(),
  } satisfies Record<keyof LedgerEntry, z.ZodType>)
  .meta({ id: 'Entry', description: 'A request that was admitted.' });

export const usageRowResponse = z
  .object({
    ...fieldsNamed(usageGroups, text.exactOptional()),
    ...fieldsNamed(usageFigures, count),
    cost_usd: z.number().min(0),
  })
  .meta({ id: 'UsageRow', description: 'Sums; it has the groups that group_by named.' });

export const refusalRowResponse = z
  .object({ ...fieldsNamed(refusalGroups, text.nullable().exactOptional()), refused: count })
  .meta({ id: 'RefusalRow', description: 'A count; it has the groups that group_by named.' });

function fieldsNamed<Name extends string, Type extends z.ZodType>(
  names: readonly Name[],
  type: Type,
): Record<Name, Type> {
  return Object.fromEntries(names.map((name) => [name, type])) as Record<Name, Type>; // made of the names
}
