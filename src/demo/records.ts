import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Database } from '../records/database.ts';
import { launchPostgres, makeData, postgresPrograms } from './postgres.ts';

/** The Postgres of a demo. */
export interface DemoRecords {
  url: string;
  /** Where they are kept, in words. */
  where: string;
  stop: () => Promise<unknown>;
}

const attempts = 300;
const pauseMs = 100;

/**
 * The Postgres that `DATABASE_URL` names, or one made of this machine's own programs: it keeps its files, so that the
 * next demo finds them. Null if there is none.
 */
export async function demoRecords(
  databaseUrl: string | undefined,
  freePort: () => Promise<number>,
): Promise<DemoRecords | null> {
  if (databaseUrl) return { url: databaseUrl, where: 'DATABASE_URL', stop: () => Promise.resolve() };
  const programs = postgresPrograms();
  if (programs === null) return null;
  const directory = join(tmpdir(), `tollgate-demo-records-${userInfo().uid}`);
  const data = makeData(programs, directory);
  const port = await freePort();
  const server = launchPostgres(programs, { directory, data, port });
  const ended = new Promise((resolve) => server.once('exit', resolve));
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const stop = (): Promise<unknown> => {
    server.kill('SIGINT'); // "fast shutdown": Postgres ends its connections
    return ended;
  };
  await untilReady(url);
  return { url, where: directory, stop };
}

async function untilReady(url: string): Promise<void> {
  const database = new Database({ url, tls: null });
  try {
    for (let attempt = 1; ; attempt += 1) {
      const failure = await database.query('SELECT 1').then(
        () => null,
        (error: unknown) => error,
      );
      if (failure === null) return;
      if (attempt === attempts) throw failure;
      await sleep(pauseMs);
    }
  } finally {
    await database.close();
  }
}
