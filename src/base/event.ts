import { z } from 'zod';
import { said, type SaidOfEvent } from './event-says.ts';
import { countedMetrics, windows } from './limit.ts';
import type { JsonObject } from './request.ts';

/*
 * What the gateway tells of itself: each type of event, and what its data has. Names of fields are those of the API, amounts
 * are in the units of the API (`cost_usd` in dollars), times are RFC 3339 UTC. Nothing here can be a secret, a prompt or an
 * answer: what is in an event leaves the gateway.
 */

const id = z.string();
const orNone = id.nullable();
const count = z.int().min(0);
const time = z.iso.datetime();
const day = z.iso.date();
const usd = z.number().min(0);

const limited = z.object({
  scope: z.enum(['gateway', 'team', 'user', 'token']),
  user: orNone,
  token: orNone,
  metric: z.enum([...countedMetrics, 'concurrency']),
  window: z.enum(windows).nullable().meta({ description: 'Null if the metric is concurrency.' }),
  max: z.number().meta({ description: 'With what raises add to it.' }),
  models: z.array(z.string()).exactOptional(),
});

const ofToken = z.object({
  token: id,
  user: id,
  name: orNone,
});

const firstTokens = { description: 'At most 20.' };

interface EventKind extends SaidOfEvent {
  data: z.ZodObject;
}

/** Every type of event. The order is that of the documentation. */
export const eventTypes = {
  'limit.reached': {
    ...said['limit.reached'],
    data: limited.extend({
      level: z.number().meta({ description: 'Percent of max.' }),
      used: z.number(),
      enforced: z.boolean().meta({ description: 'False: it only observes.' }),
      resets_at: time,
    }),
  },
  'limit.refusing': {
    ...said['limit.refusing'],
    data: z.object({
      refused: count.min(1),
      since: time,
      limits: z
        .array(
          z.object({ limit: z.string().meta({ description: 'Such as team tokens/day.' }), refused: count }),
        )
        .meta({ description: 'The ten that have refused most.' }),
      users: z
        .array(z.object({ team: id, user: id }))
        .meta({ description: 'Those who were refused most on that day, at most five.' }),
    }),
  },
  'token.expiring': {
    ...said['token.expiring'],
    data: z.object({
      days: z.union([z.literal(7), z.literal(1)]),
      tokens: z.array(ofToken.extend({ expires_at: time })).meta(firstTokens),
      more: count.meta({ description: 'How many others.' }),
    }),
  },
  'token.unused': {
    ...said['token.unused'],
    data: z.object({
      tokens: z.array(ofToken.extend({ last_used_at: time.nullable(), created_at: time })).meta(firstTokens),
      more: count.meta({ description: 'How many others.' }),
    }),
  },
  'token.rotated': {
    ...said['token.rotated'],
    data: ofToken.extend({ actor: id }),
  },
  'token.claimed': {
    ...said['token.claimed'],
    data: z.object({ token: id }),
  },
  'token.revoked': {
    ...said['token.revoked'],
    data: ofToken.extend({ actor: id, because: orNone }),
  },
  'token.leaked': {
    ...said['token.leaked'],
    data: z.object({ token: id, user: orNone, name: orNone, reported_url: orNone }),
  },
  'admin.created': {
    ...said['admin.created'],
    data: z.object({ admin: id, name: orNone, role: id, teams: z.array(id).nullable(), actor: id }),
  },
  'signin.provisioned': {
    ...said['signin.provisioned'],
    data: z.object({ user: id }),
  },
  'upstream.down': {
    ...said['upstream.down'],
    data: z.object({
      attachment: id,
      model: orNone.meta({ description: 'Null: it cannot be connected to.' }),
      cause: id,
      only_team: orNone.meta({
        description: 'The only team that has met it, whose requests may be why. Null: it fails whoever asks.',
      }),
    }),
  },
  'upstream.recovered': {
    ...said['upstream.recovered'],
    data: z.object({ attachment: id, model: orNone, down_for_s: count }),
  },
  'upstream.key_refused': {
    ...said['upstream.key_refused'],
    data: z.object({ attachment: id, status: z.int() }),
  },
  'store.filling': {
    ...said['store.filling'],
    data: z.object({ level: z.union([z.literal(80), z.literal(95)]), used_bytes: count, max_bytes: count }),
  },
  'records.lag': {
    ...said['records.lag'],
    data: z.object({
      entries: count,
      refusals: count,
      audit: count,
      bytes: count.meta({ description: 'What it takes in the store, about.' }),
      oldest_at: time.nullable().meta({ description: 'Since when the oldest of it waits.' }),
      drained_at: time.nullable().meta({ description: 'When something was last recorded.' }),
    }),
  },
  'records.gap': {
    ...said['records.gap'],
    data: z.object({
      stream: id,
      missing: count.nullable().meta({ description: 'Null if nobody knows how many.' }),
      reason: id,
    }),
  },
  'audit.head': {
    ...said['audit.head'],
    data: z.object({ day, sequence: count, hash: id }),
  },
  'spend.anomaly': {
    ...said['spend.anomaly'],
    data: z.object({ day, cost_usd: usd, mean_usd: usd }),
  },
  'usage.digest': {
    ...said['usage.digest'],
    data: z.object({
      from: day,
      to: day,
      requests: count,
      input_tokens: count,
      output_tokens: count,
      images: count,
      errors: count,
      cost_usd: usd,
      before: z.object({ requests: count, cost_usd: usd }).meta({ description: 'The week before.' }),
      users: z
        .array(z.object({ user: id, requests: count, cost_usd: usd }))
        .meta({ description: 'At most 20: those that cost most.' }),
      more_users: count.meta({ description: 'How many others.' }),
    }),
  },
  'webhook.disabled': {
    ...said['webhook.disabled'],
    data: z.object({ webhook: id, host: id, because: id }),
  },
  'webhook.test': {
    ...said['webhook.test'],
    data: z.object({ webhook: id, actor: id }),
  },
} as const satisfies Record<string, EventKind>;

export type EventType = keyof typeof eventTypes;
export const eventNames = Object.keys(eventTypes) as [EventType, ...EventType[]]; // a table of literals

/** What happened, as it is told. */
export interface GatewayEvent<Type extends EventType = EventType> {
  type: Type;
  /** Whose administrators are told too; null: it concerns no team. */
  team: string | null;
  data: z.input<(typeof eventTypes)[Type]['data']>;
}

/** An event as the outbox has it. */
export interface StoredEvent {
  /** Its id in the stream: `ms-number`. `webhook-id` is `evt_` and this, the same for every try of every delivery. */
  id: string;
  /** When it was told, by the store's clock, ms. */
  timeMs: number;
  type: EventType;
  team: string | null;
  data: JsonObject;
}
