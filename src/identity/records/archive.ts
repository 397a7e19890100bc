import type { gatewayCounterKey } from './gateway-settings.ts';
import type { RecordKey } from './identity.ts';

/** Where a record is: of a team, or of the whole gateway. */
export type ArchiveKey =
  | RecordKey
  | { kind: 'settings'; team: typeof gatewayCounterKey }
  | { kind: 'administrator'; team: typeof gatewayCounterKey; id: string };

/** A record as the store has it: its JSON text, and the hashes of the secrets bound to it, newest first (tokens and administrators only). */
export interface StoredRecord {
  text: string;
  secrets: readonly string[];
}

/** All that belongs to a team, or to the whole gateway, as it was at one moment. */
export interface ArchivedPart {
  /** Null: of the gateway. */
  team: string | null;
  users: string[];
  tokens: StoredRecord[];
  /** Null: there are none, or of a team. */
  settings: string | null;
  /** None of a team. */
  administrators: StoredRecord[];
}

/** One record of a change of many: it must be as it was found, or nothing is changed at all. */
export interface RecordChange {
  key: ArchiveKey;
  /** Null: there is none. */
  found: StoredRecord | null;
  /** Null leaves the record as it is. */
  next: StoredRecord | null;
}

/** What a store remembers of where its identities came from. Never expires; goes with all the rest. */
export interface Provenance {
  /** The store's own name, random, made by its first export; null before that. */
  store: string | null;
  /** Digests of the records that IDENTITY_FILE or imports have brought, one after the other; '' where none. */
  seen: string;
}

export interface Commit {
  changes: readonly RecordChange[];
  /** Replaces `provenance.seen`, if that is still what was found. */
  seen?: { found: string; next: string };
}

/** Identities as a whole: read team by team, changed many at a time. Methods reject with `StoreUnavailable`. */
export interface IdentityArchive {
  /** The ids of all teams, in order. */
  teams(): Promise<string[]>;
  /** Everything of a team, in the order of ids; null when there is no such team. */
  team(id: string): Promise<ArchivedPart | null>;
  /** What is of no team. */
  gateway(): Promise<ArchivedPart>;
  /** For each hash the token it is bound to, as `team/token id`, or null. */
  owners(secrets: readonly string[]): Promise<(string | null)[]>;
  /**
   * Makes all changes in one step, or none: `conflict` where anything is not as it was found, or a secret
   * is another token's. The epochs of the teams that changed move. A full store refuses.
   */
  commit(commit: Commit): Promise<'done' | 'conflict'>;
  provenance(): Promise<Provenance>;
  /** The store's name, made now if it has none. Works in a full store. */
  storeName(): Promise<string>;
}

/** How a store writes which token a secret belongs to. */
export function ownerName({ team, id }: { team: string; id: string }): string {
  return `${team}/${id}`;
}
