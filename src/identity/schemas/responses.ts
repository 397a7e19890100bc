import { z } from 'zod';
import { administratorRoles } from '../../base/actor.ts';
import type { Administrator } from '../records/administrator.ts';
import { limit, time } from '../../base/fields.ts';
import type { GatewaySettings } from '../records/gateway-settings.ts';
import type { Team, Token, User } from '../records/identity.ts';

/* Records as the API shows them. Later versions may add fields, so clients must ignore unknown ones. */

/** Exactly the fields of a record, so that a new field cannot be forgotten here. */
type FieldsOf<T> = Record<keyof T, z.ZodType>;

const text = z.string();
const texts = z.array(text);
const list = texts.nullable().meta({ description: 'null restricts nothing.' });
const limits = z.array(limit);

export const teamResponse = z
  .object({
    id: text,
    name: text.nullable(),
    limits,
    models: list,
    suspended_at: time.nullish(),
    created_at: time,
  } satisfies FieldsOf<Team>)
  .meta({ id: 'Team' });

const subject = z.object({ issuer: text, sub: text });

export const userResponse = z
  .object({
    id: text,
    team: text,
    name: text.nullable(),
    email: text.nullable(),
    subject: subject.nullish().meta({ description: 'The account at an issuer that signs in as this user.' }),
    suspended_at: time.nullish(),
    limits,
    created_at: time,
  } satisfies FieldsOf<User>)
  .meta({ id: 'User' });

const secret = z
  .object({
    prefix: text,
    created_at: time,
    expires_at: time.nullable(),
    last_used_at: time.nullable(),
  })
  .meta({ id: 'TokenSecret' });

const tokenFields = {
  id: text,
  team: text,
  user: text,
  name: text.nullable(),
  prefix: text.meta({ description: 'The first characters of the newest secret.' }),
  secrets: z.array(secret).meta({ description: 'The newest first; empty if nobody holds one.' }),
  models: list,
  endpoints: list,
  origins: list,
  tools: texts.nullable().meta({ description: 'null: plain functions only.' }),
  limits,
  max_session_body_bytes: z.int().nullish(),
  expires_at: time.nullable(),
  revoked_at: time.nullable(),
  created_at: time,
} satisfies FieldsOf<Token>;

export const tokenResponse = z.object(tokenFields).meta({ id: 'Token' });

/** A token with its text, or with the link that shows it. */
export const issuedToken = z
  .object({
    ...tokenFields,
    token: text.exactOptional().meta({ description: 'The secret itself, this once; not with claim.' }),
    claim_url: text.exactOptional().meta({ description: 'The link that shows the secret once.' }),
    claim_expires_at: time.exactOptional(),
  })
  .meta({ id: 'IssuedToken' });

/** The answer to a holder who rotates their own token. */
export const rotatedToken = z
  .object({ id: text, token: text, prefix: text, old_expires_at: time })
  .meta({ id: 'RotatedToken' });

const administratorFields = {
  id: text,
  name: text.nullable(),
  role: z.enum(administratorRoles),
  teams: texts.nullable().meta({ description: 'null: all of them.' }),
  prefix: text,
  expires_at: time.nullable(),
  created_at: time,
} satisfies FieldsOf<Administrator>;

export const administratorResponse = z.object(administratorFields).meta({ id: 'Administrator' });

export const issuedAdministrator = z
  .object({ ...administratorFields, token: text.meta({ description: 'The secret itself, this once.' }) })
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

const defaultsOf = z.object({ limits });

export const settingsResponse = z
  .object({
    limits,
    defaults: z.object({ team: defaultsOf, user: defaultsOf, token: defaultsOf }),
  } satisfies FieldsOf<GatewaySettings>)
  .meta({ id: 'Settings' });
