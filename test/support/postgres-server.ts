import { spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import {
  launchPostgres,
  makeData,
  postgresAccount,
  postgresPrograms,
  type Programs,
} from '../../src/demo/postgres.ts';
import { dieWithMe } from './die-with-me.ts';
import { freePort } from './free-port.ts';
import { waitFor } from './wait-for.ts';

export interface PostgresServer {
  readonly port: number;
  readonly pid: number;
  /** The URL of a new, empty database. */
  database(): Promise<string>;
  /** SIGSTOP to all of its processes: it keeps its connections and answers nothing. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** SIGKILL to all of its processes. */
  kill(): Promise<void>;
  /** Kills it if it runs, and starts it again on the same port with what it has on disk. */
  restart(): Promise<void>;
  /** Keeps what it has on disk now; the function brings that back, as a backup would, and starts it. */
  snapshot(): Promise<() => Promise<void>>;
  /** Ends it for good and removes its directory. */
  stop(): Promise<void>;
}

let shared: Promise<PostgresServer> | undefined;

/** A new database on the Postgres of this test worker; it ends with the worker. */
export async function sharedPostgres(): Promise<string> {
  shared ??= startPostgres();
  return (await shared).database();
}

/** Starts a real Postgres on a free loopback port; it ends with this process at the latest. */
export async function startPostgres({
  args = [],
}: { args?: readonly string[] } = {}): Promise<PostgresServer> {
  const programs = installed();
  const directory = await mkdtemp(join(tmpdir(), 'tollgate-postgres-'));
  const data = makeData(programs, directory);
  const port = await freePort();
  let child = await launched();

  async function launched(): Promise<ChildProcess> {
    const started = launchPostgres(programs, { directory, data, port, args });
    dieWithMe(started, directory);
    await waitFor(async () => (await ping(port)) || hasEnded(started), {
      timeoutMs: 60_000,
      what: 'Postgres to answer',
    });
    if (hasEnded(started)) throw new Error(`Postgres ended at once with code ${started.exitCode}.`);
    return started;
  }

  /** To the server and its backends, each of which leads a group of its own. */
  function signal(name: NodeJS.Signals): void {
    if (child.pid === undefined || hasEnded(child)) return;
    for (const pid of [child.pid, ...childrenOf(child.pid)]) signalTo(pid, name);
  }

  async function kill(): Promise<void> {
    if (hasEnded(child)) return;
    const gone = once(child, 'exit');
    signal('SIGKILL');
    await gone;
    await rm(join(data, 'postmaster.pid'), { force: true });
  }

  return {
    port,
    get pid() {
      return child.pid ?? 0;
    },
    database: async () => {
      const name = `t_${randomBytes(6).toString('hex')}`;
      await run(port, `CREATE DATABASE ${name}`);
      return `postgres://postgres@127.0.0.1:${port}/${name}`;
    },
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    kill,
    restart: async () => {
      await kill();
      child = await launched();
    },
    snapshot: async () => {
      const copy = `${data}-${randomBytes(4).toString('hex')}`;
      await kill();
      await cp(data, copy, { recursive: true });
      child = await launched();
      return async () => {
        await kill();
        await rm(data, { recursive: true });
        await cp(copy, data, { recursive: true });
        own(data);
        child = await launched();
      };
    },
    stop: async () => {
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function installed(): Programs {
  const programs = postgresPrograms();
  if (programs === null) throw new Error('There is no Postgres on this machine.');
  return programs;
}

function childrenOf(parent: number): number[] {
  return processes().flatMap(({ pid, ppid }) => (ppid === parent ? [pid] : []));
}

/** From `/proc` if the system has it: a small image may lack `ps`. */
function processes(): { pid: number; ppid: number }[] {
  if (!existsSync('/proc/self/stat')) {
    const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
    return stdout.split('\n').map((line) => {
      const [pid = 0, ppid = 0] = line.trim().split(/\s+/).map(Number);
      return { pid, ppid };
    });
  }
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      // After the name of the program, which may have blanks and brackets: the state, and the parent.
      const [, ppid = 0] =
        readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1)?.split(' ').map(Number) ?? [];
      return [{ pid: Number(name), ppid }];
    } catch {
      return []; // it has just ended
    }
  });
}

function signalTo(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has just ended.
  }
}

function own(folder: string): void {
  const { uid, gid } = postgresAccount();
  if (uid === undefined || gid === undefined) return;
  spawnSync('chown', ['-R', `${uid}:${gid}`, folder]);
  spawnSync('chmod', ['700', folder]);
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function ping(port: number): Promise<boolean> {
  return run(port, 'SELECT 1').then(
    () => true,
    () => false,
  );
}

async function run(port: number, sql: string): Promise<void> {
  const client = new Client({
    connectionString: `postgres://postgres@127.0.0.1:${port}/postgres`,
    connectionTimeoutMillis: 2_000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query(sql);
  } finally {
    await client.end().catch(() => undefined);
  }
}
