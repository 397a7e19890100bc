import type { z } from 'zod';
import { administratorFields } from '../identity/records/administrator.ts';
import type { ArchivedPart, ArchiveKey, StoredRecord } from '../identity/records/archive.ts';
import { gatewayCounterKey, settingsFields } from '../identity/records/gateway-settings.ts';
import { modelPriceFields } from '../identity/records/model-price.ts';
import { originOf } from '../base/webhook-address.ts';
import { type Webhook, webhookFields } from '../identity/records/webhook.ts';
import { teamFields, tokenFields, userFields } from '../identity/records/identity.ts';
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
  /** The field that says why; null if there is none. */
  endedBecause: string | null;
  /** Whether rows have `secret_hashes`, newest first. */
  hasSecrets: boolean;
  /** Whether IDENTITY_FILE may have it: it must not make administrators. */
  fromFile: boolean;
  /** What the ids of its limits begin with. */
  limitIds: '' | `${typeof gatewayCounterKey}/`;
  /** What a document has of a record. */
  exported: (record: JsonObject) => JsonObject;
  /** A row of a document as it is to be stored, with what documents do not have of it; `stored` is the record so far. */
  completed: (row: JsonObject, stored: JsonObject | null) => JsonObject;
  /** The records of this section in a part. */
  recordsIn: (part: ArchivedPart) => readonly StoredRecord[];
}

/** What holds for a section that says nothing else. */
const plain = {
  parentsOf: () => [],
  endedBy: null,
  endedBecause: null,
  hasSecrets: false,
  fromFile: true,
  limitIds: '',
  exported: (record: JsonObject) => record,
  completed: (row: JsonObject) => row,
} as const;

const teams: Section = {
  ...plain,
  name: 'teams',
  schema: teamFields,
  keyOf: ({ id }) => ({ kind: 'team', team: text(id) }),
  recordsIn: ({ team }) => (team === null ? [] : [withoutSecrets(team)]),
};

const users: Section = {
  ...plain,
  name: 'users',
  schema: userFields,
  keyOf: ({ id, team }) => ({ kind: 'user', team: text(team), id: text(id) }),
  parentsOf: ({ team }) => [{ kind: 'team', team: text(team) }],
  recordsIn: ({ users: records }) => records.map(withoutSecrets),
};

const tokens: Section = {
  ...plain,
  name: 'tokens',
  schema: tokenFields,
  keyOf: ({ id, team }) => ({ kind: 'token', team: text(team), id: text(id) }),
  // The user of a token without secrets may have been deleted: the token is kept, so that it stays revoked.
  parentsOf: ({ team, user }, secrets) => [
    { kind: 'team', team: text(team) },
    ...(secrets.length > 0 ? [{ kind: 'user' as const, team: text(team), id: text(user) }] : []),
  ],
  endedBy: 'revoked_at',
  endedBecause: 'revoked_because',
  hasSecrets: true,
  recordsIn: ({ tokens: records }) => records,
};

/** One row at most. */
const settings: Section = {
  ...plain,
  name: 'settings',
  schema: settingsFields,
  keyOf: () => ({ kind: 'settings', team: gatewayCounterKey }),
  limitIds: `${gatewayCounterKey}/`,
  recordsIn: ({ settings: record }) => (record === null ? [] : [withoutSecrets(record)]),
};

/** Only root creates administrators, so a file that is loaded at start adds none. */
const administrators: Section = {
  ...plain,
  name: 'admins',
  schema: administratorFields,
  keyOf: ({ id }) => ({ kind: 'administrator', team: gatewayCounterKey, id: text(id) }),
  hasSecrets: true,
  fromFile: false,
  recordsIn: ({ administrators: records }) => records,
};

/** The prices that the API has set. */
const prices: Section = {
  ...plain,
  name: 'prices',
  schema: modelPriceFields,
  keyOf: ({ id }) => ({ kind: 'price', team: gatewayCounterKey, id: text(id) }),
  recordsIn: ({ prices: records }) => records.map(withoutSecrets),
};

/**
 * Where events are sent. What signs them does not leave the store, nor does the rest of an address, by which anybody may
 * post to a chat. So one that is new to a store is disabled there.
 */
const webhooks: Section = {
  ...plain,
  name: 'webhooks',
  schema: webhookFields.omit({ secrets: true }).refine(isSendable, {
    path: ['disabled_at'],
    error: 'must be a time: without a secret nothing can be sent',
  }),
  keyOf: ({ id }) => ({ kind: 'webhook', team: gatewayCounterKey, id: text(id) }),
  parentsOf: ({ team }) => (typeof team === 'string' ? [{ kind: 'team', team }] : []),
  exported: ({ secrets: _secrets, url, disabled_at: disabledAt = null, ...rest }) => ({
    ...rest,
    url: originOf(text(url)),
    disabled_at: disabledAt ?? rest['created_at'] ?? null,
    disabled_because: imported,
  }),
  completed: (row, stored) => {
    if (stored === null) return { ...row, secrets: [] };
    const { url = null, secrets = [], disabled_at: at = null, disabled_because: because = null } = stored;
    const hasOtherHost = originOf(text(url)) !== originOf(text(row['url']));
    const address = hasOtherHost ? {} : { url };
    return { ...row, ...address, secrets, disabled_at: at, disabled_because: because };
  },
  recordsIn: ({ webhooks: records }) => records.map(withoutSecrets),
};

const imported = 'It was imported: set its url, rotate its secret, and enable it.';

function isSendable({ format, disabled_at: disabledAt }: Pick<Webhook, 'format' | 'disabled_at'>): boolean {
  return format === 'slack' || disabledAt !== null;
}

/** Rows refer only to rows of earlier sections. */
export const sections: readonly Section[] = [
  teams,
  users,
  tokens,
  settings,
  administrators,
  prices,
  webhooks,
];

function withoutSecrets(record: string): StoredRecord {
  return { text: record, secrets: [] };
}

/** A field that is a text in every valid row; '' in an invalid one. */
function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
