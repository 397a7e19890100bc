import { z } from 'zod';
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

interface EventKind {
  /** One sentence: when it happens. */
  says: string;
  /** Whether it concerns a team, the gateway as a whole, or either. Of a team, its administrators get it too. */
  of: 'team' | 'gateway' | 'either';
  data: z.ZodObject;
}

/** Every type of event. The order is that of the documentation. */
export const eventTypes = {
  'limit.reached': {
    says: 'A limit per day or month is used up to one of the levels of LIMIT_EVENT_LEVELS, by requests that are settled. Once in its window.',
    of: 'either',
    data: limited.extend({
      level: z.number().meta({ description: 'Percent of max.' }),
      used: z.number(),
      enforced: z.boolean().meta({ description: 'False: it only observes.' }),
      resets_at: time,
    }),
  },
  'limit.refusing': {
    says: 'Limits of a team, or of the gateway, have refused requests: at the first, and then at most once an hour, with how many since. Limits of sessions and end users are left out.',
    of: 'either',
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
    says: 'Tokens of a team expire in seven days, and again in one (UTC days). Told once a day for all of them, unless they were made for a shorter time.',
    of: 'team',
    data: z.object({
      days: z.union([z.literal(7), z.literal(1)]),
      tokens: z.array(ofToken.extend({ expires_at: time })).meta(firstTokens),
      more: count.meta({ description: 'How many others.' }),
    }),
  },
  'token.unused': {
    says: 'Tokens of a team that work were neither used nor rotated for 30 days, and again for 60, 90 and so on. Told once a day for all of them.',
    of: 'team',
    data: z.object({
      tokens: z.array(ofToken.extend({ last_used_at: time.nullable(), created_at: time })).meta(firstTokens),
      more: count.meta({ description: 'How many others.' }),
    }),
  },
  'token.rotated': {
    says: 'A token has a new secret.',
    of: 'team',
    data: ofToken.extend({ actor: id }),
  },
  'token.claimed': {
    says: 'The link that shows a token was opened.',
    of: 'team',
    data: z.object({ token: id }),
  },
  'token.revoked': {
    says: 'A token was revoked.',
    of: 'team',
    data: ofToken.extend({ actor: id, because: orNone }),
  },
  'token.leaked': {
    says: 'Somebody has reported that a token, or a credential of an administrator, is where others can read it. It was revoked.',
    of: 'either',
    data: z.object({ token: id, user: orNone, name: orNone, reported_url: orNone }),
  },
  'admin.created': {
    says: 'There is a new administrator.',
    of: 'gateway',
    data: z.object({ admin: id, name: orNone, role: id, teams: z.array(id).nullable(), actor: id }),
  },
  'signin.provisioned': {
    says: 'A user was made because somebody signed in.',
    of: 'team',
    data: z.object({ user: id }),
  },
  'upstream.down': {
    says: 'An attachment fails for whoever asks: it cannot be connected to (model is null), or two teams have met failures of a model and nobody an answer. Not within ten minutes after it recovered.',
    of: 'gateway',
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
    says: 'An attachment that was down answers again.',
    of: 'gateway',
    data: z.object({ attachment: id, model: orNone, down_for_s: count }),
  },
  'upstream.key_refused': {
    says: 'The upstream refuses the key of an attachment, or its access to a model. Once a day.',
    of: 'gateway',
    data: z.object({ attachment: id, status: z.int() }),
  },
  'store.filling': {
    says: 'The store is 80 or 95 % full. Once a day, and once more if it comes from the one to the other.',
    of: 'gateway',
    data: z.object({ level: z.union([z.literal(80), z.literal(95)]), used_bytes: count, max_bytes: count }),
  },
  'records.lag': {
    says: 'What is to be recorded in Postgres waits for over ten minutes, or takes half of RECORDS_BACKLOG_BYTES. Once an hour.',
    of: 'gateway',
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
    says: 'Something left the store before it was in Postgres. At most once an hour for each stream.',
    of: 'gateway',
    data: z.object({
      stream: id,
      missing: count.nullable().meta({ description: 'Null if nobody knows how many.' }),
      reason: id,
    }),
  },
  'audit.head': {
    says: 'The newest entry of the audit trail and its hash, once a day: kept elsewhere, it proves that the trail was not altered.',
    of: 'gateway',
    data: z.object({ day, sequence: count, hash: id }),
  },
  'spend.anomaly': {
    says: 'A team has spent more than three times as much today as on average on the seven days before (UTC), and a dollar at least; on three of these it has spent something. Once a day.',
    of: 'team',
    data: z.object({ day, cost_usd: usd, mean_usd: usd }),
  },
  'usage.digest': {
    says: 'What a team used in the week that ended on Sunday (UTC), beside the week before: every Monday, if it used something in either.',
    of: 'team',
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
    says: 'A destination has taken nothing for a day, or has answered 410, so that nothing is sent to it any more.',
    of: 'either',
    data: z.object({ webhook: id, host: id, because: id }),
  },
  'webhook.test': {
    says: 'An administrator tries a destination.',
    of: 'either',
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
