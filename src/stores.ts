import { MemoryAdmissionStore } from './limits/memory-admission-store.ts';
import { RedisAdmissionStore } from './limits/admission-store.ts';
import type { AdmissionStore } from './limits/store.ts';
import type { Counter } from './limits/window.ts';
import { MemoryAudit } from './audit/memory-audit.ts';
import { RedisAudit } from './audit/audit-trail.ts';
import { MemoryAdministratorStore } from './identity/store/memory-administrator-store.ts';
import { MemoryArchive } from './identity/store/memory-archive.ts';
import { MemoryIdentityStore } from './identity/store/memory-identity-store.ts';
import { RedisAdministratorStore } from './identity/store/administrator-store.ts';
import { MemorySecretStore } from './identity/store/memory-secret-store.ts';
import { RedisArchive } from './identity/store/identity-archive.ts';
import { RedisIdentityStore } from './identity/store/identity-store.ts';
import { RedisSecretStore } from './identity/store/secret-store.ts';
import { MemoryClaimStore } from './claims/memory-claim-store.ts';
import { RedisClaimStore } from './claims/claim-store.ts';
import type { Settings } from './config/environment.ts';
import type { AdministratorStore } from './identity/records/administrator.ts';
import type { AuditReader } from './audit/audit.ts';
import type { ClaimStore } from './claims/claim.ts';
import type { IdentityArchive } from './identity/records/archive.ts';
import type { Clock } from './base/clock.ts';
import type { LedgerReader } from './ledger/entry.ts';
import type { IdentityStore } from './identity/records/identity.ts';
import type { SnapshotStore } from './upstream/rate-limit-snapshot.ts';
import type { RefusalStore } from './ledger/refusal-count.ts';
import type { SecretStore } from './identity/records/secret.ts';
import type { MintBounds, SessionStore } from './identity/records/session.ts';
import { keysUnder } from './store/keys.ts';
import { RedisStore } from './store/redis.ts';
import { MemoryLedger } from './ledger/memory-ledger.ts';
import { MemoryRefusalStore } from './ledger/memory-refusal-store.ts';
import { RedisLedger } from './ledger/ledger-reader.ts';
import { RedisRefusalStore } from './ledger/refusal-store.ts';
import { tellStoreCondition } from './store/store-condition.ts';
import { isFirstProcess } from './lifecycle/cluster.ts';
import type { Log } from './observability/log.ts';
import type { Metrics, StoreExtent } from './observability/metrics.ts';
import { MemorySnapshotStore } from './upstream/memory-snapshot-store.ts';
import { RedisSnapshotStore } from './upstream/snapshot-store.ts';
import { MemorySessionStore } from './sessions/memory-session-store.ts';
import { RedisSessionStore } from './sessions/session-store.ts';

/** What the stores are made of. */
export interface StoreOptions {
  settings: Settings;
  clock: Clock;
  log: Log;
  metrics: Metrics;
}

/** Everything that is kept, whichever store keeps it. */
export interface Stores {
  identities: IdentityStore;
  administrators: AdministratorStore;
  secrets: SecretStore;
  claims: ClaimStore;
  archive: IdentityArchive;
  audit: AuditReader;
  sessions: SessionStore;
  admission: AdmissionStore;
  ledger: LedgerReader;
  refusals: RefusalStore;
  readings: SnapshotStore;
  /** What it holds. Rejects with `StoreUnavailable`. */
  extent(): Promise<StoreExtent>;
  /** Connects; resolves the first time the store can be asked, however long that takes. */
  connected(): Promise<void>;
  /** Tells each time that the store can be asked anew; ask for it before connecting. */
  onReady(listener: () => void): void;
  close(): void;
}

/** How long it takes at most until a gateway's log has a head of the audit trail that somebody else made. */
const headToldWithinMs = 60_000;

/** Redis or memory, as configured; chosen here and nowhere else. */
export function makeStores(options: StoreOptions): Stores {
  return options.settings.store.kind === 'redis' ? redisStores(options) : memoryStores(options);
}

function redisStores({ settings, clock, log, metrics }: StoreOptions): Stores {
  if (settings.store.kind !== 'redis') throw new TypeError('No Redis is configured.');
  const { url, verifyTls, prefix } = settings.store;
  const keys = keysUnder(prefix);
  const store = new RedisStore({
    url,
    verifyTls,
    commandTimeoutMs: settings.storeTimeoutMs,
    onDown: (error) => log.warn('the store cannot be reached', { error }),
    onUp: () => log.info('the store is back'),
    onRefusal: (error) => log.error('the store refuses commands', { error }),
    timing: { clock, onRun: (run) => metrics.storeAnswered(run) },
  });
  const ledger = new RedisLedger(store, keys);
  const audit = new RedisAudit(store, keys, { log, clock });
  // Heads that no gateway made: the command line's, and those of a process that died before it said so.
  const tellHead = (): void => void audit.tellHead().catch(() => undefined);
  let tellingHeads: NodeJS.Timeout | undefined;
  if (isFirstProcess()) {
    store.client.once('ready', () => void tellStoreCondition(store, log));
    store.client.on('ready', tellHead);
    tellingHeads = setInterval(tellHead, headToldWithinMs).unref();
  }
  return {
    identities: new RedisIdentityStore(store, keys, audit),
    administrators: new RedisAdministratorStore(store, keys, audit),
    secrets: new RedisSecretStore(store, keys, audit),
    claims: new RedisClaimStore(store, keys, audit),
    archive: new RedisArchive(store, keys, audit),
    audit,
    sessions: new RedisSessionStore(store, keys, mintBounds(settings)),
    admission: new RedisAdmissionStore(store, keys, {
      leaseMs: settings.leaseMs,
      maxEntries: settings.ledgerMaxEntries,
      retentionDays: settings.usageRetentionDays,
    }),
    ledger,
    refusals: new RedisRefusalStore(store, keys, { retentionDays: settings.usageRetentionDays }),
    readings: new RedisSnapshotStore(store, keys),
    extent: async () => ({ ...(await store.memory()), ...(await ledger.extent()) }),
    connected: () => store.connected(),
    onReady: (listener) => void store.client.on('ready', listener),
    close: () => {
      clearInterval(tellingHeads);
      store.close();
    },
  };
}

function memoryStores({ settings, clock, log }: StoreOptions): Stores {
  const audit = new MemoryAudit(clock, log);
  const sessions = new MemorySessionStore<Counter>({
    clock,
    epochOf: (team) => identities.epoch(team),
    bounds: mintBounds(settings),
  });
  const identities = new MemoryIdentityStore(clock, (id) => sessions.find(id), audit);
  const administrators = new MemoryAdministratorStore(clock, audit);
  const ledger = new MemoryLedger({
    maxEntries: settings.ledgerMaxEntries,
    retentionDays: settings.usageRetentionDays,
  });
  const admission = new MemoryAdmissionStore({
    clock,
    leaseMs: settings.leaseMs,
    epochOf: (team) => identities.epoch(team),
    countersOfSession: (id) => sessions.find(id)?.counters ?? null,
    ledger,
  });
  return {
    identities,
    administrators,
    secrets: new MemorySecretStore(identities, clock),
    claims: new MemoryClaimStore(clock, audit),
    archive: new MemoryArchive(identities, administrators, audit),
    audit,
    sessions,
    admission,
    ledger,
    refusals: new MemoryRefusalStore({ retentionDays: settings.usageRetentionDays }),
    readings: new MemorySnapshotStore(),
    extent: async () => ({ usedBytes: 0, maxBytes: 0, ...(await ledger.extent()) }),
    connected: () => Promise.resolve(),
    onReady: (listener) => listener(),
    close: () => undefined,
  };
}

function mintBounds({ sessionsPerMinute, sessionStoreBytes }: Settings): MintBounds {
  return { perMinute: sessionsPerMinute, maxBytes: sessionStoreBytes };
}
