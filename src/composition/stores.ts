import { UsedProofs } from '../access/proof/used-proofs.ts';
import { AuditTrail } from '../audit/audit-trail.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { ClaimStore } from '../claims/claim-store.ts';
import type { Settings } from '../config/environment.ts';
import { ConsoleLinks } from '../console/links.ts';
import { ConsoleSessionStore } from '../console/session-store.ts';
import { Outbox } from '../events/outbox.ts';
import { Teller } from '../events/teller.ts';
import { AdministratorStore } from '../identity/store/administrator-store.ts';
import { ChangeCounter } from '../identity/store/change-counter.ts';
import { IdentityArchive } from '../identity/store/identity-archive.ts';
import { IdentityStore } from '../identity/store/identity-store.ts';
import { PriceStore } from '../identity/store/price-store.ts';
import { SecretStore } from '../identity/store/secret-store.ts';
import { WebhookStore } from '../identity/store/webhook-store.ts';
import { LedgerReader } from '../ledger/ledger-reader.ts';
import { RefusalStore } from '../ledger/refusal-store.ts';
import { isFirstProcess } from '../lifecycle/cluster.ts';
import { AdmissionStore } from '../limits/admission-store.ts';
import { KeptItemsStore } from '../limits/kept-items-store.ts';
import { allMonitors } from '../monitors/all-monitors.ts';
import type { Metrics } from '../observability/metrics.ts';
import { eraserOf } from '../records/eraser.ts';
import { gapEvent } from '../records/gap-event.ts';
import { readersOf } from '../records/readers.ts';
import { Records } from '../records/records.ts';
import { SessionStore } from '../sessions/session-store.ts';
import { HourlySecrets } from '../store/hourly-secrets.ts';
import { keysUnder } from '../store/keys.ts';
import { openStore } from '../store/open.ts';
import { snapshotsIn } from '../upstream/snapshot-store.ts';

/** A head of the audit trail that somebody else made is in a gateway's log after this long at most. */
const headToldWithinMs = 60_000;

interface StoresParts {
  settings: Settings;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  /** The id of this process. */
  process: string;
  storeNowMs: () => number;
}

/** Everything that is kept. It is not connected yet. */
export function storesOf({ settings, clock, log, metrics, process, storeNowMs }: StoresParts) {
  const isFirst = isFirstProcess();
  const opened = openStore(settings.store, {
    commandTimeoutMs: settings.storeTimeoutMs,
    clock,
    log,
    onRun: (run) => metrics.storeAnswered(run),
    warnsOfCondition: isFirst,
    isRecorded: settings.records !== null,
  });
  const prefix = settings.store.kind === 'redis' ? settings.store.prefix : '';
  const keys = keysUnder(prefix, { hasRecords: settings.records !== null });
  const { leaseMs, ledgerMaxEntries: maxEntries, usageRetentionDays: retentionDays } = settings;
  const {
    usageBreakdownRows: breakdownRows,
    sessionsPerMinute: perMinute,
    sessionStoreBytes: maxBytes,
    endUserStoreBytes: endUserBytes,
  } = settings;
  const records =
    settings.records &&
    new Records({
      settings: settings.records,
      store: opened,
      keys,
      maxEntries,
      usageRetentionDays: retentionDays,
      process,
      clock,
      log,
      onGap: (stream, missing, reason) => {
        metrics.recordsMissed(stream, missing ?? 0);
        tellGap(stream, missing, reason);
      },
    });
  const store = records?.gated ?? opened;
  const outbox = new Outbox(store, keys);
  const teller = new Teller(outbox, log);
  const tellGap = gapEvent({ teller, storeNowMs });
  const backlogBytes = (): number => (records?.isKept ? records.backlogBytes : 0);
  const audit = new AuditTrail(store, keys, { log, clock });
  const identities = new IdentityStore(store, keys, audit);
  const secrets = new SecretStore(store, keys, audit);
  const sessions = new SessionStore(store, keys, { perMinute, maxBytes }, audit);
  const erase =
    records &&
    eraserOf({
      records,
      store,
      keys,
      identities,
      audit,
      endSessions: (parent) => sessions.endAll(parent),
      retentionDays,
      clock,
    });
  const inStore = new LedgerReader(store, keys);
  const readers = readersOf({
    store,
    keys,
    ledger: inStore,
    audit,
    source: records && {
      database: records.database,
      problem: () => (records.state.kind === 'off' ? records.state.reason : null),
    },
    retentionDays,
    clock,
  });
  // Heads that no gateway made: the command line's, and those of a process that died before it said so.
  const tellHead = (): void => void audit.head().catch(() => undefined);
  if (isFirst) store.onReady(tellHead);
  const tellingHeads = isFirst ? setInterval(tellHead, headToldWithinMs).unref() : undefined;
  return {
    teller,
    records,
    identities,
    administrators: new AdministratorStore(store, keys, audit),
    secrets,
    changes: new ChangeCounter(store, keys),
    claims: new ClaimStore(store, keys, audit),
    prices: new PriceStore(store, keys, audit),
    webhooks: new WebhookStore(store, keys, audit),
    archive: new IdentityArchive(store, keys, audit),
    erase,
    ...readers,
    sessions,
    nonceSecrets: new HourlySecrets(store, keys.nonceKey),
    usedProofs: new UsedProofs(store, keys),
    consoleStores: {
      sessionStore: new ConsoleSessionStore(store, keys),
      links: new ConsoleLinks(store, keys),
      signInKeys: new HourlySecrets(store, keys.consoleSignInKey),
    },
    items: settings.responsesStoreBytes === 0 ? null : new KeptItemsStore(store, keys),
    admission: new AdmissionStore(store, keys, {
      leaseMs,
      maxEntries,
      retentionDays,
      breakdownRows,
      endUserBytes,
      backlogBytes,
      keyedBytes: settings.keptAnswerBytes,
      itemBytes: settings.responsesStoreBytes,
    }),
    refusals: new RefusalStore(store, keys, {
      retentionDays,
      backlogBytes: () => backlogBytes() / 4,
    }),
    /** For what tells events, and sends them. */
    told: { store, keys, changes: audit },
    monitors: allMonitors({
      store,
      keys,
      outbox,
      identities,
      secrets,
      audit,
      ledger: readers.ledger,
      inStore,
      lag: async () => (await records?.lag()) ?? null,
      clock,
      log,
    }),
    shareSnapshots: snapshotsIn(store, keys),
    extent: async () => ({ ...(await store.memory()), ...(await inStore.extent()) }),
    problem: () => store.problem,
    connected: () => store.connected(),
    onReady: (listener: () => void) => store.onReady(listener),
    close: () => {
      clearInterval(tellingHeads);
      store.close();
    },
  };
}
