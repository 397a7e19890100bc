import type { ActorCheck } from '../access/actor-check.ts';
import type { ChangePace } from '../access/change-pace.ts';
import type { AuditTrail } from '../audit/audit-trail.ts';
import type { AuditContextOf } from '../audit/context.ts';
import type { Backup } from '../backup/backup.ts';
import type { ClaimLinks } from '../claims/claim-links.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Refusal } from '../base/refusal.ts';
import type { TrustedIssuer } from '../config/issuer.ts';
import type { AdministratorDeps } from '../identity/operations/administrators.ts';
import type { PriceDeps } from '../identity/operations/prices.ts';
import type { WebhookDeps } from '../identity/operations/webhooks.ts';
import type { ReadCounters } from '../limits/counters.ts';
import type { ModelFacts } from './limit-warnings.ts';
import type { MemoryBudget } from '../memory/budget.ts';
import type { Precondition } from '../identity/operations/precondition.ts';
import type { RecordsBrief, RecordsView } from '../records/records-view.ts';
import type { UserKey } from '../identity/records/identity.ts';
import type { SecretStore } from '../identity/store/secret-store.ts';
import type { UpstreamState } from '../upstream/upstream-state.ts';
import type { Deliveries } from '../webhooks/deliveries.ts';
import type { PrivateHosts } from '../webhooks/destination-url.ts';

/** A process that serves requests, and what it stands on. */
export interface Serving {
  upstreams: () => UpstreamState[];
  /** Rejects with `StoreUnavailable`, as does `records`. */
  store: () => Promise<StoreState>;
  records: () => Promise<RecordsBrief>;
}

export interface StoreState {
  kind: 'redis' | 'memory';
  usedBytes: number;
  /** 0: no bound. */
  maxBytes: number;
  /** Of the ledger. */
  entries: number;
  oldestAtMs: number | null;
}

/** What the admin API needs. */
export interface AdminDeps extends AdministratorDeps, PriceDeps, WebhookDeps {
  secrets: SecretStore;
  /** When secrets were last used, as far as this process knows. */
  lastUses: SecretStore['lastUses'];
  /** What is used of limits. */
  counters: ReadCounters;
  claims: Pick<ClaimLinks, 'make'>;
  ledger: Ledger;
  /** Postgres, or the lack of it. */
  recordsView: Pick<RecordsView, 'status' | 'verify' | 'verifyTrail'>;
  /** What only a process that serves requests knows; null on the Redis itself. */
  serving: Serving | null;
  backup: Backup;
  audit: Pick<AuditTrail, 'entries'>;
  /** Writes an entry of the audit trail for what changes no record. */
  note: AuditTrail['note'];
  /** What was sent to webhooks, and is still to be. */
  deliveries: Pick<Deliveries, 'read' | 'pendingOf' | 'sendTest' | 'retryNow'>;
  /** Hosts that webhooks may have although their addresses are private. */
  webhookPrivateHosts: PrivateHosts;
  /** Deletes a user and takes from all records what names them; null if there are no records. */
  erase: ((key: UserKey, precondition: Precondition) => Promise<Refusal | null>) | null;
  models: ModelFacts;
  /** Whose people may sign in; null if ISSUERS_FILE cannot be read here. */
  issuers: readonly TrustedIssuer[] | null;
  /** The gateway's address as a request's Host names it. */
  origin: (host: string | undefined) => string;
  /** Bounds how often somebody changes something; null: no bound, as on the Redis itself. */
  pace: Pick<ChangePace, 'ofAdministrator'> | null;
  authorize: ActorCheck;
  /** Where administrators' bodies and unread answers count; null: nowhere. */
  budget: MemoryBudget | null;
  auditContextOf: AuditContextOf;
  /** Called with every failure that became a 500. */
  onError: (error: unknown, requestId: string) => void;
}
