import { z } from 'zod';
import { time } from '../base/fields.ts';
import type { JsonObject } from '../base/request.ts';
import type { Keys } from '../store/keys.ts';
import type { Script } from '../store/script.ts';
import type { Store } from '../store/store.ts';

/*
 * Who changed what (docs/audit.md). A store that makes a change writes its entry in the same step. Who asked for the
 * change comes from the audit context (`context.ts`), so no operation has to pass it on.
 */

const changeKinds = [
  'team',
  'user',
  'token',
  'session',
  'claim',
  'administrator',
  'settings',
  'price',
  'webhook',
  'import',
] as const;

/** A change, as the store that makes it describes it. */
export interface Change {
  /** An `import` changes many records at once. */
  kind: (typeof changeKinds)[number];
  team: string | null;
  id: string | null;
  /** The stored record before and after; null if there is none. */
  before: JsonObject | null;
  after: JsonObject | null;
  /** The records that an import changes. */
  records?: readonly Change[];
  /** If the records do not tell it. */
  operation?: string;
}

const string = z.string();
const record = z.looseObject({}).nullable();
const hash = string.meta({ description: 'Covers the hash of the entry before and the text of this one.' });

const chainedEntry = z
  .object({
    sequence: z.int().min(1).meta({ description: '1, 2, 3, … without a gap.' }),
    /** The store's clock. */
    time,
    actor: string.meta({
      description:
        'root, root-previous (by ADMIN_KEY_PREVIOUS), adm_…, oidc-… (by a provider), the tok_… of a holder, sign-in, leak-report, delivery (a webhook that takes nothing), file or command-line.',
    }),
    address: string.nullable(),
    request_id: string.nullable(),
    operation: string.meta({ description: 'For example token.revoke.' }),
    kind: z.enum(changeKinds),
    team: string.nullable(),
    id: string.nullable(),
    before: record.meta({
      description: 'The fields that changed, with their old values; the whole record if it was deleted.',
    }),
    after: record.meta({
      description: 'The same fields with their new values; the whole record if it was created.',
    }),
    hash,
    erased: z.literal(true).exactOptional().meta({
      description:
        'A person was erased: what named them is gone, so the hash covers another text than this one.',
    }),
    reported_url: string
      .nullable()
      .exactOptional()
      .meta({ description: 'Of a leak-report: where the credential was found; null if that was not told.' }),
  })
  .meta({ id: 'AuditEntry' });

/** Stands for an entry that cannot be read, because somebody altered it. */
const unreadableEntry = z.object({ unreadable: z.literal(true), hash }).meta({ id: 'UnreadableEntry' });

/** An entry of the trail in an answer. */
export const auditEntryResponse = z.union([chainedEntry, unreadableEntry]);

/** The fields of an entry, in the order of the columns of a report. */
export const auditFields = Object.keys(chainedEntry.shape);

/** Records are in the form of the admin API. */
export type AuditEntry = Omit<z.infer<typeof chainedEntry>, 'hash' | 'before' | 'after'> &
  Pick<Change, 'before' | 'after'>;

/** An entry with its hash, which covers the hash of the entry before it and its own text. */
export type EntryResponse = (AuditEntry & { hash: string }) | z.infer<typeof unreadableEntry>;

export interface AuditQuery {
  limit: number;
  /** Where an earlier answer ended; null starts at the newest entry. */
  cursor: string | null;
  /** Ms since the epoch: from this moment on, and before this one. */
  fromMs?: number | undefined;
  beforeMs?: number | undefined;
  team?: string | undefined;
  actor?: string | undefined;
  operation?: string | undefined;
}

/** A call of a script that changes something. */
export interface ScriptCall {
  keys: readonly string[];
  args: readonly (string | number)[];
  /** Null if this call changes no record. */
  change: Change | null;
}

/** Runs scripts that change something. The change and its entry are written together, or neither is. */
export interface AuditedScripts {
  run(script: Script, call: ScriptCall): Promise<unknown>;
}

/** The base of stores whose changes are recorded in the audit trail. Their methods reject with `StoreUnavailable`. */
export abstract class AuditedStore {
  protected readonly store: Store;
  protected readonly keys: Keys;
  protected readonly changes: AuditedScripts;

  /** Without `changes` nothing is recorded. */
  constructor(store: Store, keys: Keys, changes: AuditedScripts = withoutTrail(store)) {
    this.store = store;
    this.keys = keys;
    this.changes = changes;
  }
}

function withoutTrail(store: Store): AuditedScripts {
  return { run: (script, { keys, args }) => store.run(script, keys, args) };
}

/** What the scripts answer if they have changed something; audited.lua asks the same. */
export function hasChanged(reply: unknown): boolean {
  return reply === 1 || reply === 'created';
}

/** A change of one record, from its stored texts. */
export function changeOf(
  key: Pick<Change, 'kind' | 'team' | 'id'>,
  before: string | null,
  after: string | null,
): Change {
  return { ...key, before: parsed(before), after: parsed(after) };
}

function parsed(text: string | null): JsonObject | null {
  if (text === null || text === '') return null;
  try {
    return JSON.parse(text) as JsonObject; // this program's own texts, unless somebody was in the store
  } catch {
    // It must still be possible to delete it.
    return { unreadable: true };
  }
}

/** Whether an entry matches a query. An unreadable entry matches only a query without filters. */
export function passes(entry: EntryResponse, query: AuditQuery): boolean {
  const { team, actor, operation, fromMs, beforeMs } = query;
  if ('unreadable' in entry) {
    return [team, actor, operation, fromMs, beforeMs].every((filter) => filter === undefined);
  }
  const atMs = Date.parse(entry.time);
  return (
    (team === undefined || team === entry.team) &&
    (actor === undefined || actor === entry.actor) &&
    (operation === undefined || operation === entry.operation) &&
    (fromMs === undefined || atMs >= fromMs) &&
    (beforeMs === undefined || atMs < beforeMs)
  );
}
