import { setTimeout as sleep } from 'node:timers/promises';
import { AuditTrail } from '../audit/audit-trail.ts';
import type { Clock } from '../base/clock.ts';
import type { Catalogue } from '../config/catalogue.ts';
import type { Settings } from '../config/environment.ts';
import type { TrustedIssuer } from '../config/issuer.ts';
import { PriceBook } from '../config/price-book.ts';
import { IdentityStore } from '../identity/store/identity-store.ts';
import { PriceStore } from '../identity/store/price-store.ts';
import { ServedModels } from '../models/served-models.ts';
import { Database } from '../records/database.ts';
import { type Keys, keysUnder } from '../store/keys.ts';
import { RedisStore } from '../store/redis.ts';
import { Upstreams } from '../upstream/upstreams.ts';
import { type Area, type Finding, ok, problem, timeText } from './finding.ts';
import { issuerFacts } from './issuer-facts.ts';
import { issuerFindings } from './issuer-findings.ts';
import { spendersIn, spendersOf } from './price-facts.ts';
import { priceFindings } from './price-findings.ts';
import { reachStore } from './reach-store.ts';
import { recordsFacts } from './records-facts.ts';
import { recordsFailure, recordsFindings } from './records-findings.ts';
import { storeFacts, type StoreFacts } from './store-facts.ts';
import { storeFindings } from './store-findings.ts';
import { telemetryFacts } from './telemetry-facts.ts';
import { noTelemetry, telemetryFindings } from './telemetry-findings.ts';
import { type UpstreamFacts, upstreamFacts } from './upstream-facts.ts';
import { upstreamFindings } from './upstream-findings.ts';
import { webhookFacts } from './webhook-facts.ts';
import { webhookFindings } from './webhook-findings.ts';

export interface LooksOptions {
  readonly settings: Settings;
  readonly catalogue: Catalogue;
  readonly issuers: readonly TrustedIssuer[];
  readonly hasIdentityFile: boolean;
  /** How many processes there are to be; if more are alive, these count. */
  readonly processes: number;
  readonly clock: Clock;
  readonly timeoutMs: number;
}

const noRecords = ok('records', 'There is no Postgres: what the store loses or trims is nowhere else.');

/** Looks at what a gateway needs, all at once. Whatever hangs is told as that, and keeps no other look waiting. */
export class Looks {
  readonly #options: LooksOptions;
  readonly #keys: Keys;
  /** The store, or why it cannot be reached; null: it is the embedded one, in the gateway's own memory. */
  readonly #store: Promise<RedisStore | Finding | null>;
  readonly #storeFacts: Promise<StoreFacts | null>;
  readonly #upstreams: readonly Promise<UpstreamFacts>[];

  constructor(options: LooksOptions) {
    this.#options = options;
    const { settings, clock, timeoutMs } = options;
    const { store, records, leaseMs, attachments } = settings;
    const prefix = store.kind === 'redis' ? store.prefix : '';
    this.#keys = keysUnder(prefix, { hasRecords: records !== null });
    this.#store = store.kind === 'redis' ? reachStore(store, timeoutMs / 2) : Promise.resolve(null);
    this.#storeFacts = this.#reached().then(
      (reached) => reached && storeFacts(reached, { keys: this.#keys, leaseMs, clock }),
    );
    // Whoever needs them says so; others must not end the process.
    this.#storeFacts.catch(() => undefined);
    const signal = AbortSignal.timeout(timeoutMs);
    this.#upstreams = attachments.map((attachment) => upstreamFacts(attachment, signal));
  }

  /** All findings, in no order. */
  async all(): Promise<Finding[]> {
    const findings = await Promise.all([
      this.#bounded('store', 'The store', this.#lookAtStore()),
      this.#bounded('records', 'Postgres', this.#lookAtRecords()),
      this.#bounded('prices', 'The store', this.#lookAtPrices()),
      ...this.#upstreams.map((facts) =>
        this.#bounded('upstream', 'An upstream', facts.then(upstreamFindings)),
      ),
      ...this.#options.issuers.map((issuer) =>
        this.#bounded('issuer', issuer.issuer, this.#lookAtIssuer(issuer)),
      ),
      this.#bounded('telemetry', 'The collector', this.#lookAtCollector()),
      this.#bounded('webhook', 'The store', this.#lookAtWebhooks()),
    ]);
    const store = await this.#store;
    if (store instanceof RedisStore) store.close();
    return findings.flat();
  }

  /** The store; null if there is none to look at, or it cannot be reached. */
  async #reached(): Promise<RedisStore | null> {
    const store = await this.#store;
    return store instanceof RedisStore ? store : null;
  }

  async #lookAtStore(): Promise<Finding[]> {
    const { settings, hasIdentityFile } = this.#options;
    const store = await this.#store;
    if (store !== null && !(store instanceof RedisStore)) return [store];
    const facts = await this.#storeFacts;
    if (facts === null || settings.store.kind === 'memory') return [];
    const { url, verifyTls } = settings.store;
    const processes = await this.#processes();
    return storeFindings(facts, { settings, url, verifyTls, hasIdentityFile, processes });
  }

  async #lookAtRecords(): Promise<Finding[]> {
    const { settings, clock, timeoutMs } = this.#options;
    const { records } = settings;
    if (records === null) return [noRecords];
    const database = new Database(records, { answerMs: timeoutMs / 2 });
    try {
      const facts = await recordsFacts(database, { store: await this.#reached(), keys: this.#keys });
      return recordsFindings(facts, {
        processes: await this.#processes(),
        alive: await this.#alive(),
        backlogBytes: records.backlogBytes,
        nowMs: clock.now(),
      });
    } catch (error) {
      return [recordsFailure(error)];
    } finally {
      void database.close();
    }
  }

  async #lookAtPrices(): Promise<Finding[]> {
    const { settings, catalogue, issuers, clock } = this.#options;
    const store = await this.#reached();
    if (store === null) return [];
    const keys = this.#keys;
    const audit = this.#auditOf(store);
    const book = new PriceBook(catalogue);
    book.take(await new PriceStore(store, keys, audit).all());
    const identities = new IdentityStore(store, keys, audit);
    const spenders = await spendersIn(identities, () => store.attempt((client) => client.get(keys.settings)));
    const lists = new Map(
      (await Promise.all(this.#upstreams)).map(({ attachment, models }) => [attachment.baseUrl, models]),
    );
    const listed = { at: (baseUrl: string) => lists.get(baseUrl) ?? null };
    const upstreams = new Upstreams(settings.attachments, listed);
    const served = new ServedModels({ catalogue, upstreams, listed }).all().map(({ id }) => id);
    await upstreams.close();
    const isPriced = (model: string): boolean => book.price(catalogue.real(model), clock.now()) !== null;
    return priceFindings([...spenders, ...spendersOf(issuers)], { served, isPriced });
  }

  async #lookAtIssuer(issuer: TrustedIssuer): Promise<Finding[]> {
    const { clock, timeoutMs } = this.#options;
    return issuerFindings(await issuerFacts(issuer, { clock, timeoutMs: timeoutMs / 2 }));
  }

  async #lookAtCollector(): Promise<Finding[]> {
    const { settings, timeoutMs } = this.#options;
    const { traces = null, metrics = null } = settings.telemetry ?? {};
    const facts = await Promise.all([
      traces && telemetryFacts('traces', traces, { timeoutMs }),
      metrics && telemetryFacts('metrics', metrics, { timeoutMs }),
    ]);
    const found = facts.flatMap((each) => (each === null ? [] : telemetryFindings(each)));
    return found.length > 0 ? found : [noTelemetry];
  }

  async #lookAtWebhooks(): Promise<Finding[]> {
    const { settings, timeoutMs } = this.#options;
    const store = await this.#reached();
    if (store === null) return [];
    const facts = await webhookFacts({
      store,
      keys: this.#keys,
      changes: this.#auditOf(store),
      privateHosts: settings.webhookPrivateHosts,
      timeoutMs: timeoutMs / 2,
    });
    return webhookFindings(facts);
  }

  /** What would write the trail: stores ask for it, and nothing is changed here. */
  #auditOf(store: RedisStore): AuditTrail {
    return new AuditTrail(store, this.#keys, { log: { info: () => {} }, clock: this.#options.clock });
  }

  /** How many gateway processes are alive; null if nobody can tell. */
  async #alive(): Promise<number | null> {
    const alive = await this.#storeFacts.then(
      (facts) => facts?.processes,
      () => null,
    );
    return typeof alive === 'number' ? alive : null;
  }

  async #processes(): Promise<number> {
    return Math.max(this.#options.processes, (await this.#alive()) ?? 0);
  }

  /** A look that takes no longer than it may. Never rejects. */
  async #bounded(area: Area, what: string, look: Promise<Finding[]>): Promise<Finding[]> {
    const timeoutMs = 2 * this.#options.timeoutMs;
    const end = new AbortController();
    const late = sleep(timeoutMs, null, { signal: end.signal }).catch(() => null);
    try {
      const found = await Promise.race([look, late]);
      if (found !== null) return found;
      const says = `${what} hangs: what was asked was not answered within ${timeText(timeoutMs)}.`;
      return [problem(area, says, 'Look at its log, and run this again.')];
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return [
        problem(
          area,
          `${what} does not answer as it should: ${reason}`,
          'Look at its log, and run this again.',
        ),
      ];
    } finally {
      end.abort();
    }
  }
}
