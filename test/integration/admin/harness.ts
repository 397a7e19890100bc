import { noUsage } from '../../support/no-usage.ts';
import { adminApp, adminRoutes } from '../../../src/admin/admin-app.ts';
import type { AdminDeps, Serving } from '../../../src/admin/deps.ts';
import { ChangePace } from '../../../src/access/change-pace.ts';
import { ChangeCounter } from '../../../src/identity/store/change-counter.ts';
import { actorCheck } from '../../../src/access/actor-check.ts';
import { AuditTrail } from '../../../src/audit/audit-trail.ts';
import { Authenticator } from '../../../src/access/authenticator.ts';
import { AdministratorStore } from '../../../src/identity/store/administrator-store.ts';
import { IdentityStore } from '../../../src/identity/store/identity-store.ts';
import { PriceStore } from '../../../src/identity/store/price-store.ts';
import { WebhookStore } from '../../../src/identity/store/webhook-store.ts';
import type { Webhook } from '../../../src/identity/records/webhook.ts';
import { Deliveries } from '../../../src/webhooks/deliveries.ts';
import { DeliveryQueue } from '../../../src/webhooks/delivery-queue.ts';
import type { TryOutcome } from '../../../src/webhooks/try-outcome.ts';
import type { SentEvent } from '../../../src/webhooks/waiting.ts';
import { SecretStore } from '../../../src/identity/store/secret-store.ts';
import { countersIn } from '../../../src/limits/counters.ts';
import { ClaimLinks, linkUse } from '../../../src/claims/claim-links.ts';
import { ClaimStore } from '../../../src/claims/claim-store.ts';
import { IdentityArchive } from '../../../src/identity/store/identity-archive.ts';
import { SessionStore } from '../../../src/sessions/session-store.ts';
import { type Catalogue, parseCatalogue } from '../../../src/config/catalogue.ts';
import { RecordsView, withoutRecords } from '../../../src/records/records-view.ts';
import { Backup } from '../../../src/backup/backup.ts';

import type { EntryQuery, Ledger } from '../../../src/ledger/ledger.ts';
import type { GroupingsQuery } from '../../../src/ledger/day-sums.ts';
import type { UsageGroup, UsageQuery } from '../../../src/ledger/totals.ts';

import type { RefusalGroup, RefusalQuery } from '../../../src/ledger/refusal-count.ts';
import { embeddedStore, testKeys } from '../../support/embedded-store.ts';
import type { JsonObject, JsonValue } from '../../../src/base/request.ts';
import { auditContexts } from '../../../src/audit/context.ts';

export const adminKey = 'an-administrator-key-of-40-characters-00';
export const startMs = Date.UTC(2026, 1, 3, 12, 30);

export interface Answer {
  status: number;
  headers: Headers;
  body: JsonObject;
}

/** The admin API on the embedded store, with a clock to turn and a ledger that says what it was asked. */
export class Harness {
  nowMs = startMs;
  /** How far the clock of the process is ahead of the store's. */
  aheadMs = 0;
  readonly clock = { now: () => this.nowMs + this.aheadMs, monotonic: () => this.nowMs };
  /** What the log was told of the audit trail. */
  readonly heads: object[] = [];
  readonly kept = embeddedStore(() => this.nowMs);
  readonly audit = new AuditTrail(this.kept, testKeys, {
    log: { info: (_told, head = {}) => this.heads.push(head) },
    clock: this.clock,
  });
  readonly sessions = new SessionStore(this.kept, testKeys, { perMinute: 100, maxBytes: 1_000_000 });
  readonly identities = new IdentityStore(this.kept, testKeys, this.audit);
  readonly administrators = new AdministratorStore(this.kept, testKeys, this.audit);
  readonly secrets = new SecretStore(this.kept, testKeys, this.audit);
  readonly prices = new PriceStore(this.kept, testKeys, this.audit);
  readonly webhooks = new WebhookStore(this.kept, testKeys, this.audit);
  /** What was sent to webhooks. */
  readonly sent: { webhook: Webhook; event: SentEvent }[] = [];
  /** Replace to have receivers answer otherwise. */
  taken: TryOutcome = { kind: 'taken', status: 204 };
  readonly deliveries = new Deliveries({
    store: this.kept,
    keys: testKeys,
    queue: new DeliveryQueue({ store: this.kept, keys: testKeys, changes: this.audit }),
    sender: {
      send: async (webhook, event) => {
        this.sent.push({ webhook, event });
        return this.taken;
      },
    },
    storeNowMs: () => this.nowMs,
    clock: this.clock,
  });
  /** How often this process was told that prices have changed. */
  pricesChanged = 0;
  readonly claims = new ClaimLinks({
    store: new ClaimStore(this.kept, testKeys, this.audit),
    origin: (host) => (host === undefined ? '' : `https://${host}`),
    note: (event, of) => this.secrets.noteUses([linkUse(event, of, Date.now())]),
  });
  /** Replace to make the store misbehave. */
  archive: IdentityArchive = new IdentityArchive(this.kept, testKeys, this.audit);
  readonly pace = new ChangePace(new ChangeCounter(this.kept, testKeys));
  readonly ledger = new FakeLedger();
  /** Replace to have another ledger. */
  reader: Ledger = this.ledger;
  readonly errors: unknown[] = [];
  /** Replace to have other attachments. */
  readonly serving = servingSample;
  /** Replace to make the store misbehave. */
  store: IdentityStore = this.identities;
  #made: {
    store: IdentityStore;
    reader: Ledger;
    archive: IdentityArchive;
    app: ReturnType<typeof adminApp>;
  } | null = null;

  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await this.request(method, path, body, headers);
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? {} : (JSON.parse(text) as JsonObject),
    };
  }

  /** The answer as it comes. */
  async request(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    return this.app().request(path, {
      method,
      headers: { authorization: `Bearer ${adminKey}`, 'x-request-id': 'made-request-id-0001', ...headers },
      ...(body === undefined ? {} : { body: bytesOf(body) }),
    });
  }

  /** A team `acme` with the user `ana`. */
  async seed(): Promise<void> {
    await this.call('POST', '/admin/teams', { id: 'acme' });
    await this.call('POST', '/admin/teams/acme/users', { id: 'ana' });
  }

  async issue(fields: object = {}): Promise<{ id: string; text: string }> {
    const { body } = await this.call('POST', '/admin/teams/acme/tokens', { user: 'ana', ...fields });
    return { id: body['id'] as string, text: body['token'] as string };
  }

  epoch(team: string): Promise<string | null> {
    return this.kept.attempt((client) => client.hget(testKeys.epochs, team));
  }

  /** The API, made once for a store. */
  app(): ReturnType<typeof adminApp> {
    if (
      this.#made?.store === this.store &&
      this.#made.reader === this.reader &&
      this.#made.archive === this.archive
    )
      return this.#made.app;
    const app = adminApp(this.deps());
    this.#made = { store: this.store, reader: this.reader, archive: this.archive, app };
    return app;
  }

  routes(): ReturnType<typeof adminRoutes> {
    return adminRoutes(this.deps());
  }

  /** What the API is made of. */
  deps(): AdminDeps {
    const { store: identities, administrators, secrets, claims, clock } = this;
    const { reader: ledger } = this;
    return {
      identities,
      administrators,
      secrets,
      lastUses: (team, tokens) => secrets.lastUses(team, tokens),
      counters: countersIn(this.kept, testKeys),
      claims,
      issuers: [],
      origin: () => '',
      prices: this.prices,
      catalogue,
      storeNowMs: async () => this.nowMs,
      pricesChanged: async () => void (this.pricesChanged += 1),
      ledger,
      recordsView: new RecordsView({ store: this.kept, keys: testKeys, seam: null }),
      backup: new Backup({ archive: this.archive, clock }),
      erase: null,
      serving: this.serving,
      audit: this.audit,
      note: (change) => this.audit.note(change),
      webhooks: this.webhooks,
      deliveries: this.deliveries,
      webhookPrivateHosts: new Set(['hooks.internal']),
      auditContextOf: auditContexts({ onDyno: true }),
      clock,
      models: { serves: (model) => model !== 'unserved', isPriced: () => true, all: () => [] },
      budget: null,
      pace: this.pace,
      authorize: actorCheck({
        adminKey,
        administrators,
        authenticator: new Authenticator({ identities, clock }),
      }),
      onError: (error) => this.errors.push(error),
    };
  }
}

/** The headers of a credential. */
export function bearer(text: string): Record<string, string> {
  return { authorization: `Bearer ${text}` };
}

const catalogue = catalogueOf({
  aliases: { fast: 'chatty' },
  models: {
    chatty: {
      kind: 'chat',
      price: [
        { usd_per_million_input_tokens: 1, usd_per_million_output_tokens: 5 },
        { from: '2027-01-01', usd_per_million_input_tokens: 2, usd_per_million_output_tokens: 6 },
      ],
    },
    'm/with:slash': { kind: 'images' },
  },
});

function catalogueOf(file: object): Catalogue {
  const made = parseCatalogue(JSON.stringify(file));
  if (!made.ok) throw new Error(made.problems.join(' '));
  return made.catalogue;
}

const servingSample: Serving = {
  upstreams: () => [
    { name: 'INFERENCE', model_id: 'm', models: ['m'], circuit: 'closed', failing: [], quota: null },
  ],
  store: () => Promise.resolve({ kind: 'memory', usedBytes: 5, maxBytes: 0, entries: 0, oldestAtMs: null }),
  records: () => Promise.resolve(withoutRecords),
};

class FakeLedger implements Ledger {
  readonly maxDays = 400;
  usageQueries: UsageQuery[] = [];
  entryQueries: EntryQuery[] = [];
  refusalQueries: RefusalQuery[] = [];

  async usage(query: UsageQuery): ReturnType<Ledger['usage']> {
    this.usageQueries.push(query);
    return [{ team: 'acme', ...noUsage, requests: 1, input_tokens: 2, output_tokens: 3 }];
  }

  async entries(query: EntryQuery): ReturnType<Ledger['entries']> {
    this.entryQueries.push(query);
    return { data: [], next_cursor: '12-0' };
  }

  async refusals(query: RefusalQuery): ReturnType<Ledger['refusals']> {
    this.refusalQueries.push(query);
    return [{ team: null, code: 'invalid_token', refused: 3, last_at: null }];
  }

  async groupedUsage({
    groupings,
    ...range
  }: GroupingsQuery<UsageGroup>): ReturnType<Ledger['groupedUsage']> {
    return Promise.all(groupings.map((groupBy) => this.usage({ ...range, groupBy })));
  }

  async groupedRefusals({
    groupings,
    ...range
  }: GroupingsQuery<RefusalGroup>): ReturnType<Ledger['groupedRefusals']> {
    return Promise.all(groupings.map((groupBy) => this.refusals({ ...range, groupBy })));
  }
}

/** The error of an answer. */
export function errorOf({ body }: Answer): JsonObject {
  return body['error'] as JsonObject;
}

/** The params of all problems of an answer. */
export function problemsOf(answer: Answer): JsonValue[] {
  const { param, details = [] } = errorOf(answer) as { param: string | null; details?: JsonObject[] };
  return [param, ...details.map((problem) => problem['param'] ?? null)];
}

function bytesOf(body: unknown): string | Uint8Array<ArrayBuffer> {
  if (body instanceof Uint8Array) return new Uint8Array(body);
  return typeof body === 'string' ? body : JSON.stringify(body);
}
