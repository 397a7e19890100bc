import { z } from 'zod';
import { administratorRoles } from '../base/actor.ts';
import type { Administrator } from '../identity/records/administrator.ts';
import type { ArchivedPart, ArchiveKey, StoredRecord } from '../identity/records/archive.ts';
import { email, limits, listOf, model, name, origin, slug, tool } from '../base/fields.ts';
import { gatewayPlace, type GatewaySettings } from '../identity/records/gateway-settings.ts';
import type { Team, Token, User } from '../identity/records/identity.ts';
import type { JsonObject, JsonValue } from '../base/request.ts';

/*
 * The sections of a document. A kind of record that is to survive as well gets an entry in the list below, and is
 * exported, checked, imported and loaded from IDENTITY_FILE by what the entry says. Where it is of a kind that the
 * archives do not know yet, they have to be told its place: `RedisArchive.#placeOf`, `MemoryArchive.#write`.
 */

/** A list of the document, and what its rows are. */
export interface Section {
  /** Its name in the document. */
  name: string;
  /** Of one row, less the ids of its limits and its secrets. */
  schema: z.ZodType<object>;
  /** Where a row that fits the schema is in the store. */
  keyOf: (row: JsonObject) => ArchiveKey;
  /** What must be in the document as well. */
  parentsOf: (row: JsonObject, secrets: readonly string[]) => ArchiveKey[];
  /** The field whose time says that a record was ended for good; null where records do not end. */
  endedBy: string | null;
  /** Whether its rows have `secret_hashes`, the newest first. */
  hasSecrets: boolean;
  /** Whether IDENTITY_FILE may bring it: what grants administration may not. */
  fromFile: boolean;
  /** What the ids of its limits begin with. */
  limitIds: '' | `${typeof gatewayPlace}/`;
  /** Its records among those of a team, or of the gateway. */
  recordsIn: (part: ArchivedPart) => readonly StoredRecord[];
}

/** Each field of a record and no other: one that is added to a record must be given a schema here as well. */
type FieldsOf<T> = Record<keyof T, z.ZodType>;

const time = z.iso.datetime('must be an RFC 3339 time in UTC, such as 2027-01-31T00:00:00Z');
/** Looser than what a token may newly be given: a document may come from a gateway that serves more. */
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
const subject = z.strictObject({
  issuer: z.string().min(1, 'must not be empty').max(1_000, 'must have at most 1000 characters'),
  sub: z.string().min(1, 'must not be empty').max(255, 'must have at most 255 characters'),
});
const bodyBytes = z
  .int('must be a whole number of bytes')
  .min(1, 'must be at least 1 byte')
  .max(268_435_456, 'must be at most 268435456 bytes (256 MiB)');

const teams: Section = {
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
  parentsOf: () => [],
  endedBy: null,
  hasSecrets: false,
  fromFile: true,
  limitIds: '',
  recordsIn: ({ team }) => (team === null ? [] : [withoutSecrets(team)]),
};

const users: Section = {
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
  endedBy: null,
  hasSecrets: false,
  fromFile: true,
  limitIds: '',
  recordsIn: ({ users: records }) => records.map(withoutSecrets),
};

const tokens: Section = {
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
  fromFile: true,
  limitIds: '',
  recordsIn: ({ tokens: records }) => records,
};

/** One row at most. */
const settings: Section = {
  name: 'settings',
  schema: z.strictObject({
    limits,
    defaults: z.strictObject({ team: limits, user: limits, token: limits }),
  } satisfies FieldsOf<GatewaySettings>),
  keyOf: () => ({ kind: 'settings', team: gatewayPlace }),
  parentsOf: () => [],
  endedBy: null,
  hasSecrets: false,
  fromFile: true,
  limitIds: `${gatewayPlace}/`,
  recordsIn: ({ settings: record }) => (record === null ? [] : [withoutSecrets(record)]),
};

/** Root alone makes administrators, so a file that is loaded at start brings none. */
const administrators: Section = {
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
  keyOf: ({ id }) => ({ kind: 'administrator', team: gatewayPlace, id: text(id) }),
  parentsOf: () => [],
  endedBy: null,
  hasSecrets: true,
  fromFile: false,
  limitIds: '',
  recordsIn: ({ administrators: records }) => records,
};

/** In the order in which rows need each other. */
export const sections: readonly Section[] = [teams, users, tokens, settings, administrators];

function withoutSecrets(record: string): StoredRecord {
  return { text: record, secrets: [] };
}

/** A field that the schema says is a text; '' where a row is wrong. */
function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
