import { adminApp, adminRoutes } from '../admin/admin-app.ts';
import type { AdminDeps } from '../admin/deps.ts';
import { AuditTrail } from '../audit/audit-trail.ts';
import { AdministratorStore } from '../identity/store/administrator-store.ts';
import { IdentityArchive } from '../identity/store/identity-archive.ts';
import { IdentityStore } from '../identity/store/identity-store.ts';
import { PriceStore } from '../identity/store/price-store.ts';
import { WebhookStore } from '../identity/store/webhook-store.ts';
import { deliveriesOf } from '../webhooks/webhooks.ts';
import type { PrivateHosts } from '../webhooks/destination-url.ts';
import { version } from '../operations/version.ts';
import { readPrivateHosts } from '../config/origins.ts';
import { SecretStore } from '../identity/store/secret-store.ts';
import { Backup } from '../backup/backup.ts';
import { ClaimLinks, linkUse } from '../claims/claim-links.ts';
import { ClaimStore } from '../claims/claim-store.ts';
import { issuersFileOf, modelsFileOf, readUsageRetention } from '../config/environment.ts';
import type { TrustedIssuer } from '../config/issuer.ts';
import { loadIssuers } from '../config/issuers.ts';
import { type Catalogue, loadCatalogue, parseCatalogue } from '../config/catalogue.ts';
import { PriceBook } from '../config/price-book.ts';
import { readRecords } from '../config/records.ts';
import { readStore } from '../config/store.ts';
import { trimmed, VariableReader } from '../config/variables.ts';
import { systemClock } from '../base/clock.ts';
import { Database } from '../records/database.ts';
import { readersOf } from '../records/readers.ts';
import { keysUnder } from '../store/keys.ts';
import { RedisStore } from '../store/redis.ts';
import { nowMsOf } from '../store/store.ts';
import { countersIn } from '../limits/counters.ts';
import { rootHolder } from '../console/holder.ts';
import { consoleLinkRoute } from '../console/link-route.ts';
import { ConsoleLinks } from '../console/links.ts';
import { LedgerReader } from '../ledger/ledger-reader.ts';
import { CommandFailed, exitCodes } from './command-failed.ts';
import type { Connection } from './cli.ts';

const connectTimeoutMs = 10_000;

/**
 * The admin API made in this process, on the Redis of the environment: `heroku run` needs no running gateway
 * and no key, since who can read the Redis URL could write to it anyway.
 */
export async function connectToRedis(env: NodeJS.ProcessEnv): Promise<Connection> {
  const read = new VariableReader(env);
  const { store: settings } = readStore(read, false);
  const { records } = readRecords(read);
  const retentionDays = readUsageRetention(read);
  const privateHosts = new Set(readPrivateHosts(read));
  if (settings.kind !== 'redis' || read.problems.length > 0)
    throw new CommandFailed(read.problems.join('\n'), exitCodes.misused);
  const failure: { reason: string } = { reason: '' };
  const store = new RedisStore({
    url: settings.url,
    verifyTls: settings.verifyTls,
    commandTimeoutMs: connectTimeoutMs,
    onDown: (error) => {
      failure.reason = ` (${reasonOf(error)})`;
      // Do not retry: nobody at a terminal waits for a store to come up.
      store.close();
    },
  });
  store.connect();
  try {
    await store.whenReady(connectTimeoutMs);
  } catch {
    store.close();
    throw new CommandFailed(
      `The Redis of REDIS_TLS_URL or REDIS_URL cannot be used${failure.reason}.`,
      exitCodes.unreachable,
    );
  }
  const models = loadCatalogue(modelsFileOf(env));
  const trusted = loadIssuers(issuersFileOf(env), env);
  const database = records && new Database(records);
  const app = await localAdmin({
    store,
    prefix: settings.prefix,
    catalogue: models.ok ? models.catalogue : null,
    issuers: trusted.ok ? trusted.issuers : null,
    database,
    retentionDays,
    privateHosts,
    adminKey: trimmed(env['ADMIN_KEY']) ?? null,
  });
  return {
    send: async (path, init) => app.request(path, init),
    close: () => {
      store.close();
      void database?.close();
    },
  };
}

/** ioredis's message, which contains neither URL nor password. If several addresses refuse, Node gives only a code. */
function reasonOf({ message, code }: Error & { code?: string }): string {
  return message || (code ?? 'unknown');
}

interface LocalAdmin {
  store: RedisStore;
  prefix: string;
  /** Null if it cannot be read. */
  catalogue: Catalogue | null;
  /** Null if they cannot be read. */
  issuers: readonly TrustedIssuer[] | null;
  database: Database | null;
  retentionDays: number;
  privateHosts: PrivateHosts;
  adminKey: string | null;
}

async function localAdmin({
  store,
  prefix,
  catalogue: read,
  issuers,
  database,
  retentionDays,
  privateHosts,
  adminKey,
}: LocalAdmin): Promise<ReturnType<typeof adminApp>> {
  const catalogue = read ?? emptyCatalogue();
  const keys = keysUnder(prefix);
  // The gateway logs the new head itself, within a minute.
  const audit = new AuditTrail(store, keys, { log: { info: () => {} }, clock: systemClock });
  const secrets = new SecretStore(store, keys, audit);
  const prices = new PriceStore(store, keys, audit);
  const book = new PriceBook(catalogue);
  // Whatever keeps them from being read keeps the command itself from its work, which says so.
  book.take(await prices.all().catch(() => []));
  const readers = readersOf({
    store,
    keys,
    ledger: new LedgerReader(store, keys),
    audit,
    source: database && { database, problem: () => null },
    retentionDays,
    clock: systemClock,
  });
  const deps: AdminDeps = {
    identities: new IdentityStore(store, keys, audit),
    administrators: new AdministratorStore(store, keys, audit),
    ...readers,
    secrets,
    lastUses: (team, tokens) => secrets.lastUses(team, tokens),
    counters: countersIn(store, keys),
    issuers,
    // Nobody was asked over HTTP: a link is a path on whatever the gateway's address is.
    origin: () => '',
    claims: new ClaimLinks({
      store: new ClaimStore(store, keys, audit),
      origin: () => '',
      note: (event, of) => secrets.noteUses([linkUse(event, of, systemClock.now())]),
    }),
    backup: new Backup({ archive: new IdentityArchive(store, keys, audit), clock: systemClock }),
    erase: null,
    serving: null,
    prices,
    webhooks: new WebhookStore(store, keys, audit),
    // A test is sent from here.
    deliveries: deliveriesOf({
      store,
      keys,
      changes: audit,
      privateHosts,
      version,
      storeNowMs: () => systemClock.now(),
      clock: systemClock,
    }),
    webhookPrivateHosts: privateHosts,
    note: (change) => audit.note(change),
    catalogue,
    // Gateways notice it at their next heartbeat.
    pricesChanged: () => Promise.resolve(),
    storeNowMs: () => store.attempt((client) => client.time()).then(nowMsOf),
    clock: systemClock,
    realModel: catalogue.real,
    // What attachments serve is not asked here.
    models: {
      serves: () => true,
      isPriced: (model) => read === null || book.price(catalogue.real(model), systemClock.now()) !== null,
      all: () => catalogue.models(),
    },
    budget: null,
    pace: null,
    authorize: () => Promise.resolve({ kind: 'root', key: 'current' }),
    auditContextOf: (_actor, { requestId }) => ({ actor: 'command-line', address: null, requestId }),
    onError: (error) => {
      throw error;
    },
  };
  const linkRoute = consoleLinkRoute({
    links: new ConsoleLinks(store, keys),
    root: (key) => (adminKey === null ? null : rootHolder(key, { adminKey, previousAdminKey: null })),
    origin: () => '',
  });
  return adminApp(deps, { routes: [...adminRoutes(deps), linkRoute] });
}

function emptyCatalogue(): Catalogue {
  const made = parseCatalogue('{"models":{}}');
  if (!made.ok) throw new TypeError('A catalogue may be empty.');
  return made.catalogue;
}
