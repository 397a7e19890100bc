import { z } from 'zod';
import { eventNames } from '../../base/event.ts';
import { name, slug, storedTime } from '../../base/fields.ts';

/** How an event is written: as JSON with a signature of Standard Webhooks, or as a line of text for a chat. */
export const webhookFormats = ['standard', 'slack'] as const;

/** A secret that signs what is sent: `whsec_` and base64, as Standard Webhooks has it. */
const signingSecret = z.strictObject({
  text: z.string().regex(/^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/),
  /** Absent: until it is replaced. The one before a rotation signs beside the new one until then. */
  until: storedTime.exactOptional(),
});

/** Where events are sent, as it is stored. */
export const webhookFields = z.strictObject({
  /** `wh_…` */
  id: z.string().regex(/^wh_[0-9A-Za-z]{12}$/),
  /** Whose events it gets; null: those of the gateway, and of all teams. */
  team: slug.nullable(),
  name: name.nullable(),
  url: z.string().max(2_000),
  format: z.enum(webhookFormats),
  /** Null: all types. */
  events: z.array(z.enum(eventNames)).min(1).nullable(),
  /** The newest first; none if it is written for a chat. */
  secrets: z.array(signingSecret).max(2),
  created_at: storedTime,
  /** Since when nothing is sent, and why; null: it is sent. */
  disabled_at: storedTime.nullable(),
  disabled_because: z.string().max(200).nullable(),
});
export type Webhook = z.infer<typeof webhookFields>;
