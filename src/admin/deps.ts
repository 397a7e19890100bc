import type { ActorCheck } from '../access/actor-check.ts';
import type { AuditReader } from '../audit/audit.ts';
import type { AuditContextOf } from '../audit/context.ts';
import type { ClaimMaker } from '../claims/claim.ts';
import type { LedgerReader } from '../ledger/entry.ts';
import type { AdministratorDeps } from '../identity/operations/administrators.ts';
import type { RefusalStore } from '../ledger/refusal-count.ts';
import type { Refusal } from '../base/refusal.ts';
import type { SecretStore } from '../identity/records/secret.ts';
import type { JsonObject } from '../base/request.ts';

/** Identities as one document. Both reject with `StoreUnavailable`. */
export interface BackupOperations {
  /** Exports one team, or all of them (null). */
  export(team: string | null): Promise<JsonObject | Refusal>;
  /** Writes a document into the store. Resolves to the number of rows by what became of them. */
  import(text: string, options: { overwrite: boolean }): Promise<Record<string, number> | Refusal>;
}

/** What the admin API needs. */
export interface AdminDeps extends AdministratorDeps {
  secrets: SecretStore;
  /** When secrets were last used, as far as this process knows. */
  lastUses: SecretStore['lastUses'];
  claims: ClaimMaker;
  ledger: LedgerReader;
  backup: BackupOperations;
  audit: AuditReader;
  refused: Pick<RefusalStore, 'refusals'>;
  authorize: ActorCheck;
  auditContextOf: AuditContextOf;
  /** Called with every failure that became a 500. */
  onError: (error: unknown, requestId: string) => void;
}
