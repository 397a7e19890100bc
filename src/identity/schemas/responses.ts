import { z } from 'zod';
import { limit, time } from '../../base/fields.ts';
import { countedMetrics, windows } from '../../base/limit.ts';
import { tags } from '../../base/tags.ts';
import { tokenStates } from '../records/token-state.ts';
import { type ModelKind, modelKinds } from '../../base/model.ts';
import { type PricePart, priceParts } from '../../base/price.ts';
import { administratorFields } from '../records/administrator.ts';
import { teamFields, tokenFields, userFields } from '../records/identity.ts';

/* Records as the API shows them. Later versions may add fields, so clients must ignore unknown ones. */

const text = z.string();
const kinds = Object.keys(modelKinds) as ModelKind[];

/** What was accepted and will not do what it seems to, when it is set. */
const warnings = z.array(text).exactOptional().meta({ description: 'Only in the answer to a change.' });

const asked = 'Only with usage=true.';

/** A limit in an answer, with what is used of it if that was asked for. */
export const shownLimit = z
  .object({
    id: text.exactOptional().meta({ description: 'By it, the limit can be raised.' }),
    metric: z.enum([...countedMetrics, 'concurrency']),
    window: z.enum(windows).exactOptional(),
    max: z.number(),
    models: z.array(text).exactOptional(),
    endpoints: z.array(text).exactOptional(),
    tags: tags.exactOptional(),
    count_cached: z.boolean().exactOptional(),
    enforce: z.boolean().exactOptional(),
    used: z.number().exactOptional().meta({ description: asked }),
    remaining: z.number().exactOptional().meta({ description: asked }),
    resets_at: time
      .nullable()
      .exactOptional()
      .meta({ description: `When all of it is free again; null for concurrency. ${asked}` }),
    raised_by: z
      .number()
      .exactOptional()
      .meta({ description: `What raises add to max now; absent: nothing. ${asked}` }),
    raised_until: time.exactOptional().meta({ description: `When the first of these raises ends. ${asked}` }),
  })
  .meta({ id: 'ShownLimit' });
const limits = z.array(shownLimit);

/** An end user of a team, as far as the gateway knows one. */
export const endUserResponse = z
  .object({
    end_user: text,
    suspended_at: time.nullable(),
    limits: limits.exactOptional().meta({ description: 'Not in the answer to a change.' }),
  })
  .meta({ id: 'EndUser' });

export const teamResponse = z.object({ ...teamFields.shape, limits, warnings }).meta({ id: 'Team' });
export const userResponse = z.object({ ...userFields.shape, limits, warnings }).meta({ id: 'User' });

const secret = z
  .object({
    prefix: text,
    created_at: time,
    expires_at: time.nullable(),
    last_used_at: time.nullable(),
    link_made_at: time
      .exactOptional()
      .meta({ description: 'When a link was made that shows it, if one was.' }),
    link_opened_at: time
      .nullable()
      .exactOptional()
      .meta({ description: 'When that link was opened; null: not yet.' }),
  })
  .meta({ id: 'TokenSecret' });

const token = z.object({
  ...tokenFields.shape,
  limits,
  secrets: z.array(secret).meta({ description: 'The newest first; empty if nobody holds one.' }),
  warnings,
});

export const tokenResponse = token.meta({ id: 'Token' });

/** A token of a search over teams. */
export const foundToken = token
  .extend({
    state: z.enum(tokenStates),
    last_used_at: time.nullable().meta({ description: 'Of whichever secret; null: never.' }),
  })
  .meta({ id: 'FoundToken' });

/** A token with its text, or with the link that shows it. */
export const issuedToken = token
  .extend({
    token: text.exactOptional().meta({ description: 'The secret itself, this once; not with claim.' }),
    claim_url: text.exactOptional().meta({ description: 'The link that shows the secret once.' }),
    claim_expires_at: time.exactOptional(),
  })
  .meta({ id: 'IssuedToken' });

/** The answer to a holder who rotates their own token. */
export const rotatedToken = z
  .object({ id: text, token: text, prefix: text, old_expires_at: time })
  .meta({ id: 'RotatedToken' });

export const administratorResponse = z.object(administratorFields.shape).meta({ id: 'Administrator' });

export const issuedAdministrator = z
  .object({
    ...administratorFields.shape,
    token: text.meta({ description: 'The secret itself, this once.' }),
  })
  .meta({ id: 'IssuedAdministrator' });

const someRows = z.array(z.looseObject({}));

/** An export; each row is checked when it is imported. */
export const identityDocument = z
  .looseObject({
    tollgate_export: z.literal(1),
    exported_at: time,
    teams: someRows.optional(),
    users: someRows.optional(),
    tokens: someRows.optional(),
  })
  .meta({ id: 'IdentityDocument' });

/** How many rows of an import had which outcome. */
export const importReport = z
  .object({
    created: z.int(),
    unchanged: z.int(),
    kept: z.int().meta({ description: 'The store says something else, and that stays.' }),
    overwritten: z.int(),
    revoked: z.int(),
  })
  .meta({ id: 'ImportReport' });

const defaultsOf = z.object({ limits: z.array(limit) });

export const settingsResponse = z
  .object({
    limits,
    end_user_limits: z.array(limit).exactOptional(),
    defaults: z.object({ team: defaultsOf, user: defaultsOf, token: defaultsOf }),
    warnings,
  })
  .meta({ id: 'Settings' });

const amount = z.number().exactOptional();
const amounts = Object.fromEntries(priceParts.map((part) => [part, amount])) as Record<
  PricePart,
  typeof amount
>; // has every part

const shownPrice = z
  .object({
    source: z
      .enum(['api', 'file'])
      .meta({ description: 'api: it was set here. file: the catalogue has it.' }),
    from: time.nullable().meta({ description: 'Null: from the beginning.' }),
    ...amounts,
  })
  .meta({ id: 'Price', description: 'US dollars.' });

export const pricesResponse = z
  .object({
    model: text,
    kind: z.enum(kinds).nullable().meta({
      description: 'Null: the catalogue does not have the model any more; its prices count for nothing.',
    }),
    in_force: shownPrice.nullable().meta({ description: 'Null: the model is unpriced, not free.' }),
    to_come: z.array(shownPrice).meta({ description: 'The next one first.' }),
    set: z
      .array(z.object({ from: time, ...amounts }))
      .meta({ description: 'What was set here, as PUT takes it; the earliest first.' }),
  })
  .meta({ id: 'ModelPrices' });
