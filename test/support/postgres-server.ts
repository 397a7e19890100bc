import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { postgresPrograms } from '../../scripts/postgres-plan.ts';
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

/** Postgres refuses to run as root: then it runs as the account that its package made, or as nobody. */
const account = process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {};

function idOf(option: '-u' | '-g'): number {
  const { stdout, status } = spawnSync('id', [option, 'postgres'], { encoding: 'utf8' });
  return status === 0 ? Number(stdout) : 65_534;
}

/** Starts a real Postgres on a free loopback port; it ends with this process at the latest. */
export async function startPostgres({
  args = [],
}: { args?: readonly string[] } = {}): Promise<PostgresServer> {
  const programs = postgresPrograms();
  if (programs === null) throw new Error('There is no Postgres on this machine.');
  const { folder } = programs;
  const directory = await mkdtemp(join(tmpdir(), 'tollgate-postgres-'));
  if (account.uid !== undefined) chownSync(directory, account.uid, account.gid);
  const data = join(directory, 'data');
  const made = spawnSync(
    join(folder, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'],
    { ...account, cwd: directory, encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const port = await freePort();
  let child = await launched();

  async function launched(): Promise<ChildProcess> {
    const place = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', directory];
    // Commits are written through to the system, which outlives the server: only a machine's crash would lose them.
    const started = spawn(join(folder, 'postgres'), [...place, '-F', ...args], {
      ...account,
      cwd: directory,
      stdio: 'ignore',
    });
    dieWithMe(started);
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
  if (account.uid === undefined) return;
  spawnSync('chown', ['-R', `${account.uid}:${account.gid}`, folder]);
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
