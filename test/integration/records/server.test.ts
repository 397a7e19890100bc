import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Database } from '../../../src/records/database.ts';
import { RecordsUnavailable } from '../../../src/records/records-unavailable.ts';
import { waitFor } from '../../support/wait-for.ts';
import { startPostgres, type PostgresServer } from '../../support/postgres-server.ts';

describe('a Postgres that fails', () => {
  let server: PostgresServer;
  let database: Database;

  beforeAll(async () => {
    server = await startPostgres();
    database = new Database({ url: await server.database(), tls: null });
    await database.query('CREATE TABLE public.kept (n int)');
  }, 120_000);

  afterAll(async () => {
    await database.close();
    await server.stop();
  });

  it('is told as unavailable, and used again once it is back', async () => {
    await database.query('INSERT INTO public.kept VALUES (1)');
    await server.kill();
    await expect(database.query('SELECT 1')).rejects.toThrow(RecordsUnavailable);
    await server.restart();
    expect(await database.query('SELECT n FROM public.kept')).toEqual([{ n: 1 }]);
  }, 120_000);

  it('that ends a connection in the middle of a transaction is told as unavailable, and ends nothing else', async () => {
    const interrupted = database.transaction(async (queries) => {
      const [{ pid } = { pid: 0 }] = await queries.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      await database.query('SELECT pg_terminate_backend($1)', [pid]);
      const isGone = async (): Promise<boolean> =>
        (await database.query('SELECT 1 FROM pg_stat_activity WHERE pid = $1', [pid])).length === 0;
      await waitFor(isGone, { what: 'the connection to be ended' });
      await database.query('SELECT pg_sleep(0.1)');
      await queries.query('SELECT 1');
    });
    await expect(interrupted).rejects.toThrow(RecordsUnavailable);
    expect(await database.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  }, 120_000);

  it('is brought back to an earlier state', async () => {
    const restore = await server.snapshot();
    await database.query('INSERT INTO public.kept VALUES (2)');
    await restore();
    expect(await database.query('SELECT n FROM public.kept')).toEqual([{ n: 1 }]);
  }, 120_000);

  it('goes on after a pause', async () => {
    server.pause();
    const asked = database.query('SELECT 1 AS one');
    server.resume();
    expect(await asked).toEqual([{ one: 1 }]);
  }, 120_000);
});
