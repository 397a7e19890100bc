import { AsyncLocalStorage } from 'node:async_hooks';
import type { Actor } from '../base/actor.ts';
import type { JsonObject } from '../base/request.ts';
import type { Script } from '../store/script.ts';
import type { Store } from '../store/store.ts';

/*
 * Who changed what (docs/audit.md). A store that makes a change writes its entry in the same step; whose request it is
 * comes from `actingAs`, so that no operation has to hand it on.
 */

/** What a change can be of; `import` is one of many records at once. */
export type ChangeKind = 'team' | 'user' | 'token' | 'claim' | 'administrator' | 'settings' | 'import';

/** A change as the store that makes it knows it. */
export interface Change {
  kind: ChangeKind;
  team: string | null;
  id: string | null;
  /** The record before and after, as it is stored; null: there is none. */
  before: JsonObject | null;
  after: JsonObject | null;
  /** Of an import: the records that it changes. */
  records?: readonly Change[];
}

/** On whose behalf changes are made. */
export interface Origin {
  /** `root`, `adm_…`, a holder's `tok_…`, `sign-in`, `file`, `command-line`. */
  actor: string;
  /** The client's address, as far as it is known. */
  address: string | null;
  requestId: string | null;
}

export interface AuditEntry {
  /** 1, 2, 3, … without a gap. */
  sequence: number;
  /** The store's clock, RFC 3339 UTC. */
  time: string;
  actor: string;
  address: string | null;
  request_id: string | null;
  /** Such as `token.revoke`. */
  operation: string;
  kind: ChangeKind;
  team: string | null;
  id: string | null;
  /** Of a record that was made or deleted all of it, else the fields that changed; as the admin API shows them. */
  before: JsonObject | null;
  after: JsonObject | null;
}

/** An entry as it is shown: with its hash, over the hash of the entry before and its own text. */
export type ChainedEntry = AuditEntry & { hash: string };

/** What is in the place of an entry but cannot be read as one: somebody altered it. */
export interface UnreadableEntry {
  unreadable: true;
  hash: string;
}

export type EntryResponse = ChainedEntry | UnreadableEntry;

export interface AuditQuery {
  limit: number;
  /** Where an earlier answer ended; null: at the newest. */
  cursor: string | null;
  /** Ms since the epoch: the first moment, and the first one beyond. */
  fromMs?: number | undefined;
  beforeMs?: number | undefined;
  team?: string | undefined;
  actor?: string | undefined;
  operation?: string | undefined;
}

/** Reads the trail, newest first. Rejects with `StoreUnavailable`. */
export interface AuditReader {
  entries(query: AuditQuery): Promise<{ data: EntryResponse[]; next_cursor: string | null }>;
}

/** A script of the Redis store that changes something, as it is called. */
export interface ScriptCall {
  keys: readonly string[];
  args: readonly (string | number)[];
  /** Null: this call changes no record. */
  change: Change | null;
}

/** Runs scripts that change something; the entry is written with the change, or neither is. */
export interface AuditedScripts {
  run(script: Script, call: ScriptCall): Promise<unknown>;
}

/** The same for changes in this process: `work` does it, and says whether it did. */
export interface AuditedWork {
  make<T>(change: Change | null, work: () => T): T;
}

/** For stores beside which there is no trail. */
export const unaudited: AuditedWork = { make: (_change, work) => work() };

/** The same where the store is Redis. */
export function unauditedScripts(store: Store): AuditedScripts {
  return { run: (script, { keys, args }) => store.run(script, keys, args) };
}

/** What the scripts and stores answer where they have changed something. */
export function hasChanged(result: unknown): boolean {
  return (
    result === 1 || result === true || result === 'created' || result === 'replaced' || result === 'done'
  );
}

const origins = new AsyncLocalStorage<Origin>();

/** Does work on somebody's behalf: changes made in it, however deep, are theirs. */
export function actingAs<T>(origin: Origin, work: () => T): T {
  return origins.run(origin, work);
}

/** Whose changes these are. One that nobody answers for is still possible, and leaves its trace. */
export function currentOrigin(): Origin {
  return origins.getStore() ?? { actor: 'unknown', address: null, requestId: null };
}

/** How an administrator is named in the trail. */
export function actorName(actor: Actor): string {
  switch (actor.kind) {
    case 'root':
      return 'root';
    case 'administrator':
      return actor.id;
  }
}

/** A change of one record, from its texts in the store. */
export function changeOf(
  place: Pick<Change, 'kind' | 'team' | 'id'>,
  before: string | null,
  after: string | null,
): Change {
  return { ...place, before: parsed(before), after: parsed(after) };
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
