import { AuditTrail } from '../../src/audit/audit-trail.ts';
import { ChainCheck, type Verdict } from '../../src/audit/chain-check.ts';
import { systemClock } from '../../src/base/clock.ts';
import { dayOf } from '../../src/base/days.ts';
import type { RecordKey } from '../../src/identity/records/identity.ts';
import { IdentityArchive } from '../../src/identity/store/identity-archive.ts';
import { IdentityStore } from '../../src/identity/store/identity-store.ts';
import { PriceStore } from '../../src/identity/store/price-store.ts';
import { WebhookStore } from '../../src/identity/store/webhook-store.ts';
import { RefusalStore } from '../../src/ledger/refusal-store.ts';
import { AdmissionStore } from '../../src/limits/admission-store.ts';
import { encodeOpen } from '../../src/limits/open-record.ts';
import type { Settlement } from '../../src/limits/store.ts';
import { windowIndex } from '../../src/limits/window.ts';
import type { Database } from '../../src/records/database.ts';
import { DrainedStore } from '../../src/records/drained-store.ts';
import { Lease } from '../../src/records/lease.ts';
import { Partitions } from '../../src/records/partitions.ts';
import { storeDrain } from '../../src/records/store-drain.ts';
import { keysUnder } from '../../src/store/keys.ts';
import type { Script } from '../../src/store/script.ts';
import type { Doubt, Store, StoreClient } from '../../src/store/store.ts';
import { StoreUnavailable } from '../../src/store/store-unavailable.ts';
import { closingOf, decided, entryOf } from '../contract/admission-store-samples.ts';
import { teamNamed, tokenNamed, userNamed } from '../contract/identity-store.ts';
import { openRequest } from '../unit/limits/samples.ts';

/*
 * A store and a real Postgres, with all that is kept of a team in both, without processes and timers: what a test turns of
 * restoring.
 */

export const keys = keysUnder('t:', { hasRecords: true });
const retentionDays = 92;
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A request that was admitted. */
export interface Admitted {
  readonly grant: string;
  readonly incarnation: string;
  readonly admittedAtMs: number;
}

/** What is done before a step of a store, instead of it, or at its place. */
type Before = (script: string, n: number) => Promise<void> | void;

/** A store with something done before each script; a rejection stands for a process that was killed there. */
export class WatchedStore implements Store {
  readonly problem = null;
  readonly #store: Store;
  readonly #before: Before;
  /** How many scripts have been run. */
  runs = 0;

  constructor(store: Store, before: Before) {
    this.#store = store;
    this.#before = before;
  }

  async run(script: Script, ...args: [readonly string[], readonly (string | number)[]]): Promise<unknown> {
    this.runs += 1;
    await this.#before(script.name, this.runs);
    return this.#store.run(script, ...args);
  }

  attempt<T>(command: (client: StoreClient) => Promise<T>): Promise<T> {
    return this.#store.attempt(command);
  }

  memory(): Promise<{ usedBytes: number; maxBytes: number }> {
    return this.#store.memory();
  }

  connected(): Promise<void> {
    return this.#store.connected();
  }

  onReady(listener: () => void): void {
    this.#store.onReady(listener);
  }

  onDoubt(listener: (doubt: Doubt) => void): void {
    this.#store.onDoubt(listener);
  }

  close(): void {
    this.#store.close();
  }
}

/** The records as they are at first. */
export async function emptied(database: Database): Promise<void> {
  const tables = await database.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'tollgate'::regnamespace AND relkind IN ('r', 'p')
       AND NOT relispartition AND relname NOT IN ('migrations', 'drain', 'checkpoints', 'provenance')`,
  );
  await database.transaction(async (queries) => {
    for (const { name } of tables) await queries.query(`DELETE FROM ${name}`);
    await queries.query("UPDATE provenance SET name = NULL, seen = ''");
    await queries.query('UPDATE checkpoints SET last_ms = 0, last_seq = 0, added = 0');
    await queries.query("UPDATE drain SET store = NULL, mark = 0, owner = NULL, leased_until = '-infinity'");
  });
}

export function killed(): StoreUnavailable {
  return new StoreUnavailable('The process was killed here.');
}

export class RestoredWorld {
  readonly database: Database;
  store: Store;
  /** Whether the process that admits and settles keeps records. */
  isKept = true;
  #grants = 0;

  constructor(store: Store, database: Database) {
    this.store = store;
    this.database = database;
  }

  get admission(): AdmissionStore {
    const bounds = {
      leaseMs: 60_000,
      maxEntries: 5_000,
      retentionDays,
      backlogBytes: () => (this.isKept ? 8_000_000 : 0),
    };
    return new AdmissionStore(this.store, keys, bounds);
  }

  get prices(): PriceStore {
    return new PriceStore(this.store, keys, this.audit);
  }

  get webhooks(): WebhookStore {
    return new WebhookStore(this.store, keys, this.audit);
  }

  get audit(): AuditTrail {
    return new AuditTrail(this.store, keys, { log, clock: systemClock });
  }

  get identities(): IdentityStore {
    return new IdentityStore(this.store, keys, this.audit);
  }

  get archive(): IdentityArchive {
    return new IdentityArchive(this.store, keys);
  }

  /** Begins to keep records: names the store. */
  async begin(): Promise<void> {
    await this.drain();
  }

  async team(id: string): Promise<void> {
    await this.identities.create({ kind: 'team', team: id }, JSON.stringify(teamNamed(id)));
    const user = JSON.stringify(userNamed('ana', { team: id }));
    await this.identities.create({ kind: 'user', team: id, id: 'ana' }, user);
  }

  /** A token of a team's ana, whose secret's hash begins with its id. */
  async token(team: string, id: string): Promise<void> {
    const text = JSON.stringify(tokenNamed(id, { team }));
    const binding = { secretHash: secretOf(id), user: 'ana' };
    await this.identities.create({ kind: 'token', team, id }, text, binding);
  }

  /** Marks a token as revoked. */
  async revoke(team: string, id: string): Promise<void> {
    const key: RecordKey = { kind: 'token', team, id };
    const text = (await this.identities.read(key)) ?? '';
    const next = { ...(JSON.parse(text) as object), revoked_at: '2026-02-01T00:00:00.000Z' };
    await this.identities.replace(key, text, JSON.stringify(next));
  }

  /** Admits a request of acme that reserves 100 of `lim`, a limit of the month, and a place of `slot`. */
  async admit(): Promise<Admitted> {
    const { admission } = this;
    const { incarnation } = await admission.beat('p1');
    const grant = `p1-${(this.#grants += 1)}`;
    const [epoch] = await this.store.attempt((client) => client.hmget(keys.epochs, 'acme'));
    const [settings] = await this.store.attempt((client) => client.hmget(keys.epochs, '@'));
    const reply = await admission.admit('p1', [
      {
        grant,
        team: 'acme',
        epoch: settings ? `${epoch}.${settings}` : String(epoch),
        notAfterMs: Number.MAX_SAFE_INTEGER,
        expiresAtMs: Infinity,
        session: null,
        record: encodeOpen(openRequest({ held: this.isKept ? 'lim M 100;' : '', slots: ['slot'] })),
        limits: [
          { id: 'lim', span: 'month', amount: 100, max: 1_000_000 },
          { id: 'slot', span: 'open', amount: 1, max: 1_000 },
        ],
      },
    ]);
    const [decision] = decided(reply);
    if (decision?.kind !== 'admitted') throw new Error(`It was not admitted: ${decision?.kind}.`);
    return { grant, incarnation, admittedAtMs: reply.kind === 'decided' ? reply.nowMs : 0 };
  }

  /** Settles a request: it is charged 70. Returns whether it was open. */
  async settle({ grant, incarnation, admittedAtMs }: Admitted): Promise<boolean> {
    const at = windowIndex('month', admittedAtMs);
    const entry = entryOf(grant, { time: new Date(admittedAtMs).toISOString() });
    const settlement: Settlement = {
      grant,
      incarnation,
      team: 'acme',
      adjustments: [
        { id: 'lim', span: 'month', at, delta: -30, charged: 70 },
        { id: 'slot', span: 'open', at: 0, delta: -1 },
      ],
      charges: this.isKept ? `lim ${at} 70;` : '',
      closing: closingOf(entry),
    };
    const [settled] = await this.admission.settle('p1', [settlement]);
    return settled !== null;
  }

  async request(): Promise<Admitted> {
    const admitted = await this.admit();
    await this.settle(admitted);
    return admitted;
  }

  async refuse(sequence: number): Promise<void> {
    const refusals = new RefusalStore(this.store, keys, { retentionDays, backlogBytes: () => 1_000_000 });
    const as = { team: 'acme', user: 'ana', token: 'tok_1', endpoint: 'other', model: null, limit: null };
    const nowMs = Date.now();
    const count = {
      day: dayOf(nowMs),
      as: { ...as, code: 'invalid_body' as const },
      refused: 3,
      lastMs: nowMs,
    };
    await refusals.add({ process: 'p1', sequence, counts: [count] });
  }

  /** A process drains, and restores if it must, until there is nothing to do. `before`: see `WatchedStore`. */
  async drain(owner = 'a', before: Before = () => undefined, isDue = false): Promise<number> {
    const { database } = this;
    const store = new WatchedStore(this.store, before);
    await database.query("UPDATE drain SET leased_until = '-infinity' WHERE owner <> $1", [owner]);
    const lease = new Lease(database, owner);
    const drain = storeDrain({
      database,
      lease,
      partitions: new Partitions(database),
      store,
      keys,
      drained: new DrainedStore(store, keys),
      maxEntries: 5_000,
      usageRetentionDays: retentionDays,
      clock: systemClock,
      log,
      onForgotten: () => undefined,
      onGap: () => undefined,
    });
    for (let n = 0; n < 50; n += 1) {
      const held = await lease.take();
      if (held === null) throw new Error('Another process drains.');
      const pass = await drain.pass(held, { isDue: isDue && n === 0 });
      if (pass.kind === 'drained' && !pass.hasMoved) return store.runs;
    }
    throw new Error('The drain does not come to an end.');
  }

  /** What `lim` and `slot` of acme have come to. */
  async counters(): Promise<{ lim: number; slot: number }> {
    const [lim, slot] = await this.store.attempt((client) =>
      client.hmget(keys.counters('acme'), 'lim', 'slot'),
    );
    return { lim: Number(lim?.split(' ')[1] ?? 0), slot: Number(slot?.split(' ')[1] ?? 0) };
  }

  /** What a store must have again, but for what is new in each of its lives. */
  async contents() {
    const { archive, store } = this;
    const teams = await archive.teams();
    const parts = await Promise.all(teams.map((team) => archive.team(team)));
    const today = dayOf(Date.now());
    const [totals, refusals, secrets] = await store.attempt((client) =>
      Promise.all([
        client.hgetall(keys.totals(today)),
        client.hgetall(keys.refusals(today)),
        client.hgetall(keys.secrets),
      ]),
    );
    return {
      parts: parts.map((part) => ({ ...part, epoch: '' })),
      gateway: await archive.gateway(),
      provenance: await archive.provenance(),
      counters: await this.counters(),
      trail: (await this.audit.entries({ limit: 1_000, cursor: null })).data,
      totals: Object.entries(totals).map(([row, text]) => [row, text.replace(/(?: 0)+$/, '')]),
      refusals,
      secrets,
    };
  }

  /** Whether the audit trail in the store is a chain. */
  async verify(): Promise<Verdict> {
    const { data } = await this.audit.entries({ limit: 1_000, cursor: null });
    const check = new ChainCheck();
    for (const entry of data) check.older(entry);
    return check.end();
  }

  /** What is recorded of acme's requests: how many, their sum, and what `lim` was charged. */
  async recorded(): Promise<{ entries: number; requests: number; charged: number }> {
    const [row] = await this.database.query<{ entries: number; requests: number; charged: number }>(
      `SELECT (SELECT count(*) FROM entries) AS entries,
              (SELECT coalesce(sum(requests), 0) FROM usage_days) AS requests,
              (SELECT coalesce(sum(charged), 0) FROM counters WHERE field = 'lim') AS charged`,
    );
    return row ?? { entries: 0, requests: 0, charged: 0 };
  }
}

function secretOf(token: string): string {
  return token.padEnd(43, 'a');
}
