import type { gatewayCounterKey } from './gateway-settings.ts';
import type { RecordKey } from './identity.ts';

/** The key of a record of a team, or of the whole gateway. */
export type ArchiveKey =
  | RecordKey
  | { kind: 'settings'; team: typeof gatewayCounterKey }
  | { kind: 'administrator' | 'price' | 'webhook'; team: typeof gatewayCounterKey; id: string };

/**
 * A record as the store has it: its JSON text, and the hashes of the secrets bound to it, newest first (tokens and
 * administrators only).
 */
export interface StoredRecord {
  text: string;
  secrets: readonly string[];
}

/** All that belongs to a team, or to the whole gateway, as it was at one moment. */
export interface ArchivedPart {
  /** Null for the gateway. */
  team: string | null;
  /** The team's; '' for the gateway. */
  epoch: string;
  users: string[];
  tokens: StoredRecord[];
  /** Null if there are none, and for a team. */
  settings: string | null;
  /** Empty for a team. */
  administrators: StoredRecord[];
  /** Empty for a team. */
  prices: string[];
  /** Of the gateway and of all teams; empty for a team. */
  webhooks: string[];
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
  /** Epochs that teams must still have: what is checked over all of a team's records holds then. '' for no such team. */
  epochs?: ReadonlyMap<string, string>;
  /** Replaces `provenance.seen`, if that is still what was found. */
  seen?: { found: string; next: string };
}

/** How a store writes which token a secret belongs to. */
export function ownerName({ team, id }: { team: string; id: string }): string {
  return `${team}/${id}`;
}
