import { Admission } from './limits/admission.ts';
import { Answers } from './edge/answers.ts';
import { type AppDeps, createApp } from './app.ts';
import { actorCheck } from './access/actor-check.ts';
import { Authenticator } from './access/authenticator.ts';
import { AuthThrottle } from './access/auth-throttle.ts';
import { ChangePace } from './access/change-pace.ts';
import { Nonces } from './access/proof/nonces.ts';
import { Proofs } from './access/proof/proofs.ts';
import { UsedProofs } from './access/proof/used-proofs.ts';
import { SecretUses } from './access/secret-uses.ts';
import { randomBase62 } from './identity/records/token-text.ts';
import { ClaimLinks, linkUse } from './claims/claim-links.ts';
import { consoleOf } from './console/console.ts';
import { ConsoleLinks } from './console/links.ts';
import { ConsoleSessionStore } from './console/session-store.ts';
import { HourlySecrets } from './store/hourly-secrets.ts';
import type { Catalogue } from './config/catalogue.ts';
import { PriceBook } from './config/price-book.ts';
import type { Settings } from './config/environment.ts';
import { Backup } from './backup/backup.ts';
import type { BackupDocument } from './backup/document.ts';
import { clientAddress, forwardedAddress } from './base/client-address.ts';
import type { Clock } from './base/clock.ts';
import type { TrustedIssuer } from './config/issuer.ts';
import type { Refusal } from './base/refusal.ts';
import { Pipeline } from './data-plane/pipeline.ts';
import { FrontDoor } from './edge/front-door.ts';
import { IdentityLoader } from './backup/identity-loader.ts';
import type { Call } from './edge/call.ts';
import { Journal } from './edge/journal.ts';
import { UpstreamEvents } from './edge/upstream-events.ts';
import { Outbox } from './events/outbox.ts';
import { Teller } from './events/teller.ts';
import { RefusalTally } from './ledger/refusal-tally.ts';
import { createMetricsEndpoint } from './observability/cluster-metrics.ts';
import type { Log } from './observability/log.ts';
import type { Metrics } from './observability/metrics.ts';
import { auditContexts } from './audit/context.ts';
import { Discovery } from './models/discovery.ts';
import { RequestRepairs } from './models/repairs/request-repairs.ts';
import { OpenExchanges } from './proxy/open-exchanges.ts';
import { SharedSnapshots } from './upstream/shared-snapshots.ts';
import { Upstreams } from './upstream/upstreams.ts';
import { RequestQueue } from './upstream/request-queue.ts';
import { ServedModels } from './models/served-models.ts';
import { SessionMinter } from './sessions/minter.ts';
import { IdTokenVerifier } from './sign-in/id-token.ts';
import { pinnedProblems } from './sessions/pinned.ts';
import { eventDuties } from './events/duties.ts';
import { allMonitors } from './monitors/all-monitors.ts';
import { keysUnder } from './store/keys.ts';
import { openStore } from './store/open.ts';
import { isFirstProcess } from './lifecycle/cluster.ts';
import { AdmissionStore } from './limits/admission-store.ts';
import { KeptItemsStore } from './limits/kept-items-store.ts';
import { AuditTrail } from './audit/audit-trail.ts';
import { AdministratorStore } from './identity/store/administrator-store.ts';
import { IdentityArchive } from './identity/store/identity-archive.ts';
import { IdentityStore } from './identity/store/identity-store.ts';
import { ChangeCounter } from './identity/store/change-counter.ts';
import { PriceFeed } from './identity/operations/price-feed.ts';
import { PriceStore } from './identity/store/price-store.ts';
import { WebhookStore } from './identity/store/webhook-store.ts';
import { SecretStore } from './identity/store/secret-store.ts';
import { ClaimStore } from './claims/claim-store.ts';
import { LedgerReader } from './ledger/ledger-reader.ts';
import { RefusalStore } from './ledger/refusal-store.ts';
import { eraserOf } from './records/eraser.ts';
import { readersOf } from './records/readers.ts';
import { gapEvent } from './records/gap-event.ts';
import { Records } from './records/records.ts';
import { withoutRecords } from './records/records-view.ts';
import { SessionStore } from './sessions/session-store.ts';
import { snapshotsIn } from './upstream/snapshot-store.ts';
import type { Telemetry } from './telemetry/telemetry.ts';
import { MemoryBudget } from './memory/budget.ts';
import { maxDocumentBytes } from './backup/document.ts';
import { version } from './operations/version.ts';
import { webhooksOf } from './webhooks/webhooks.ts';

interface WireOptions {
  settings: Settings;
  catalogue: Catalogue;
  /** Whose ID tokens are taken. */
  issuers: readonly TrustedIssuer[];
  /** The document of IDENTITY_FILE. */
  identities?: BackupDocument | null;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  draining: () => boolean;
  /** Null: nothing is sent to a collector. */
  telemetry?: Telemetry | null;
}

/** A head of the audit trail that somebody else made is in a gateway's log after this long at most. */
const headToldWithinMs = 60_000;
const processIdLength = 12;

/** Builds everything long-lived of one process, once. */
export function wire(options: WireOptions) {
  const { settings, clock, log, metrics, telemetry = null } = options;
  const book = new PriceBook(options.catalogue);
  const catalogue: Catalogue = { ...options.catalogue, price: book.price };
  const process = randomBase62(processIdLength);
  const storeNowMs = (): number => admission.heartbeat.storeNowMs();
  const stores = storesOf(options, { process, storeNowMs });
  const { records } = stores;
  const auditContextOf = auditContexts(settings);
  const loader = new IdentityLoader({ document: options.identities ?? null, archive: stores.archive, log });
  const { refusedCredentialsPerMinute: perMinute, onDyno } = settings;
  const throttle = new AuthThrottle({ perMinute, clock, onDyno });
  const authenticator = new Authenticator({
    identities: stores.identities,
    clock,
    throttle,
    realModel: catalogue.aliases.size > 0 ? catalogue.real : null,
  });
  const prices = new PriceFeed({ store: stores.prices, take: (set) => book.take(set), log });
  const admission = new Admission({
    store: stores.admission,
    process,
    leaseMs: settings.leaseMs,
    timeoutMs: settings.storeTimeoutMs,
    clock,
    log,
    keepsRecords: () => records?.isKept === true,
    onBeat: ({ prices: epoch }) => prices.note(epoch),
    limitLevels: settings.limitEventLevels,
    onNotice: (notice) => journal.limitReached(notice),
    onEvicted: (counters) => metrics.endUsersEvicted(counters),
  });
  const uses = new SecretUses({ store: stores.secrets, storeNowMs, log });
  const proofs = new Proofs({
    publicUrls: settings.publicUrls,
    onDyno,
    nowMs: storeNowMs,
    nonces: new Nonces(stores.nonceSecrets, storeNowMs),
    used: stores.usedProofs,
  });
  const origin = (host: string | undefined): string =>
    host === undefined ? '' : `${settings.onDyno ? 'https' : 'http'}://${host}`;
  const links = new ClaimLinks({
    store: stores.claims,
    origin,
    note: (event, of) => stores.secrets.noteUses([linkUse(event, of, Math.floor(storeNowMs()))]),
  });
  const { attachments, modelRefreshMs: refreshMs } = settings;
  const discovery = new Discovery({ attachments, refreshMs, clock, log });
  const upstreams = new Upstreams(attachments, discovery);
  const served = new ServedModels({ catalogue, upstreams, listed: discovery });
  const exchanges = new OpenExchanges(clock);
  const queue = new RequestQueue({
    clock,
    max: settings.upstreamQueueMax,
    maxOfTeam: settings.upstreamQueueMaxPerTeam,
  });
  const snapshots = new SharedSnapshots({
    share: stores.shareSnapshots,
    quotas: upstreams.quotas,
    isWaiting: () => queue.size > 0,
    storeNowMs,
    clock,
    log,
  });
  const { delivery, deliveries } = webhooksOf({
    ...stores.told,
    privateHosts: settings.webhookPrivateHosts,
    version,
    storeNowMs,
    clock,
    log,
    onOutcome: (outcome, events) => metrics.deliveryEnded(outcome, events),
  });
  const duties = eventDuties({
    ...stores.told,
    owner: process,
    duties: [delivery, stores.monitors],
    clock,
    log,
  });
  metrics.watch({
    webhooks: () => delivery.figures,
    ledgerPending: () => admission.pending,
    openRequests: () => exchanges.size,
    openStreams: () => exchanges.streams,
    waiting: () => queue.size,
    attachments: () => upstreams.circuits(clock.monotonic()),
    limits: () => admission.limitsInUse().catch(() => null),
    store: () => stores.extent().catch(() => null),
    records: async () => (await records?.extent().catch(() => null)) ?? null,
  });
  const budget = new MemoryBudget({
    maxBytes: settings.bodyBudgetBytes,
    maxBodyBytes: settings.maxBodyBytes,
    maxImportBytes: maxDocumentBytes,
    maxCalls: settings.maxConnections,
  });
  const refusals = new RefusalTally({ store: stores.refusals, process, storeNowMs, clock, log });
  const journal = new Journal({
    log,
    metrics,
    refusals,
    knowsModel: (model) => served.knows(model),
    upstreamEvents: new UpstreamEvents({ teller: stores.teller, clock, storeNowMs }),
  });
  const answers = new Answers(journal);
  const atTheDoor = {
    allowedOrigins: settings.allowedOrigins,
    maxBodyBytes: settings.maxBodyBytes,
    authenticator,
    proofs,
    uses,
    budget,
    addressOf: ({ sender }: Call) => clientAddress(sender, onDyno),
    draining: options.draining,
  };
  const frontDoor = new FrontDoor(atTheDoor);
  const pipeline = new Pipeline({
    settings,
    catalogue,
    frontDoor,
    admission,
    upstreams,
    served,
    repairs: new RequestRepairs({ clock, log }),
    discovery,
    exchanges,
    queue,
    items: stores.items,
    clock,
    journal,
    draining: options.draining,
  });
  const minter = new SessionMinter({
    sessions: stores.sessions,
    storeNowMs,
    realModel: catalogue.real,
    allowedOrigins: settings.allowedOrigins,
    pinnedProblems: (endpoint, pinned, tools) =>
      pinnedProblems(endpoint, pinned, {
        tools,
        maxOutputTokens: (model) => catalogue.refusesOver(model),
      }),
  });
  const authorize = actorCheck({
    adminKey: settings.adminKey,
    previousAdminKey: settings.previousAdminKey,
    onPreviousKey: ({ forwardedFor, peer = null }) => {
      const address = onDyno ? forwardedAddress(forwardedFor) : peer;
      log.warn('ADMIN_KEY_PREVIOUS was used: its holder needs the new key', { address });
    },
    administrators: stores.administrators,
    authenticator,
    throttle,
  });
  const pace = new ChangePace(stores.changes);
  const admin: AppDeps['admin'] = {
    ...stores,
    lastUses: (team, tokens) => uses.lastUses(team, tokens),
    counters: stores.admission.counters,
    claims: links,
    issuers: options.issuers,
    origin,
    deliveries,
    webhookPrivateHosts: settings.webhookPrivateHosts,
    note: (change) => stores.told.changes.note(change),
    catalogue,
    pricesChanged: () => prices.changed(),
    storeNowMs: async () => storeNowMs(),
    serving: {
      upstreams: () => upstreams.states(clock),
      store: async () => ({ kind: settings.store.kind, ...(await stores.extent()) }),
      records: async () => (await records?.brief()) ?? withoutRecords,
    },
    backup: new Backup({ archive: stores.archive, clock }),
    clock,
    realModel: catalogue.real,
    models: {
      serves: (model) => upstreams.candidates(catalogue.real(model)).length > 0,
      isPriced: (model) => catalogue.price(catalogue.real(model), clock.now()) !== null,
      all: () => served.all().map(({ id }) => id),
    },
    pace,
    authorize,
    budget,
    auditContextOf,
    onError: (error, requestId) => log.error('an admin request failed', { error, request_id: requestId }),
  };
  const verifier = new IdTokenVerifier({ issuers: options.issuers, clock });
  const console = consoleOf({
    ...stores.consoleStores,
    issuers: options.issuers,
    verifier,
    identities: stores.identities,
    realModel: catalogue.real,
    auditContextOf,
    minter,
    clock,
    log,
    adminKey: settings.adminKey,
    previousAdminKey: settings.previousAdminKey,
    administrators: stores.administrators,
    authenticator,
    authorize,
    throttle,
    atTheDoor,
    answers,
    origin,
  });
  const app = createApp({
    ...stores,
    console,
    frontDoor,
    pipeline,
    answers,
    journal,
    authenticator,
    throttle,
    proofs,
    authorize,
    auditContextOf,
    admission,
    served,
    upstreams,
    minter,
    verifier,
    realModel: catalogue.real,
    links,
    pace,
    origin,
    storeReachable: () =>
      admission.heartbeat.beat().then(
        () => loader.tried,
        () => false,
      ),
    storeProblem: stores.problem,
    draining: options.draining,
    metrics: createMetricsEndpoint(metrics),
    deployment: {
      onDyno: settings.onDyno,
      herokuApp: settings.herokuApp,
      store: settings.store.kind,
      hasRecords: settings.records !== null,
    },
    admin,
    tracer: telemetry?.tracer ?? null,
    clock,
  });
  return {
    app,
    budget,
    /** Begins to keep this process's lease in the store. */
    start: () => {
      records?.start();
      stores.onReady(() => loader.begin());
      void stores.connected().then(() => admission.heartbeat.start());
      uses.start();
      snapshots.start();
      discovery.start();
      telemetry?.start();
      duties.start();
    },
    /** Resolves when IDENTITY_FILE is in the store, or after so long; at once if there is none. */
    identitiesLoaded: (timeoutMs: number) => loader.loaded(timeoutMs),
    /** Says in log and metrics what was refused before it reached the routes. */
    noteUnrouted: (refusal: Refusal, requestId: string) => answers.unrouted(refusal, requestId),
    /** Whether requests are under way. */
    isBusy: () => exchanges.size > 0,
    /** Ends what is still under way; it settles. */
    endRemaining: () => exchanges.shutDown(),
    /** Resolves when the store has every settlement, and Postgres what this process drains. */
    drained: async () => {
      await Promise.all([
        admission.stop(),
        refusals.drained(),
        uses.stop(),
        telemetry?.stop(),
        duties.stop(),
      ]);
      await records?.stop();
    },
    close: async () => {
      loader.close();
      snapshots.stop();
      discovery.close();
      exchanges.close();
      await upstreams.close();
      stores.close();
    },
  };
}

/** Everything that is kept. It is not connected yet. */
function storesOf(
  { settings, clock, log, metrics }: WireOptions,
  { process, storeNowMs }: { process: string; storeNowMs: () => number },
) {
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
