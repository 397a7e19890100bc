import { hash } from 'node:crypto';
import { LUA_REGISTRYINDEX } from 'wasmoon';
import type { Script } from '../script.ts';
import type { Reply } from './command.ts';
import { LuaStack, type LuaApi } from './lua-stack.ts';

/** What `redis.call` does in a script. */
type CallRedis = (name: string, args: readonly string[]) => Reply;

export interface ScriptCall {
  keys: readonly string[];
  args: readonly (string | number)[];
  redis: CallRedis;
}

/** Functions of Lua 5.1, which Redis uses, that Lua 5.4 lacks. */
const prelude = `
unpack = table.unpack
redis = { call = redis_call, sha1hex = redis_sha1hex, error_reply = function(text) error(text, 0) end }
cjson = { decode = cjson_decode }
`;

/** Runs scripts as Redis does, one at a time and each to its end. */
export class Lua {
  readonly #lua: LuaApi;
  readonly #state: number;
  readonly #stack: LuaStack;
  /** A script's SHA-1 → its function's index in Lua's registry. */
  readonly #compiled = new Map<string, bigint>();
  #redis: CallRedis = () => null;

  constructor(lua: LuaApi) {
    this.#lua = lua;
    this.#state = lua._luaL_newstate();
    this.#stack = new LuaStack(lua, this.#state);
    lua._luaL_openlibs(this.#state);
    this.#define('redis_call', () => {
      const args = this.#arguments();
      this.#stack.push(this.#redis(args[0] ?? '', args.slice(1)));
    });
    this.#define('redis_sha1hex', () => this.#stack.push(hash('sha1', this.#stack.textAt(1))));
    this.#define('cjson_decode', () => this.#stack.pushJson(JSON.parse(this.#stack.textAt(1))));
    this.#compile(prelude);
    this.#call(0);
  }

  /** Throws the script's error. What the script did before stays done, as in Redis. */
  run(script: Script, { keys, args, redis }: ScriptCall): Reply {
    const [lua, state] = [this.#lua, this.#state];
    this.#redis = redis;
    try {
      this.#stack.push(keys);
      lua._lua_setglobal(state, this.#stack.text('KEYS').pointer);
      this.#stack.push(args.map(String));
      lua._lua_setglobal(state, this.#stack.text('ARGV').pointer);
      lua._lua_rawgeti(state, LUA_REGISTRYINDEX, this.#functionOf(script));
      this.#call(1);
      return this.#stack.replyAt(1);
    } finally {
      lua._lua_settop(state, 0);
    }
  }

  #functionOf({ sha, source }: Script): bigint {
    const known = this.#compiled.get(sha);
    if (known !== undefined) return known;
    this.#compile(source.replace(/^#!.*/, '')); // the flags, which are not Lua
    const place = BigInt(this.#lua._luaL_ref(this.#state, LUA_REGISTRYINDEX));
    this.#compiled.set(sha, place);
    return place;
  }

  /** Leaves the function on the stack. */
  #compile(source: string): void {
    const { pointer, bytes } = this.#stack.text(source);
    const failed = this.#lua._luaL_loadbufferx(this.#state, pointer, bytes, pointer, 0) !== 0;
    if (failed) throw this.#failure();
  }

  /** Calls the function on the stack, without arguments. */
  #call(results: number): void {
    if (this.#lua._lua_pcallk(this.#state, 0, results, 0, 0, 0) !== 0) throw this.#failure();
  }

  #failure(): Error {
    return new Error(this.#stack.textAt(-1));
  }

  #arguments(): string[] {
    return Array.from({ length: this.#lua._lua_gettop(this.#state) }, (_, n) => this.#stack.textAt(n + 1));
  }

  /** Defines a global function. It takes its arguments from the stack and puts one result there. */
  #define(name: string, work: () => void): void {
    const run = (): number => {
      try {
        work();
        return 1;
      } catch (error) {
        this.#stack.push(error instanceof Error ? error.message : 'ERR');
      }
      return this.#lua._lua_error(this.#state); // never returns: it unwinds to the call of the script
    };
    this.#lua._lua_pushcclosure(this.#state, this.#lua.addFunction(run, 'ii'), 0);
    this.#lua._lua_setglobal(this.#state, this.#stack.text(name).pointer);
  }
}
