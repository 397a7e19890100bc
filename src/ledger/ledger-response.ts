import { z } from 'zod';
import { figures, type FigureName } from '../base/figures.ts';
import type { Outcome } from '../base/outcome.ts';
import { tags } from '../base/tags.ts';
import type { LedgerEntry } from './entry.ts';
import { refusalGroups } from './refusal-count.ts';
import { totalsGroups, usageFigures } from './totals.ts';
import { time } from '../base/fields.ts';

/* The ledger as the API shows it. */

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
      .meta({ description: 'The model that was asked for, if its fallback answered; else null.' }),
    model_accepted: z.boolean(),
    status: z.int(),
    outcome: z.enum(outcomes),
    error_code: text.nullable(),
    ...figureFields(),
    cost_usd: z.number().nullable().meta({ description: 'Null if the model has no price.' }),
    usage: z.enum(['reported', 'estimated']),
    stream: z.boolean(),
    duration_ms: z.number(),
    ttfb_ms: z.number().nullable(),
    tags: tags.nullable(),
  } satisfies Record<keyof LedgerEntry, z.ZodType>)
  .meta({ id: 'Entry', description: 'A request that was admitted.' });

/** The fields of an entry, in the order of the columns of its reports. A new one comes last: some read CSV by position. */
export const entryFields = Object.keys(entryResponse.shape);

export const usageRowResponse = z
  .object({
    ...fieldsNamed(totalsGroups, text.exactOptional()),
    end_user: text
      .nullable()
      .exactOptional()
      .meta({ description: 'Null: none, or no longer known. (others): see tag:key.' }),
    ...fieldsNamed(usageFigures, count),
    cost_usd: z.number().min(0),
  })
  // As in `tag:project`: null is without the tag; `(others)` stands for those that a day had too many of.
  .catchall(text.nullable())
  .meta({
    id: 'UsageRow',
    description:
      'Sums. A row has the groups that group_by named; other fields are tag:key. Null: without it, or no longer known. (others): more than a day has room for.',
  });

export const refusalRowResponse = z
  .object({
    ...fieldsNamed(refusalGroups, text.nullable().exactOptional()),
    refused: count,
    last_at: time.nullable().meta({ description: 'When the last of them was refused.' }),
  })
  .meta({ id: 'RefusalRow', description: 'A count. A row has the groups that group_by named.' });

function figureFields(): Record<FigureName, z.ZodType<number>> {
  const fields = figures.map(({ name, description }) => [
    name,
    description === null ? count : count.meta({ description }),
  ]);
  return Object.fromEntries(fields) as Record<FigureName, z.ZodType<number>>; // has all the names
}

function fieldsNamed<Name extends string, Type extends z.ZodType>(
  names: readonly Name[],
  type: Type,
): Record<Name, Type> {
  return Object.fromEntries(names.map((name) => [name, type])) as Record<Name, Type>; // has all the names
}
