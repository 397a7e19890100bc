import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { eventNames } from '../../base/event.ts';
import { name, slug, storedTime } from '../../base/fields.ts';
import { chatOf } from '../../base/webhook-address.ts';

/** How an event is written: as JSON with a signature of Standard Webhooks, or as a line of text for a chat. */
export const webhookFormats = ['standard', 'slack'] as const;
export type WebhookFormat = (typeof webhookFormats)[number];

/** A secret that signs what is sent: `whsec_` and base64, as Standard Webhooks has it. */
const signingSecret = z.strictObject({
  text: z.string().regex(/^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/),
  /** Absent: until it is replaced. The one before a rotation signs beside the new one until then. */
  until: storedTime.exactOptional(),
});
export type SigningSecret = z.infer<typeof signingSecret>;

/** The address of a destination is as long as this at most. */
export const maxUrlLength = 2_000;

/** Where events are sent, as it is stored. */
export const webhookFields = z.strictObject({
  /** `wh_…` */
  id: z.string().regex(/^wh_[0-9A-Za-z]{12}$/, 'must be the id of a webhook such as wh_…'),
  /** Whose events it gets; null: those of the gateway, and of all teams. */
  team: slug.nullable(),
  name: name.nullable(),
  url: z
    .string()
    .max(maxUrlLength, `must have at most ${maxUrlLength} characters`)
    .refine((text) => URL.canParse(text), 'must be a URL'),
  format: z.enum(webhookFormats, `must be one of ${webhookFormats.join(', ')}`),
  /** Null: all types. */
  events: z
    .array(z.enum(eventNames, 'must be a type of event'))
    .min(1, 'must name a type of event; null: all')
    .nullable(),
  /** The newest first; none if it is written for a chat. */
  secrets: z.array(signingSecret).max(2),
  created_at: storedTime,
  /** Since when nothing is sent, and why; null: it is sent. */
  disabled_at: storedTime.nullable(),
  disabled_because: z.string().max(200, 'must have at most 200 characters').nullable(),
});
export type Webhook = z.infer<typeof webhookFields>;

/** How many destinations the gateway may have, and each team: every event is handed to all of them. */
export const mostWebhooks = { gateway: 20, team: 5 } as const;

const secretBytes = 32;

/** A new secret, as Standard Webhooks writes it: 256 random bits. */
export function newSigningSecret(): string {
  return `whsec_${randomBytes(secretBytes).toString('base64')}`;
}

/** How events are written for an address, if nobody says: text for the chats that are known by their address. Pure. */
export function formatOf(url: string): WebhookFormat {
  const address = URL.parse(url);
  return address !== null && chatOf(address) !== null ? 'slack' : 'standard';
}
