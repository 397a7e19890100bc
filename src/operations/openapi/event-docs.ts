import { z } from 'zod';
import { eventNames, eventTypes, type EventType } from '../../base/event.ts';
import { slug, time } from '../../base/fields.ts';
import type { OpenApiDocument, ParameterObject } from './document.ts';
import { eventExamples } from './event-examples.ts';
import { groupOf } from './groups.ts';
import type { ConvertedSchemas } from './schemas.ts';

/** What is sent for each type of event. */
export function eventMessages(): ReadonlyMap<EventType, z.ZodType> {
  return new Map(eventNames.map((type) => [type, messageOf(type)]));
}

function messageOf(type: EventType): z.ZodType {
  const team = slug.nullable().meta({ description: 'Null: it concerns no team.' });
  return z
    .object({
      type: z.literal(type),
      timestamp: time.meta({ description: 'When it happened. RFC 3339, UTC.' }),
      data: eventTypes[type].data.extend({ team }),
    })
    .meta({ id: `${titled(type)}Event` });
}

const signed =
  'Signed by Standard Webhooks (standardwebhooks.com): the text is webhook-id, webhook-timestamp and body, with dots between.';

/** The part of the description that says what receivers get. */
export function sentAs(
  messages: ReadonlyMap<EventType, z.ZodType>,
  schemas: ConvertedSchemas,
): OpenApiDocument['webhooks'] {
  return Object.fromEntries(
    [...messages].map(([type, message]) => {
      const schema = schemas.of(message);
      const example = exampleOf(type);
      const post = {
        operationId: `on${titled(type)}`,
        tags: [groupOf('/admin/webhooks')],
        summary: type,
        description: `${eventTypes[type].says} ${signed}`,
        security: [],
        parameters: headers,
        requestBody: { required: true, content: { 'application/json': { schema, example } } },
        responses: {
          '2XX': { description: 'Taken. Anything else, or nothing within 5 seconds: it is sent again.' },
        },
      };
      return [type, { post }];
    }),
  );
}

const headers: readonly ParameterObject[] = [
  header('webhook-id', 'The same for every try of an event.', 'evt_1764495000000-0'),
  header('webhook-timestamp', 'When this try was sent, seconds since 1970.', '1764495000'),
  header(
    'webhook-signature',
    'v1, a comma, and an HMAC-SHA256 in base64; two with a space between while two secrets are in use.',
    'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
  ),
];

function header(name: string, description: string, example: string): ParameterObject {
  return { name, in: 'header', required: true, description, schema: { type: 'string' }, example };
}

/** A message of a type, as it may be. */
export function exampleOf(type: EventType): object {
  const team = eventTypes[type].of === 'gateway' ? null : 'acme';
  return { type, timestamp: '2026-11-30T09:30:00.000Z', data: { ...eventExamples[type], team } };
}

/** `limit.reached` is `LimitReached`. */
function titled(type: EventType): string {
  const words = type.split(/[._]/);
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}
