import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll } from 'vitest';
import { EmbeddedStore } from '../../src/store/embedded-store.ts';
import { RedisStore } from '../../src/store/redis.ts';
import { type Script, scriptOf } from '../../src/store/script.ts';
import type { Store, StoreClient } from '../../src/store/store.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';

/*
 * What the store can be made of. Contract suites run on all of `engines`; what only a server does (a full store, one that
 * hangs, what keys it holds) is tested on all of `servers`.
 */

/** An engine under test. */
export interface RunningEngine {
  /** An empty store. Its clock stands at `atMs` until it is turned; without `atMs` it runs. */
  empty(atMs?: number): Promise<Store>;
  /** Sets the clock of the store, which stands still. */
  turnTo(nowMs: number): Promise<void>;
  stop(): Promise<void>;
}

/** The same as a server. A test that pauses or fills it must undo that. */
export interface RunningServer extends RunningEngine {
  readonly server: RedisServer;
  readonly redis: TurnedRedis;
}

interface Engine {
  name: string;
  start(): Promise<RunningEngine>;
}

interface ServerEngine extends Engine {
  start(): Promise<RunningServer>;
}

export const hasValkey = spawnSync('valkey-server', ['--version']).status === 0;

export const servers: readonly ServerEngine[] = [
  { name: 'Redis', start: () => startServer('redis-server') },
  ...(hasValkey ? [{ name: 'Valkey', start: () => startServer('valkey-server') }] : []),
];

export const engines: readonly Engine[] = [{ name: 'embedded', start: startEmbedded }, ...servers];

/** Starts an engine before the tests around this call, and stops it after them. */
export function useEngine(engine: Engine): Pick<RunningEngine, 'empty' | 'turnTo'> {
  let running: RunningEngine;
  beforeAll(async () => {
    running = await engine.start();
  });
  afterAll(() => running.stop());
  return { empty: (atMs) => running.empty(atMs), turnTo: (nowMs) => running.turnTo(nowMs) };
}

/** The same with a server. */
export function useServer(engine: ServerEngine): Omit<RunningServer, 'stop'> {
  let running: RunningServer;
  beforeAll(async () => {
    running = await engine.start();
  });
  afterAll(() => running.stop());
  return {
    empty: (atMs) => running.empty(atMs),
    turnTo: (nowMs) => running.turnTo(nowMs),
    get server() {
      return running.server;
    },
    get redis() {
      return running.redis;
    },
  };
}

async function startEmbedded(): Promise<RunningEngine> {
  let turnedMs: number | undefined;
  const clock = { now: () => turnedMs ?? Date.now(), monotonic: () => performance.now() };
  return {
    empty: async (atMs) => {
      turnedMs = atMs;
      return new EmbeddedStore({ clock });
    },
    turnTo: async (nowMs) => {
      turnedMs = nowMs;
    },
    stop: async () => {},
  };
}

async function startServer(program: 'redis-server' | 'valkey-server'): Promise<RunningServer> {
  const server = await serverOf(program);
  const redis = new TurnedRedis({ url: server.url, verifyTls: false, commandTimeoutMs: 60_000 });
  redis.connect();
  await redis.whenReady(60_000);
  return {
    server,
    redis,
    empty: async (atMs) => {
      await server.flush();
      redis.stands = atMs !== undefined;
      if (atMs !== undefined) await redis.turnTo(atMs);
      return redis;
    },
    turnTo: (nowMs) => redis.turnTo(nowMs),
    stop: () => {
      redis.close();
      return Promise.resolve();
    },
  };
}

const shared = new Map<string, Promise<RedisServer>>();

/** The server of this test worker, whose files run one after another. It ends with the worker. */
function serverOf(program: 'redis-server' | 'valkey-server'): Promise<RedisServer> {
  const running = shared.get(program) ?? startRedis({ program });
  shared.set(program, running);
  return running;
}

const clockKey = 'turned-clock';
const serversClock = "redis.call('TIME')";
const turnedClock = `redis.call('HMGET', '${clockKey}', 's', 'us')`;

/** A script that looks the time up in `turned-clock`, a hash of seconds (`s`) and microseconds (`us`). */
export function turnedScript({ name, source }: Script): Script {
  return scriptOf(name, source.replaceAll(serversClock, turnedClock));
}

/** Runs the real scripts, but for where they look the time up: a clock that tests can turn. */
class TurnedRedis extends RedisStore {
  stands = false;
  readonly #turned = new Map<string, Script>();

  override run(
    script: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    return super.run(this.stands ? this.#turn(script) : script, keys, args);
  }

  override attempt<T>(command: (client: StoreClient) => Promise<T>): Promise<T> {
    const time = (): Promise<(string | null)[]> => this.client.hmget(clockKey, 's', 'us');
    const turned: StoreClient = new Proxy(this.client, {
      get: (client, name) => {
        if (name === 'time' && this.stands) return time;
        const found: unknown = Reflect.get(client, name);
        return typeof found === 'function' ? (found.bind(client) as unknown) : found;
      },
    });
    return super.attempt(() => command(turned));
  }

  async turnTo(nowMs: number): Promise<void> {
    const seconds = Math.floor(nowMs / 1_000);
    const micros = (nowMs - seconds * 1_000) * 1_000;
    await this.client.hset(clockKey, { s: seconds, us: micros });
  }

  #turn(script: Script): Script {
    let turned = this.#turned.get(script.sha);
    if (!turned) {
      turned = turnedScript(script);
      this.#turned.set(script.sha, turned);
    }
    return turned;
  }
}
