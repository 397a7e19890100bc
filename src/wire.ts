import type { Hono } from 'hono';
import { adminApp } from './admin/admin-app.ts';
import { adminRoutes } from './admin/admin-routes.ts';
import type { AdminDeps } from './admin/deps.ts';
import { Admission } from './admission/admission.ts';
import { MemoryAdmissionStore } from './admission/memory-admission-store.ts';
import { RedisAdmissionStore } from './admission/redis-admission-store.ts';
import type { AdmissionStore } from './admission/store.ts';
import type { Counter } from './admission/window.ts';
import { Answers } from './answers.ts';
import { type AppParts, createApp } from './app.ts';
import { MemoryAudit } from './audit/memory-audit.ts';
import { RedisAudit } from './audit/redis-audit.ts';
import { type ActorCheck, actorCheck } from './auth/actor-check.ts';
import { Authenticator } from './auth/authenticator.ts';
import { MemoryAdministratorStore } from './auth/memory-administrator-store.ts';
import { MemoryArchive } from './auth/memory-archive.ts';
import { MemoryIdentityStore } from './auth/memory-identity-store.ts';
import { RedisAdministratorStore } from './auth/redis-administrator-store.ts';
import { MemorySecretStore } from './auth/memory-secret-store.ts';
import { RefusedCredentials } from './auth/refused-credentials.ts';
import { RedisArchive } from './auth/redis-archive.ts';
import { RedisIdentityStore } from './auth/redis-identity-store.ts';
import { RedisSecretStore } from './auth/redis-secret-store.ts';
import { SecretUses } from './auth/secret-uses.ts';
import { mintSessionToken, mintToken, randomBase62 } from './auth/token-text.ts';
import { ClaimLinks } from './claims/claim-links.ts';
import { MemoryClaimStore } from './claims/memory-claim-store.ts';
import { RedisClaimStore } from './claims/redis-claim-store.ts';
import type { Catalogue } from './config/catalogue.ts';
import type { Settings } from './config/environment.ts';
import type { AdministratorStore } from './core/administrator.ts';
import type { AuditReader } from './core/audit.ts';
import type { ClaimStore } from './core/claim.ts';
import { Backup } from './backup/backup.ts';
import type { BackupDocument } from './backup/document.ts';
import type { IdentityArchive } from './core/archive.ts';
import type { Clock } from './core/clock.ts';
import type { LedgerReader } from './core/entry.ts';
import type { IdentityStore } from './core/identity.ts';
import type { ReadingStore } from './core/reading.ts';
import type { RefusalStore } from './core/refusal-count.ts';
import type { TrustedIssuer } from './core/issuer.ts';
import type { SecretStore } from './core/secret.ts';
import type { MintBounds, SessionStore } from './core/session.ts';
import { keysUnder } from './core/keys.ts';
import type { Refusal } from './core/refusal.ts';
import { RedisStore } from './core/redis.ts';
import { Gateway } from './gateway.ts';
import { IdentityLoader } from './identity-loader.ts';
import { Journal } from './journal.ts';
import { McpServers } from './mcp-servers.ts';
import { MemoryLedger } from './ledger/memory-ledger.ts';
import { MemoryRefusalStore } from './ledger/memory-refusal-store.ts';
import { RedisLedger } from './ledger/redis-ledger.ts';
import { RedisRefusalStore } from './ledger/redis-refusal-store.ts';
import { RefusalTally } from './ledger/refusal-tally.ts';
import { tellStoreCondition } from './lifecycle/store-condition.ts';
import { isFirstProcess } from './lifecycle/worker.ts';
import { createMetricsEndpoint } from './observability/cluster-metrics.ts';
import type { Log } from './observability/log.ts';
import type { Metrics, StoreExtent } from './observability/metrics.ts';
import type { Env } from './operations.ts';
import { Origins } from './origins.ts';
import { ModelRoutes } from './model-routes.ts';
import { Discovery } from './models/discovery.ts';
import { OwnUsage } from './own-usage.ts';
import { MemoryReadingStore } from './proxy/memory-reading-store.ts';
import { OpenExchanges } from './proxy/open-exchanges.ts';
import { RedisReadingStore } from './proxy/redis-reading-store.ts';
import { requestIdOf } from './proxy/request-id.ts';
import { SharedReadings } from './proxy/shared-readings.ts';
import { Upstreams } from './proxy/upstreams.ts';
import { WaitingRoom } from './proxy/waiting-room.ts';
import { RotationRoute } from './rotation-route.ts';
import { SelfService } from './self-service.ts';
import { ServedModels } from './served-models.ts';
import { SessionRoutes } from './session-routes.ts';
import { MemorySessionStore } from './sessions/memory-session-store.ts';
import { SessionMinter } from './sessions/minter.ts';
import { RedisSessionStore } from './sessions/redis-session-store.ts';
import { sessionSchemas } from './sessions/schema.ts';
import { IdTokenVerifier } from './sign-in/id-token.ts';
import { Provisioner } from './sign-in/provision.ts';
import { SignInRoute } from './sign-in-route.ts';
import { BodyBudget } from './validation/body-budget.ts';
import { pinnedProblems } from './validation/pinned.ts';
import { endpointPaths, endpoints, unnamedPaths } from './validation/registry.ts';

export interface WireOptions {
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
}

/** Everything long-lived, built once. */
export interface Wired {
  app: Hono<Env>;
  /** Begins to keep this process's lease in the store. */
  start(): void;
  /** Resolves when IDENTITY_FILE is in the store, or after so long; at once where there is none. */
  identitiesLoaded(timeoutMs: number): Promise<void>;
  /** Says in log and metrics what was refused before it reached the routes. */
  noteUnrouted(refusal: Refusal, requestId: string): void;
  /** Whether requests are under way. */
  isBusy(): boolean;
  /** Ends what is still under way; it settles. */
  endRemaining(): void;
  /** Resolves when the store has every settlement. */
  drained(): Promise<void>;
  close(): Promise<void>;
}

interface Stores {
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
  readings: ReadingStore;
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
const processIdLength = 12;
const limitIdLength = 12;

/** Builds the gateway of one process. Redis or memory is chosen here and nowhere else. */
export function wire(options: WireOptions): Wired {
  const { settings, catalogue, clock, log, metrics } = options;
  const stores = settings.store.kind === 'redis' ? redisStores(options) : memoryStores(options);
  const origins = new Origins(settings);
  const loader = new IdentityLoader({ document: options.identities ?? null, archive: stores.archive, log });
  const limitRefused = (): RefusedCredentials | null =>
    settings.onDyno
      ? new RefusedCredentials({ perMinute: settings.refusedCredentialsPerMinute, clock })
      : null;
  const authenticator = new Authenticator({
    identities: stores.identities,
    clock,
    refused: limitRefused(),
    realModel: catalogue.aliases.size > 0 ? catalogue.real : null,
  });
  const process = randomBase62(processIdLength);
  const admission = new Admission({
    store: stores.admission,
    process,
    leaseMs: settings.leaseMs,
    timeoutMs: settings.storeTimeoutMs,
    clock,
    log,
    onNotice: (notice) => journal.limitReached(notice),
  });
  const uses = new SecretUses({
    store: stores.secrets,
    storeNowMs: () => admission.heartbeat.storeNowMs(),
    log,
  });
  const origin = (host: string | undefined): string =>
    host === undefined ? '' : `${settings.onDyno ? 'https' : 'http'}://${host}`;
  const links = new ClaimLinks({ store: stores.claims, origin });
  const { attachments, modelRefreshMs: refreshMs } = settings;
  const discovery = new Discovery({ attachments, refreshMs, clock, log });
  const upstreams = new Upstreams(attachments, discovery);
  const served = new ServedModels({ catalogue, upstreams, listed: discovery });
  const exchanges = new OpenExchanges(clock);
  const waiting = new WaitingRoom({
    clock,
    max: settings.upstreamQueueMax,
    maxOfTeam: settings.upstreamQueueMaxPerTeam,
  });
  const readings = new SharedReadings({
    store: stores.readings,
    rooms: upstreams.rooms,
    isWaiting: () => waiting.size > 0,
    storeNowMs: () => admission.heartbeat.storeNowMs(),
    clock,
    log,
  });
  metrics.watch({
    ledgerPending: () => admission.pending,
    openRequests: () => exchanges.size,
    openStreams: () => exchanges.streams,
    waiting: () => waiting.size,
    attachments: () => upstreams.resting(clock.monotonic()),
    store: () => stores.extent().catch(() => null),
  });
  const budget = new BodyBudget(settings.bodyBudgetBytes);
  const refusals = new RefusalTally({
    store: stores.refusals,
    process,
    storeNowMs: () => admission.heartbeat.storeNowMs(),
    clock,
    log,
  });
  const journal = new Journal({ log, metrics, refusals });
  const answers = new Answers(journal);
  const gateway = new Gateway({
    settings,
    catalogue,
    authenticator,
    uses,
    admission,
    upstreams,
    served,
    discovery,
    exchanges,
    waiting,
    clock,
    budget,
    journal,
    draining: options.draining,
  });
  const schemas = sessionSchemas({ endpointPaths, pinnedPaths: endpoints.map(({ path }) => path) });
  const minter = new SessionMinter({
    sessions: stores.sessions,
    mint: mintSessionToken,
    storeNowMs: () => admission.heartbeat.storeNowMs(),
    realModel: catalogue.real,
    allowedOrigins: settings.allowedOrigins,
    endpoints,
    unnamedPaths,
    pinnedProblems: (endpoint, pinned, tools) =>
      pinnedProblems(endpoint, pinned, {
        tools,
        maxOutputTokens: (model) => catalogue.maxOutputTokens(model),
      }),
  });
  const signIn = new SignInRoute({
    gateway,
    answers,
    journal,
    authenticator,
    minter,
    sessions: stores.sessions,
    verifier: new IdTokenVerifier({ issuers: options.issuers, clock }),
    provisioner: new Provisioner({
      identities: stores.identities,
      clock,
      randomId: () => randomBase62(limitIdLength),
    }),
    origins,
    realModel: catalogue.real,
    refused: limitRefused(),
    nowMs: () => clock.now(),
    draining: options.draining,
  });
  const authorize = actorCheck({
    adminKey: settings.adminKey,
    administrators: stores.administrators,
    authenticator,
    refused: limitRefused(),
  });
  const app = createApp({
    gateway,
    answers,
    journal,
    models: new ModelRoutes({ gateway, answers, served }),
    self: new SelfService({ gateway, answers, admission }),
    mcpServers: new McpServers({ gateway, answers, upstreams, clock }),
    ownUsage: new OwnUsage({ gateway, answers, ledger: stores.ledger, clock }),
    sessions: new SessionRoutes({
      gateway,
      answers,
      authenticator,
      minter,
      sessions: stores.sessions,
      schema: schemas.newSession,
    }),
    signIn,
    rotation: new RotationRoute({
      gateway,
      answers,
      identities: stores.identities,
      secrets: stores.secrets,
      mint: () => mintToken('user'),
      origins,
    }),
    claims: { links, answers, journal, clock, origin, refused: limitRefused() },
    operations: {
      storeReachable: () =>
        admission.heartbeat.beat().then(
          () => loader.tried,
          () => false,
        ),
      draining: options.draining,
      metrics: createMetricsEndpoint(metrics),
      authorize,
    },
    admin: administration(options, stores, { authorize, uses, links, origins }),
    clock,
  });
  return {
    app,
    start: () => {
      stores.onReady(() => loader.begin());
      void stores.connected().then(() => admission.heartbeat.start());
      uses.start();
      readings.start();
      discovery.start();
    },
    identitiesLoaded: (timeoutMs) => loader.loaded(timeoutMs),
    noteUnrouted: (refusal, requestId) => answers.unrouted(refusal, requestId),
    isBusy: () => exchanges.size > 0,
    endRemaining: () => exchanges.shutDown(),
    drained: async () => {
      await Promise.all([admission.stop(), refusals.drained(), uses.stop()]);
    },
    close: async () => {
      loader.close();
      readings.stop();
      discovery.close();
      exchanges.close();
      await upstreams.close();
      stores.close();
    },
  };
}

function administration(
  { clock, log }: WireOptions,
  { identities, administrators, archive, audit, ledger, refusals: refused, secrets }: Stores,
  {
    authorize,
    uses,
    links,
    origins,
  }: { authorize: ActorCheck; uses: SecretUses; links: ClaimLinks; origins: Origins },
): AppParts['admin'] {
  const deps: AdminDeps = {
    identities,
    administrators,
    ledger,
    refused,
    secrets,
    lastUses: (team, tokens) => uses.lastUses(team, tokens),
    claims: links,
    backup: new Backup({ archive, clock }),
    audit,
    clock,
    authorize,
    originOf: (actor, asking) => origins.administrator(actor, asking),
    mint: () => mintToken('user'),
    mintAdministrator: () => mintToken('admin'),
    randomId: () => randomBase62(limitIdLength),
    endpointPaths,
    requestId: requestIdOf,
    onError: (error, requestId) => log.error('an admin request failed', { error, request_id: requestId }),
  };
  return { app: adminApp(deps), routes: adminRoutes(deps) };
}

function redisStores({ settings, clock, log, metrics }: WireOptions): Stores {
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
    readings: new RedisReadingStore(store, keys),
    extent: async () => ({ ...(await store.memory()), ...(await ledger.extent()) }),
    connected: () => store.connected(),
    onReady: (listener) => void store.client.on('ready', listener),
    close: () => {
      clearInterval(tellingHeads);
      store.close();
    },
  };
}

function memoryStores({ settings, clock, log }: WireOptions): Stores {
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
    readings: new MemoryReadingStore(),
    extent: async () => ({ usedBytes: 0, maxBytes: 0, ...(await ledger.extent()) }),
    connected: () => Promise.resolve(),
    onReady: (listener) => listener(),
    close: () => undefined,
  };
}

function mintBounds({ sessionsPerMinute, sessionStoreBytes }: Settings): MintBounds {
  return { perMinute: sessionsPerMinute, maxBytes: sessionStoreBytes };
}
