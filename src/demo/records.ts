import { readFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Database } from '../records/database.ts';
import { launchPostgres, makeData, postgresPrograms } from './postgres.ts';

/** The Postgres of a demo, or why there is none. */
export type DemoRecords = FoundRecords | { problem: string };

interface FoundRecords {
  url: string;
  /** Where they are kept, in words. */
  where: string;
  stop: () => Promise<unknown>;
}

const attempts = 300;
const pauseMs = 100;

/**
 * The Postgres that `DATABASE_URL` names, or one made of this machine's own programs: it keeps its files, so that the
 * next demo finds them.
 */
export async function demoRecords(
  databaseUrl: string | undefined,
  freePort: () => Promise<number>,
): Promise<DemoRecords> {
  if (databaseUrl) return { url: databaseUrl, where: 'DATABASE_URL', stop: () => Promise.resolve() };
  const programs = postgresPrograms();
  if (programs === null) return { problem: 'There is no Postgres 14 or later on this machine.' };
  const directory = join(tmpdir(), `tollgate-demo-records-${userInfo().uid}`);
  const data = makeData(programs, directory);
  const running = runningOn(data);
  if (running !== null) {
    return { problem: `Another demo keeps its records there: its Postgres is process ${running}.` };
  }
  const port = await freePort();
  const server = launchPostgres(programs, { directory, data, port });
  const ended = new Promise((resolve) => server.once('exit', resolve));
  // However the demo ends, but for SIGKILL.
  process.once('exit', () => server.kill('SIGINT'));
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const stop = (): Promise<unknown> => {
    server.kill('SIGINT'); // "fast shutdown": Postgres ends its connections
    return ended;
  };
  await untilReady(url);
  return { url, where: directory, stop };
}

/** The process that uses these files; null if there is none. */
function runningOn(data: string): number | null {
  try {
    const pid = Number.parseInt(readFileSync(join(data, 'postmaster.pid'), 'utf8'), 10);
    process.kill(pid, 0);
    return pid;
  } catch {
    return null; // no such file, or no such process
  }
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
