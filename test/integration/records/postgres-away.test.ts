import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { Database } from '../../../src/records/database.ts';
import { Records } from '../../../src/records/records.ts';
import { EmbeddedStore } from '../../../src/store/embedded-store.ts';
import { keysUnder } from '../../../src/store/keys.ts';
import { type IssuedToken, models, startGateway, type TestGateway } from '../../support/gateway.ts';
import { type PostgresServer, startPostgres } from '../../support/postgres-server.ts';
import { sharedRedis } from '../../support/redis-server.ts';
import { waitFor } from '../../support/wait-for.ts';

/* A Postgres that is killed, hangs, is restored to an older state, or cannot be used: requests are served all the same. */

let postgres: PostgresServer;
let url: string;

beforeAll(async () => {
  postgres = await startPostgres();
  url = await postgres.database();
}, 120_000);
afterAll(() => postgres.stop());

describe('a Postgres', () => {
  let gateway: TestGateway;
  let database: Database;
  let token: IssuedToken;
  let answered = 0;

  beforeAll(async () => {
    database = new Database({ url, tls: null });
    gateway = await startGateway({ redis: await sharedRedis(), env: { DATABASE_URL: url } });
    token = await gateway.issue();
  }, 120_000);
  afterAll(async () => {
    await gateway.close();
    await database.close();
  });

  async function chats(count: number): Promise<void> {
    const one = async (): Promise<number> => {
      const reply = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token.text}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: models.chat, messages: [{ role: 'user', content: 'Hi' }] }),
      });
      await reply.text();
      return reply.status;
    };
    const statuses = await Promise.all(Array.from({ length: count }, one));
    expect(statuses).toEqual(statuses.map(() => 200));
    answered += count;
  }

  /** Waits until Postgres has every request, once, and its sums say the same. */
  async function untilRecorded(): Promise<void> {
    const count = async (): Promise<number> => {
      const [row] = await database.query<{ count: number }>('SELECT count(*) FROM entries').catch(() => []);
      return row?.count ?? -1;
    };
    await waitFor(async () => (await count()) >= answered, { what: 'all entries', timeoutMs: 60_000 });
    expect(await count()).toBe(answered);
    const [sums] = await database.query('SELECT sum(requests) AS requests FROM usage_days');
    expect(sums).toEqual({ requests: answered });
  }

  const said = (text: string): number => gateway.log().split(text).length - 1;

  it('that is killed gets what was settled meanwhile, and the log says so once', async () => {
    await chats(3);
    await untilRecorded();
    await postgres.kill();
    await waitFor(() => said('waits in the store') > 0, { what: 'the log to say so', timeoutMs: 60_000 });
    await chats(3);
    await postgres.restart();
    await untilRecorded();
    expect(said('waits in the store')).toBe(1);
    await waitFor(() => said('Postgres keeps the records') === 2, { what: 'the log to say so' });
  });

  it('that hangs gets it too', async () => {
    postgres.pause();
    try {
      await chats(3);
    } finally {
      postgres.resume();
    }
    await untilRecorded();
  });

  it('that is restored to an older state gets again what the store still has', async () => {
    await untilRecorded();
    const restore = await postgres.snapshot();
    await chats(3);
    await untilRecorded();
    await restore();
    await chats(2);
    await untilRecorded();
    expect(await database.query('SELECT FROM gaps')).toEqual([]);
  });
});

describe('a DATABASE_URL', () => {
  /** Starts records on it, and tells their state and what they said. */
  async function told(databaseUrl: string) {
    const lines: string[] = [];
    const note = (message: string): void => void lines.push(message);
    const records = new Records({
      settings: { url: databaseUrl, tls: null, retentionDays: 400, backlogBytes: 1_048_576 },
      store: new EmbeddedStore({ clock: systemClock }),
      keys: keysUnder(''),
      maxEntries: 100,
      usageRetentionDays: 92,
      process: 'p1',
      clock: systemClock,
      log: { info: note, warn: note, error: note },
      onGap: () => undefined,
    });
    records.start();
    const isTold = (): boolean => records.state.kind !== 'unreachable' || lines.length > 0;
    await waitFor(isTold, { what: 'the state of the records', timeoutMs: 60_000 });
    const { state, isKept } = records;
    await records.stop();
    return { state, isKept, lines };
  }

  const at = (name: string, user = 'postgres'): string =>
    `postgres://${user}@127.0.0.1:${postgres.port}/${name}`;

  it('of a database that is not there turns records off, with one line', async () => {
    const { state, isKept, lines } = await told(at('nowhere'));
    expect(state).toEqual({ kind: 'off', reason: expect.stringContaining('no database of that name') });
    expect(isKept).toBe(false);
    expect(lines).toEqual([
      expect.stringMatching(/^nothing is recorded in Postgres\. The server has no database/),
    ]);
  });

  it('of a user who is not there does', async () => {
    const { state, lines } = await told(at('postgres', 'nobody'));
    expect(state).toMatchObject({ kind: 'off', reason: expect.stringContaining('user or the password') });
    expect(lines).toHaveLength(1);
  });

  it('of a user without rights does', async () => {
    const database = new Database({ url: at('postgres'), tls: null });
    await database.query('CREATE ROLE reader LOGIN');
    await database.close();
    const { state, lines } = await told(at('postgres', 'reader'));
    expect(state).toMatchObject({ kind: 'off', reason: expect.stringContaining('grant CREATE') });
    expect(lines).toHaveLength(1);
  });

  it('of tables of a newer version does', async () => {
    const newer = await postgres.database();
    const database = new Database({ url: newer, tls: null });
    await database.query('CREATE SCHEMA tollgate');
    await database.query('CREATE TABLE migrations (name text)');
    await database.query("INSERT INTO migrations VALUES ('9999_later')");
    await database.close();
    const { state } = await told(newer);
    expect(state).toMatchObject({ kind: 'off', reason: expect.stringContaining('newer version') });
  });

  it('that leads nowhere keeps what is to be recorded until it answers', async () => {
    const { state, isKept, lines } = await told('postgres://postgres@127.0.0.1:1/postgres');
    expect(state.kind).toBe('unreachable');
    expect(isKept).toBe(true);
    expect(lines).toEqual(['what is to be recorded waits in the store']);
  });
});
