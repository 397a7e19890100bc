import { RefusalStore } from '../../src/ledger/refusal-store.ts';
import { AdmissionStore } from '../../src/limits/admission-store.ts';
import type { Settlement } from '../../src/limits/store.ts';
import { windowIndex } from '../../src/limits/window.ts';
import { streamNames } from '../../src/records/checkpoint.ts';
import { Database, type Queries, type Transactions } from '../../src/records/database.ts';
import { Drain, type DrainHooks, type Pass } from '../../src/records/drain.ts';
import { drainedAudit } from '../../src/records/drained-audit.ts';
import { drainedEntries } from '../../src/records/drained-entries.ts';
import { drainedRefusals } from '../../src/records/drained-refusals.ts';
import { DrainedStore } from '../../src/records/drained-store.ts';
import { fieldOf } from '../../src/records/drained-stream.ts';
import { IdentityMirror, touchedBy } from '../../src/records/identity-mirror.ts';
import { type Held, Lease } from '../../src/records/lease.ts';
import { migrate } from '../../src/records/migrate.ts';
import { Partitions } from '../../src/records/partitions.ts';
import { keysUnder } from '../../src/store/keys.ts';
import { RedisStore } from '../../src/store/redis.ts';
import { scriptOf } from '../../src/store/script.ts';
import { asks, closingOf, decided, entryOf } from '../contract/admission-store-samples.ts';

/*
 * A real Redis and a real Postgres with drains between them that fail when they are told to, without processes: what a test
 * of exactly once turns.
 */

export const keys = keysUnder('t:');
const limit = { id: 'lim', span: 'month', amount: 1, max: 1_000_000_000 } as const;

/** A step of a drain, before or after which it may be interrupted. */
export const moments = ['before commit', 'commit', 'after commit', 'after mark'] as const;
export type Moment = (typeof moments)[number];

class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

const audited = scriptOf('audited', "return redis.call('XADD', KEYS[1], '*', 'h', ARGV[1], 'e', ARGV[2])");
const makeTeam = scriptOf(
  'make_team',
  "redis.call('HSET', KEYS[1], 'acme', 'e1') redis.call('HSET', KEYS[2], 'acme', '{\"id\":\"acme\"}') return 1",
);

/**
 * What restores a store that has forgotten, as far as the drain needs it: streams go on after their checkpoints, and the mark
 * is that of Postgres.
 */
const goOn = scriptOf(
  'go_on',
  `for n = 2, 4 do
     local id, added = ARGV[2 * n - 1], tonumber(ARGV[2 * n])
     local after = redis.call('XRANGE', KEYS[n], '(' .. id, '+')
     local newest = #after > 0 and after[#after][1] or id
     if id ~= '0-0' then
       if redis.call('EXISTS', KEYS[n]) == 0 then
         redis.call('XADD', KEYS[n], id, 'gone', '')
         redis.call('XDEL', KEYS[n], id)
       end
       redis.call('XSETID', KEYS[n], newest, 'ENTRIESADDED', added + #after, 'MAXDELETEDID', '0-0')
     end
   end
   redis.call('HSET', KEYS[1], 'store', ARGV[1], 'mark', ARGV[2])
   return 1`,
);

export class DrainedWorld {
  readonly redis: RedisStore;
  readonly database: Database;
  readonly #admission: AdmissionStore;
  readonly #refusals: RefusalStore;
  readonly store: DrainedStore;
  readonly gaps: { stream: string; missing: number }[] = [];
  /** In which life of the store each was settled first. */
  readonly #incarnations = new Map<string, string>();
  #made = 0;
  #batches = 0;

  constructor(redis: RedisStore, database: Database) {
    this.redis = redis;
    this.database = database;
    const backlogBytes = (): number => 8_000_000;
    this.#admission = new AdmissionStore(redis, keys, {
      leaseMs: 60_000,
      maxEntries: 20,
      retentionDays: 400,
      backlogBytes,
    });
    this.#refusals = new RefusalStore(redis, keys, { retentionDays: 92, backlogBytes });
    this.store = new DrainedStore(redis, keys);
  }

  static async open(redisUrl: string, postgresUrl: string): Promise<DrainedWorld> {
    const redis = new RedisStore({ url: redisUrl, verifyTls: false, commandTimeoutMs: 60_000 });
    redis.connect();
    await redis.whenReady(60_000);
    const database = new Database({ url: postgresUrl, tls: null });
    await migrate(database);
    return new DrainedWorld(redis, database);
  }

  async close(): Promise<void> {
    this.redis.close();
    await this.database.close();
  }

  /** Settles requests, each charged 1 to a limit of the month. Returns their ids. */
  async settle(count: number, more: Partial<Settlement> = {}): Promise<string[]> {
    await this.redis.run(makeTeam, [keys.epochs, keys.teams], []);
    const { incarnation } = await this.#admission.beat('p1');
    const batch = Array.from({ length: count }, () => asks([limit], { grant: `g-${(this.#made += 1)}` }));
    decided(await this.#admission.admit('p1', batch));
    const ids = batch.map(({ grant }) => grant);
    await this.#admission.settle(
      'p1',
      ids.map((grant) => settlementOf(grant, { incarnation, ...more })),
    );
    for (const id of ids) this.#incarnations.set(id, incarnation);
    return ids;
  }

  /** Settles them again, as a process does that had no answer. */
  async resettle(ids: readonly string[]): Promise<void> {
    const batch = ids.map((id) => settlementOf(id, { incarnation: this.#incarnations.get(id) ?? '' }));
    await this.#admission.settle('p1', batch);
  }

  /** One refused request, of a token of its own. */
  async refuse(): Promise<string> {
    this.#batches += 1;
    const token = `tok-${this.#batches}`;
    const as = { team: 'acme', user: 'ana', token, endpoint: 'other', model: null, limit: null };
    const counts = [
      { day: '2026-11-30', as: { ...as, code: 'invalid_token' as const }, refused: 1, lastMs: 1e12 },
    ];
    await this.#refusals.add({ process: 'p1', sequence: this.#batches, counts });
    return token;
  }

  /** One entry of the audit trail. */
  async change(): Promise<void> {
    this.#made += 1;
    await this.redis.run(audited, [keys.audit], [`hash-${this.#made}`, '{}']);
  }

  /** A drain of a process. It is interrupted at a moment, or does something then and goes on. */
  drainer(
    owner: string,
    { at, meanwhile, ...hooks }: { at?: Moment; meanwhile?: () => Promise<void> } & DrainHooks = {},
  ) {
    const reached = async (moment: Moment): Promise<void> => {
      if (moment !== at) return;
      if (!meanwhile) throw new Interrupted(moment);
      await meanwhile();
    };
    const { database, store } = this;
    const lease = new Lease(database, owner);
    const transactions: Transactions = {
      query: (sql, values) => database.query(sql, values),
      transaction: async (work, level) => {
        await reached('before commit');
        const result = await database.transaction(async (queries: Queries) => {
          const done = await work(queries);
          await reached('commit');
          return done;
        }, level);
        await reached('after commit');
        return result;
      },
    };
    const identities = new IdentityMirror(this.redis, keys);
    const drain = new Drain({
      mirror: (queries, elements) =>
        identities.follow(queries, touchedBy(elements.map((element) => fieldOf(element, 'e') ?? ''))),
      mirrorAll: (queries) => identities.copy(queries),
      restore: (held) => this.restore(held),
      ...hooks,
      database: transactions,
      lease,
      store: {
        read: (...args) => store.read(...args),
        name: (name) => store.name(name),
        backlog: () => store.backlog(),
        oldestAudit: (count) => store.oldestAudit(count),
        oldestUndrainedMs: () => store.oldestUndrainedMs(),
        drained: async (told) => {
          const isTold = await store.drained(told);
          await reached('after mark');
          return isTold;
        },
      },
      streams: [drainedEntries(new Partitions(database)), drainedRefusals, drainedAudit],
      keepEntries: 20,
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      onGap: (stream, missing) => this.gaps.push({ stream, missing: missing ?? 0 }),
    });
    return { lease, pass: (held: Held): Promise<Pass> => drain.pass(held) };
  }

  /** Takes the lease from whoever has it, as if that one had been silent for long. */
  async take(owner: string): Promise<Held> {
    await this.database.query("UPDATE drain SET leased_until = '-infinity' WHERE owner <> $1", [owner]);
    const held = await new Lease(this.database, owner).take();
    if (held === null) throw new Error('The lease was not free.');
    return held;
  }

  /** A process drains until it has nothing to do, or is interrupted. */
  async drain(owner: string, fault: Parameters<DrainedWorld['drainer']>[1] = {}): Promise<void> {
    const { pass } = this.drainer(owner, fault);
    for (let n = 0; n < 50; n += 1) {
      try {
        const done = await pass(await this.take(owner));
        if (done.kind === 'drained' && !done.hasMoved) return;
      } catch (error) {
        if (error instanceof Interrupted) return;
        throw error;
      }
    }
    throw new Error('The drain does not come to an end.');
  }

  async restore({ store, mark, checkpoints }: Held): Promise<void> {
    const ofStreams = streamNames.flatMap((name) => [checkpoints[name].id, checkpoints[name].added]);
    const all = [keys.records, keys.entries, keys.refusalLog, keys.audit];
    await this.redis.run(goOn, all, [store ?? '', mark, ...ofStreams]);
  }

  /** What is to be in Postgres after a drain: ids of entries, and tokens of refusals, that the store has. */
  async inStore(): Promise<{ entries: string[]; refusals: string[] }> {
    const [entries, refusals] = await this.redis.attempt((client) =>
      Promise.all([
        client.xrange(keys.entries, '-', '+', 'COUNT', 100_000),
        client.xrange(keys.refusalLog, '-', '+', 'COUNT', 100_000),
      ]),
    );
    return {
      entries: entries.flatMap(([, [name, text = '']]) =>
        name === 'e' ? [text.split('\t', 1)[0] ?? ''] : [],
      ),
      refusals: refusals.map(([, [, , , , , counts = '']]) => counts.split('\t')[2] ?? ''),
    };
  }

  /** The figures that must agree, as Postgres has them. */
  async recorded() {
    const [entries, [sums], refusals, [counter], [gaps]] = await Promise.all([
      this.database.query<{ id: string }>('SELECT id FROM entries ORDER BY id'),
      this.database.query<{ requests: number; tokens: number }>(
        'SELECT coalesce(sum(requests), 0) AS requests, coalesce(sum(input_tokens), 0) AS tokens FROM usage_days',
      ),
      this.database.query<{ token: string; refused: number }>('SELECT token, refused FROM refusal_days'),
      this.database.query<{ charged: number }>("SELECT charged FROM counters WHERE field = 'lim'"),
      this.database.query<{ entries: number; refusals: number }>(
        `SELECT coalesce(sum(missing) FILTER (WHERE stream = 'entries'), 0) AS entries,
                coalesce(sum(missing) FILTER (WHERE stream = 'refusals'), 0) AS refusals FROM gaps`,
      ),
    ]);
    return {
      entries: entries.map(({ id }) => id),
      requests: sums?.requests ?? 0,
      tokens: sums?.tokens ?? 0,
      refusals,
      charged: counter?.charged ?? 0,
      gaps: { entries: gaps?.entries ?? 0, refusals: gaps?.refusals ?? 0 },
    };
  }

  /** Everything in the store; the function brings it back, as a backup would. */
  async saveStore(): Promise<() => Promise<void>> {
    const { client } = this.redis;
    const names = await client.keys('*');
    const kept = await Promise.all(names.map(async (name) => [name, await client.dumpBuffer(name)] as const));
    return async () => {
      await client.flushall();
      for (const [name, dump] of kept) if (dump) await client.restore(name, 0, dump);
    };
  }

  /** The same of Postgres. */
  async saveRecords(): Promise<() => Promise<void>> {
    const name = `saved_${(this.#made += 1)}`;
    await this.database.query(`CREATE SCHEMA ${name}`);
    for (const table of tables) await this.database.query(`CREATE TABLE ${name}.${table} AS TABLE ${table}`);
    return () =>
      this.database.transaction(async (queries) => {
        for (const table of tables) {
          await queries.query(`DELETE FROM ${table}`);
          const given = table === 'gaps' ? 'OVERRIDING SYSTEM VALUE' : '';
          await queries.query(`INSERT INTO ${table} ${given} SELECT * FROM ${name}.${table}`);
        }
      });
  }

  /** Both as they were at first. */
  async empty(): Promise<void> {
    await this.redis.client.flushall();
    await this.database.transaction(async (queries) => {
      for (const table of tables.filter((name) => name !== 'drain' && name !== 'checkpoints')) {
        await queries.query(`DELETE FROM ${table}`);
      }
      await queries.query(
        "UPDATE drain SET store = NULL, mark = 0, owner = NULL, leased_until = '-infinity'",
      );
      await queries.query('UPDATE checkpoints SET last_ms = 0, last_seq = 0, added = 0');
    });
    this.gaps.length = 0;
  }
}

function settlementOf(
  grant: string,
  more: Pick<Settlement, 'incarnation'> & Partial<Settlement>,
): Settlement {
  return {
    grant,
    team: 'acme',
    adjustments: [],
    charges: `${limit.id} ${windowIndex('month', Date.now())} 1;`,
    closing: closingOf(entryOf(grant, { time: '2026-11-30T12:00:00.000Z' })),
    ...more,
  };
}

const tables = [
  'drain',
  'checkpoints',
  'gaps',
  'entries',
  'usage_days',
  'refusal_days',
  'refusal_batches',
  'audit_entries',
  'counters',
];
