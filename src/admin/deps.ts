import type { Actor } from '../base/actor.ts';
import type { AuditReader } from '../audit/audit.ts';
import type { AuditContextOf } from '../audit/context.ts';
import type { Backup } from '../backup/backup.ts';
import type { ClaimMaker } from '../claims/claim.ts';
import type { LedgerReader } from '../ledger/ledger-reader.ts';
import type { AdministratorDeps } from '../identity/operations/administrators.ts';
import type { RefusalStore } from '../ledger/refusal-store.ts';
import type { Refusal } from '../base/refusal.ts';
import type { SecretStore } from '../identity/store/secret-store.ts';

/** What the admin API needs; features know only core, so credentials and ids come in from outside. */
export interface AdminDeps extends AdministratorDeps {
  secrets: SecretStore;
  /** When secrets were used last, up to now as far as this process knows. */
  lastUses: SecretStore['lastUses'];
  claims: ClaimMaker;
  ledger: Pick<LedgerReader, keyof LedgerReader>;
  backup: Backup;
  audit: AuditReader;
  refused: Pick<RefusalStore, 'refusals'>;
  /** Who administers; else why nobody does. May reject with `StoreUnavailable`. */
  authorize: (headers: {
    authorization: string | undefined;
    'x-api-key': string | undefined;
    'x-forwarded-for': string | undefined;
  }) => Promise<Actor | Refusal>;
  auditContextOf: AuditContextOf;
  /** The data plane's paths, which tokens may be restricted to. */
  endpointPaths: readonly string[];
  /** The id a reply carries, given the caller's `x-request-id`. */
  requestId: (callers: string | undefined) => string;
  /** Told of every failure that became a 500. */
  onError: (error: unknown, requestId: string) => void;
}
