import { Admission } from './limits/admission.ts';
import { Answers } from './edge/answers.ts';
import { type AppDeps, createApp } from './app.ts';
import { storesOf } from './composition/stores.ts';
import { actorCheck } from './access/actor-check.ts';
import { Authenticator } from './access/authenticator.ts';
import { AuthThrottle } from './access/auth-throttle.ts';
import { ChangePace } from './access/change-pace.ts';
import { Nonces } from './access/proof/nonces.ts';
import { Proofs } from './access/proof/proofs.ts';
import { SecretUses } from './access/secret-uses.ts';
import { randomBase62 } from './identity/records/token-text.ts';
import { ClaimLinks, linkUse } from './claims/claim-links.ts';
import { consoleOf } from './console/console.ts';
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
import { PriceFeed } from './identity/operations/price-feed.ts';
import { withoutRecords } from './records/records-view.ts';
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

const processIdLength = 12;

/** Builds everything long-lived of one process, once. */
export function wire(options: WireOptions) {
  const { settings, clock, log, metrics, telemetry = null } = options;
  const book = new PriceBook(options.catalogue);
  const catalogue: Catalogue = { ...options.catalogue, price: book.price };
  const process = randomBase62(processIdLength);
  const storeNowMs = (): number => admission.heartbeat.storeNowMs();
  const stores = storesOf({ settings, clock, log, metrics, process, storeNowMs });
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
