import { z } from 'zod';
import { administratorRoles } from '../base/actor.ts';
import type { Administrator } from '../identity/records/administrator.ts';
import type { ArchivedPart, ArchiveKey, StoredRecord } from '../identity/records/archive.ts';
import { email, limits, listOf, model, name, origin, slug, tool } from '../base/fields.ts';
import { bodyBytes, subject } from '../identity/schemas/requests.ts';
import { gatewayCounterKey, type GatewaySettings } from '../identity/records/gateway-settings.ts';
import type { Team, Token, User } from '../identity/records/identity.ts';
import type { JsonObject, JsonValue } from '../base/request.ts';

/*
 * The sections of a document. A new kind of record gets an entry in the list below, which says how it is exported,
 * checked, imported and loaded from IDENTITY_FILE. The archives also have to know where records of a new kind are:
 * `IdentityArchive.#placeOf`.
 */

/** A list of the document, and how its rows are read and written. */
export interface Section {
  /** Its name in the document. */
  name: string;
  /** Of one row, without its secrets and the ids of its limits. */
  schema: z.ZodType<object>;
  /** The key of a valid row in the store. */
  keyOf: (row: JsonObject) => ArchiveKey;
  /** The records that must be in the document too. */
  parentsOf: (row: JsonObject, secrets: readonly string[]) => ArchiveKey[];
  /** The field with the time at which a record ended for good; null if records of this kind do not end. */
  endedBy: string | null;
  /** Whether rows have `secret_hashes`, newest first. */
  hasSecrets: boolean;
  /** Whether IDENTITY_FILE may have it: it must not make administrators. */
  fromFile: boolean;
  /** What the ids of its limits begin with. */
  limitIds: '' | `${typeof gatewayCounterKey}/`;
  /** The records of this section in a part. */
  recordsIn: (part: ArchivedPart) => readonly StoredRecord[];
}

/** A schema for each field of a record and for no other: a new field needs one here too. */
type FieldsOf<T> = Record<keyof T, z.ZodType>;

const time = z.iso.datetime('must be an RFC 3339 time in UTC, such as 2027-01-31T00:00:00Z');
/** Looser than for a new token: the document may come from a gateway that serves more endpoints. */
const endpoint = z
  .string()
  .regex(/^\/[A-Za-z0-9._/-]{1,127}$/, 'must be a path such as /v1/chat/completions');
const tokenId = z.string().regex(/^tok_[0-9A-Za-z]{1,64}$/, 'must be a token id such as tok_…');
const prefix = z
  .string()
  .regex(/^(?:tgk_[0-9A-Za-z]{8})?$/, 'must be the first 12 characters of a token, or ""');
const secret = z.strictObject({
  hash: z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'must be a SHA-256 as base64url'),
  prefix,
  created_at: time,
  expires_at: time.nullable(),
});

/** What holds for a section that says nothing else. */
const plain = {
  parentsOf: () => [],
  endedBy: null,
  hasSecrets: false,
  fromFile: true,
  limitIds: '',
} as const;

const teams: Section = {
  ...plain,
  name: 'teams',
  schema: z.strictObject({
    id: slug,
    name: name.nullable(),
    limits,
    models: listOf(model).nullable(),
    suspended_at: time.nullish(),
    created_at: time,
  } satisfies FieldsOf<Team>),
  keyOf: ({ id }) => ({ kind: 'team', team: text(id) }),
  recordsIn: ({ team }) => (team === null ? [] : [withoutSecrets(team)]),
};

const users: Section = {
  ...plain,
  name: 'users',
  schema: z.strictObject({
    id: slug,
    team: slug,
    name: name.nullable(),
    email: email.nullable(),
    subject: subject.nullish(),
    suspended_at: time.nullish(),
    limits,
    created_at: time,
  } satisfies FieldsOf<User>),
  keyOf: ({ id, team }) => ({ kind: 'user', team: text(team), id: text(id) }),
  parentsOf: ({ team }) => [{ kind: 'team', team: text(team) }],
  recordsIn: ({ users: records }) => records.map(withoutSecrets),
};

const tokens: Section = {
  ...plain,
  name: 'tokens',
  schema: z.strictObject({
    id: tokenId,
    team: slug,
    user: slug,
    prefix,
    secrets: z
      .array(secret)
      .min(1, 'must have a secret; leave it out of a token that was never rotated')
      .max(8, 'must have at most 8 secrets')
      .exactOptional(),
    name: name.nullable(),
    models: listOf(model).nullable(),
    endpoints: listOf(endpoint).nullable(),
    origins: listOf(origin).nullable(),
    tools: listOf(tool).nullable(),
    limits,
    max_session_body_bytes: bodyBytes.nullish(),
    expires_at: time.nullable(),
    revoked_at: time.nullable(),
    created_at: time,
  } satisfies FieldsOf<Token>),
  keyOf: ({ id, team }) => ({ kind: 'token', team: text(team), id: text(id) }),
  // The user of a token without secrets may have been deleted: the token is kept, so that it stays revoked.
  parentsOf: ({ team, user }, secrets) => [
    { kind: 'team', team: text(team) },
    ...(secrets.length > 0 ? [{ kind: 'user' as const, team: text(team), id: text(user) }] : []),
  ],
  endedBy: 'revoked_at',
  hasSecrets: true,
  recordsIn: ({ tokens: records }) => records,
};

/** One row at most. */
const settings: Section = {
  ...plain,
  name: 'settings',
  schema: z.strictObject({
    limits,
    defaults: z.strictObject({ team: limits, user: limits, token: limits }),
  } satisfies FieldsOf<GatewaySettings>),
  keyOf: () => ({ kind: 'settings', team: gatewayCounterKey }),
  limitIds: `${gatewayCounterKey}/`,
  recordsIn: ({ settings: record }) => (record === null ? [] : [withoutSecrets(record)]),
};

/** Only root creates administrators, so a file that is loaded at start adds none. */
const administrators: Section = {
  ...plain,
  name: 'admins',
  schema: z.strictObject({
    id: z.string().regex(/^adm_[0-9A-Za-z]{1,64}$/, 'must be an administrator id such as adm_…'),
    name: name.nullable(),
    role: z.enum(administratorRoles, `must be one of ${administratorRoles.join(', ')}`),
    teams: listOf(slug).nullable(),
    prefix: z.string().regex(/^tga_[0-9A-Za-z]{8}$/, 'must be the first 12 characters of a token'),
    expires_at: time.nullable(),
    created_at: time,
  } satisfies FieldsOf<Administrator>),
  keyOf: ({ id }) => ({ kind: 'administrator', team: gatewayCounterKey, id: text(id) }),
  hasSecrets: true,
  fromFile: false,
  recordsIn: ({ administrators: records }) => records,
};

/** Rows refer only to rows of earlier sections. */
export const sections: readonly Section[] = [teams, users, tokens, settings, administrators];

function withoutSecrets(record: string): StoredRecord {
  return { text: record, secrets: [] };
}

/** A field that is a text in every valid row; '' in an invalid one. */
function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
