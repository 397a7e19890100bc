import type { Actor } from '../core/actor.ts';
import type { AdministratorStore } from '../core/administrator.ts';
import type { AuditReader, Origin } from '../core/audit.ts';
import type { ClaimMaker } from '../core/claim.ts';
import type { Clock } from '../core/clock.ts';
import type { LedgerReader } from '../core/entry.ts';
import type { IdentityStore } from '../core/identity.ts';
import type { RefusalStore } from '../core/refusal-count.ts';
import type { Refusal } from '../core/refusal.ts';
import type { SecretStore } from '../core/secret.ts';
import type { JsonObject } from '../core/request.ts';

/** A new token: its text, shown once, and what is kept of it. */
export interface Minted {
  text: string;
  secretHash: string;
  prefix: string;
}

/** What operations on identities need. */
export interface IdentityDeps {
  identities: IdentityStore;
  clock: Clock;
  /** Makes the text of a user's token. */
  mint: () => Minted;
  /** A random name of letters and digits, for limits and tokens; never twice the same. */
  randomId: () => string;
}

/** Identities as one document. Both reject with `StoreUnavailable`. */
export interface BackupOperations {
  /** Of one team, or of all (null). */
  export(team: string | null): Promise<JsonObject | Refusal>;
  /** Brings a document into the store; how many rows came to what. */
  import(text: string, options: { overwrite: boolean }): Promise<Record<string, number> | Refusal>;
}

/** What the admin API needs; features know only core, so credentials and ids come in from outside. */
export interface AdminDeps extends IdentityDeps {
  secrets: SecretStore;
  /** When secrets were used last, up to now as far as this process knows. */
  lastUses: SecretStore['lastUses'];
  claims: ClaimMaker;
  ledger: LedgerReader;
  backup: BackupOperations;
  audit: AuditReader;
  refused: Pick<RefusalStore, 'refusals'>;
  administrators: AdministratorStore;
  /** Makes the text of an administrator's token. */
  mintAdministrator: () => Minted;
  /** Who administers; else why nobody does. May reject with `StoreUnavailable`. */
  authorize: (headers: {
    authorization: string | undefined;
    'x-api-key': string | undefined;
    'x-forwarded-for': string | undefined;
  }) => Promise<Actor | Refusal>;
  /** On whose behalf a request makes its changes. */
  originOf: (actor: Actor, asking: { requestId: string; forwardedFor: string | undefined }) => Origin;
  /** The data plane's paths, which tokens may be restricted to. */
  endpointPaths: readonly string[];
  /** The id a reply carries, given the caller's `x-request-id`. */
  requestId: (callers: string | undefined) => string;
  /** Told of every failure that became a 500. */
  onError: (error: unknown, requestId: string) => void;
}
