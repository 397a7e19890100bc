import type { Script } from '../script.ts';
import type { StoreClient, StreamEntry } from '../store.ts';
import type { Reply } from './command.ts';
import { command } from './commands.ts';
import { Keyspace } from './keyspace.ts';
import { Lua } from './lua.ts';
import { loadLua } from './lua-stack.ts';

/** Loads Lua. All engines of a process share it: it keeps compiled scripts, but no stored data. */
export async function loadEngines(): Promise<(nowMs: () => number) => Engine> {
  const lua = new Lua(await loadLua());
  return (nowMs) => new Engine(lua, nowMs);
}

/** Keys, and the Lua that changes them. */
export class Engine {
  readonly client: StoreClient;
  readonly #lua: Lua;
  readonly #keys = new Keyspace();
  readonly #nowMs: () => number;

  constructor(lua: Lua, nowMs: () => number) {
    this.#lua = lua;
    this.#nowMs = nowMs;
    this.client = clientOf((name, ...args) => this.command(name, args.map(String)));
  }

  run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Reply {
    this.#keys.turnTo(this.#nowMs());
    const redis = (name: string, some: readonly string[]): Reply => command(this.#keys, name, some);
    return this.#lua.run(script, { keys, args, redis });
  }

  command(name: string, args: readonly string[]): Reply {
    this.#keys.turnTo(this.#nowMs());
    return command(this.#keys, name, args);
  }
}

/** Answers like ioredis. The replies of each command have one shape, which the casts name. */
function clientOf(call: (name: string, ...args: (string | number)[]) => Reply): StoreClient {
  return {
    get: async (key) => call('GET', key) as string | null,
    set: async (...args) => (call('SET', ...args) === null ? null : 'OK'),
    pexpiretime: async (key) => call('PEXPIRETIME', key) as number,
    hget: async (key, field) => call('HGET', key, field) as string | null,
    hmget: async (key, ...fields) => call('HMGET', key, ...fields) as (string | null)[],
    hgetall: async (key) => {
      const flat = call('HGETALL', key) as string[];
      return Object.fromEntries(
        flat.flatMap((field, n) => (n % 2 === 0 ? [[field, flat[n + 1] ?? ''] as const] : [])),
      );
    },
    hkeys: async (key) => call('HKEYS', key) as string[],
    hscan: async (...args) => call('HSCAN', ...args) as [string, string[]],
    xlen: async (key) => call('XLEN', key) as number,
    xrange: async (...args) => call('XRANGE', ...args) as unknown as StreamEntry[],
    xrevrange: async (...args) => call('XREVRANGE', ...args) as unknown as StreamEntry[],
    time: async () => call('TIME') as string[],
  };
}
