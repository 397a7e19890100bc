import { z } from 'zod';
import { eventNames, eventTypes } from '../../base/event.ts';
import { name } from '../../base/fields.ts';
import { maxUrlLength, webhookFormats } from '../records/webhook.ts';
import { overlap } from './requests.ts';

/** Whose events a webhook gets. */
export type WebhookScope = 'gateway' | 'team';

/** The types that a webhook can ask for: a test is sent to whichever is tried. */
export function typesFor(scope: WebhookScope) {
  return eventNames.filter(
    (type) => type !== 'webhook.test' && (scope === 'gateway' || eventTypes[type].of !== 'gateway'),
  );
}

/** The bodies that make and change webhooks. `urlProblem` says what an address must be; null: it may be one. */
export function webhookSchemas(scope: WebhookScope, urlProblem: (url: string) => string | null) {
  const types = typesFor(scope);
  const url = z
    .string()
    .max(maxUrlLength, { error: `must have at most ${maxUrlLength} characters`, abort: true })
    .superRefine((text, context) => {
      const message = urlProblem(text);
      if (message !== null) context.addIssue({ code: 'custom', message });
    })
    .meta({
      description: 'https://…; what is after the host is told to no auditor, and is not in the audit trail.',
    });
  const events = z
    .array(z.enum(types, `must be one of ${types.join(', ')}`))
    .min(1, 'must name a type of event; null, or left out: all of them')
    .transform((list) => [...new Set(list)])
    .nullish()
    .meta({ description: 'Null: all types.' });
  return {
    newWebhook: z.strictObject({
      url,
      name: name.nullish(),
      format: z
        .enum(webhookFormats, `must be one of ${webhookFormats.join(', ')}`)
        .nullish()
        .meta({
          description:
            'standard: JSON, signed by Standard Webhooks. slack: a line of text, for Slack, Discord and Teams. Left out: by the host.',
        }),
      events,
    }),
    webhookChange: z.strictObject({ url: url.exactOptional(), name: name.nullish(), events }),
  };
}

export type NewWebhook = z.infer<ReturnType<typeof webhookSchemas>['newWebhook']>;
export type WebhookChange = z.infer<ReturnType<typeof webhookSchemas>['webhookChange']>;

/** The body of `POST …/webhooks/:id/rotate`. */
export const webhookRotation = z.strictObject({ overlap_seconds: overlap.nullish() });
