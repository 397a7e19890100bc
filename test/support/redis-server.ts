import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { dieWithMe } from './die-with-me.ts';
import { freePort } from './free-port.ts';
import { waitFor } from './wait-for.ts';

export interface RedisServerOptions {
  /** Default: `redis-server`. */
  program?: 'redis-server' | 'valkey-server';
  /** More command line for redis-server: `['--maxmemory', '25mb']`. */
  args?: readonly string[];
  /** Commands that it does not know. */
  lacks?: readonly string[];
  /** Keep the data over `kill` and `restart` (an append-only file); off by default. */
  persist?: boolean;
}

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Runs one command on a connection of its own. */
  command(name: string, ...args: (string | number)[]): Promise<unknown>;
  flush(): Promise<void>;
  /** SIGSTOP: it keeps its connections and answers nothing. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Kills it if it runs and starts it again on the same port. */
  restart(): Promise<void>;
  /** Ends it for good and removes its directory. */
  stop(): Promise<void>;
}

/** What a test may do with a server that it shares. */
export type SharedRedis = Pick<RedisServer, 'url' | 'port' | 'command' | 'flush'>;

let shared: Promise<RedisServer> | undefined;

/**
 * The `redis-server` of this test worker, emptied for whoever asks. The files of a worker run one after another, so
 * nobody else uses it meanwhile. It ends with the worker.
 */
export async function sharedRedis(): Promise<SharedRedis> {
  shared ??= startRedis();
  const server = await shared;
  await server.flush();
  return server;
}

/** Starts a real `redis-server` on a free loopback port; it ends with this process at the latest. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const directory = await mkdtemp(join(tmpdir(), 'tollgate-redis-'));
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const child = launch(port, directory, options);
    try {
      await untilReady(child, port, options);
      return serverOf({ child, port, directory, options });
    } catch (error) {
      await killed(child);
      if (attempt < 5) continue;
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }
}

interface Running {
  child: ChildProcess;
  port: number;
  directory: string;
  options: RedisServerOptions;
}

function serverOf(running: Running): RedisServer {
  const { port, directory, options } = running;
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return running.child.pid ?? 0;
    },
    command: (name, ...args) => command(port, name, ...args),
    flush: async () => {
      await command(port, 'FLUSHALL');
    },
    pause: () => void running.child.kill('SIGSTOP'),
    resume: () => void running.child.kill('SIGCONT'),
    kill: () => killed(running.child),
    restart: async () => {
      await killed(running.child);
      running.child = launch(port, directory, options);
      await untilReady(running.child, port, options);
    },
    stop: async () => {
      await killed(running.child);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function launch(
  port: number,
  directory: string,
  { program = 'redis-server', args = [], lacks = [], persist = false }: RedisServerOptions,
): ChildProcess {
  const place = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--loglevel', 'warning'];
  // `everysec` may answer before it writes, while an fsync takes long: a SIGKILL would lose that. `no` always writes first.
  const keeping = ['--save', '', '--appendonly', persist ? 'yes' : 'no', '--appendfsync', 'no'];
  const lacking = lacks.flatMap((name) => ['--rename-command', name, '']);
  const child = spawn(program, [...place, ...keeping, ...lacking, ...args], { stdio: 'ignore' });
  child.on('error', () => {
    // Not found on the PATH: untilReady says so.
  });
  dieWithMe(child, directory);
  return child;
}

async function untilReady(
  child: ChildProcess,
  port: number,
  { lacks = [] }: RedisServerOptions,
): Promise<void> {
  const answers = async (): Promise<boolean> => {
    if (child.pid === undefined) throw new Error('redis-server is not on the PATH.');
    if (hasEnded(child)) return true;
    if (lacks.includes('INFO')) return Array.isArray(await command(port, 'TIME'));
    // Its own pid: another server that took the port meanwhile would answer a PING as well.
    return String(await command(port, 'INFO', 'server')).includes(`process_id:${child.pid}`);
  };
  await waitFor(answers, { timeoutMs: 30_000, what: 'redis-server to answer' });
  if (hasEnded(child)) throw new Error(`redis-server ended at once with code ${child.exitCode}.`);
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || hasEnded(child)) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL'); // works on a stopped process too
  await gone;
}

async function command(port: number, name: string, ...args: (string | number)[]): Promise<unknown> {
  const client = new Redis(port, '127.0.0.1', {
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    commandTimeout: 5_000,
    enableReadyCheck: false, // needs INFO
  });
  client.on('error', () => {
    // The command below fails with it.
  });
  try {
    await client.connect();
    return await client.call(name, ...args);
  } finally {
    client.disconnect();
  }
}
