import { z } from 'zod';
import { time } from '../../base/fields.ts';
import { webhookFields } from '../records/webhook.ts';

const { secrets: _secrets, ...shownFields } = webhookFields.shape;

const states = ['ok', 'failing', 'disabled'] as const;

const webhook = z.object({
  ...shownFields,
  url: z.string().meta({ description: 'An auditor is shown nothing that comes after the host.' }),
  state: z.enum(states).meta({
    description: 'failing: the last try has failed. disabled: nothing is sent until it is enabled.',
  }),
  failing_since: time.nullable(),
  waiting: z.int().min(0).meta({ description: 'How many events are still to be sent.' }),
  old_secret_expires_at: time
    .nullable()
    .meta({ description: 'Until then the secret before the last rotation signs beside the new one.' }),
});

/** Where events are sent, as the API shows it. */
export const webhookResponse = webhook.meta({ id: 'Webhook' });

export const issuedWebhook = webhook
  .extend({
    secret: z
      .string()
      .nullable()
      .meta({ description: 'What signs, this once: whsec_ and base64. Null: a chat is not signed for.' }),
  })
  .meta({ id: 'IssuedWebhook' });
