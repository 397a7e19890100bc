import { time } from '../base/fields.ts';
import { z } from 'zod';
import type { StreamEntry } from '../store/store.ts';
import { messageId } from './sender.ts';

/** A line of a webhook's delivery log, as the API shows it. */
export const deliveryLine = z
  .object({
    time: time.meta({ description: "When the try ended, by the store's clock." }),
    event: z.string().meta({ description: 'The webhook-id of the event.' }),
    type: z.string(),
    try: z.int().min(0).meta({ description: 'Which try of this event it was.' }),
    outcome: z.enum(['delivered', 'retry', 'given_up', 'dropped', 'test_delivered', 'test_failed']).meta({
      description:
        'retry: it failed and is tried again. dropped: more events waited than may; the line stands for `events` of them.',
    }),
    next_at: time.nullable().meta({ description: 'When the event is tried again; null: it is not.' }),
    status: z.int().nullable().meta({ description: 'Null: there was no answer.' }),
    error: z.string().nullable().meta({ description: 'A fixed word, such as timeout or refused_address.' }),
    duration_ms: z.int().min(0),
    events: z.int().min(1).meta({ description: 'How many events the line stands for.' }),
  })
  .meta({ id: 'DeliveryLine' });
export type DeliveryLine = z.infer<typeof deliveryLine>;

/** Reads a line as `log_delivery_line.lua` writes it; none if this version does not know it. Pure. */
export function deliveryLineIn([id, fields]: StreamEntry): DeliveryLine[] {
  const [, event = '', , type, , tried, , outcome, , status, , error, , duration, , events, , nextAt] =
    fields;
  const read = deliveryLine.safeParse({
    time: new Date(Number.parseInt(id, 10)).toISOString(),
    event: messageId(event),
    type,
    try: Number(tried),
    outcome,
    next_at: nextAt === '' ? null : new Date(Number(nextAt)).toISOString(),
    status: status === '' ? null : Number(status),
    error: error === '' ? null : error,
    duration_ms: Number(duration),
    events: Number(events),
  });
  return read.success ? [read.data] : [];
}
