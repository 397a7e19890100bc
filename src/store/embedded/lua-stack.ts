import { LuaFactory, LuaType } from 'wasmoon';
import type { Reply } from './command.ts';

/**
 * Lua's C API as WebAssembly exports it: pointers and lengths are in bytes of its memory, 64-bit integers are bigints.
 */
export interface LuaApi {
  HEAPU8: Uint8Array;
  HEAPU32: Uint32Array;
  addFunction(run: (state: number) => number, signature: 'ii'): number;
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  _luaL_newstate(): number;
  _luaL_openlibs(state: number): void;
  _luaL_loadbufferx(state: number, text: number, bytes: number, name: number, mode: number): number;
  _luaL_ref(state: number, table: number): number;
  _lua_pcallk(
    state: number,
    args: number,
    results: number,
    onError: number,
    context: number,
    k: number,
  ): number;
  _lua_error(state: number): number;
  _lua_gettop(state: number): number;
  _lua_settop(state: number, top: number): void;
  _lua_type(state: number, at: number): LuaType;
  _lua_toboolean(state: number, at: number): number;
  _lua_tonumberx(state: number, at: number, isNumber: number): number;
  _lua_tolstring(state: number, at: number, length: number): number;
  _lua_rawlen(state: number, at: number): number;
  _lua_rawgeti(state: number, at: number, index: bigint): LuaType;
  _lua_rawseti(state: number, at: number, index: bigint): void;
  _lua_createtable(state: number, items: number, fields: number): void;
  _lua_pushboolean(state: number, value: number): void;
  _lua_pushinteger(state: number, value: bigint): void;
  _lua_pushnumber(state: number, value: number): void;
  _lua_pushlstring(state: number, text: number, bytes: number): number;
  _lua_pushcclosure(state: number, run: number, values: number): void;
  _lua_setfield(state: number, at: number, name: number): void;
  _lua_setglobal(state: number, name: number): void;
}

/** The most UTF-8 bytes for one UTF-16 unit. */
const bytesPerUnit = 3;

/** Loads Lua into this process. */
export async function loadLua(): Promise<LuaApi> {
  const { module } = await new LuaFactory().getLuaModule();
  // wasmoon's types only have its wrappers of these functions, which need several calls to convert a value.
  return module as unknown as LuaApi;
}

/** The stack that passes values to and from Lua. It converts them as Redis does. */
export class LuaStack {
  readonly #lua: LuaApi;
  readonly #state: number;
  readonly #length: number;
  #scratch = { pointer: 0, bytes: 0 };
  #heap: Buffer = Buffer.alloc(0);

  constructor(lua: LuaApi, state: number) {
    this.#lua = lua;
    this.#state = state;
    this.#length = lua._malloc(4);
  }

  /** Puts a text into Lua's memory, with a zero byte at its end. The next text overwrites it. */
  text(text: string): { pointer: number; bytes: number } {
    const most = text.length * bytesPerUnit + 1;
    if (most > this.#scratch.bytes) {
      this.#lua._free(this.#scratch.pointer);
      this.#scratch = { pointer: this.#lua._malloc(2 * most), bytes: 2 * most };
    }
    const { pointer } = this.#scratch;
    const heap = this.#memory();
    const bytes = heap.write(text, pointer, most);
    heap[pointer + bytes] = 0;
    return { pointer, bytes };
  }

  /** Pushes a reply of Redis: nil becomes false in Lua. */
  push(value: Reply): void {
    const [lua, state] = [this.#lua, this.#state];
    if (typeof value === 'string') {
      const { pointer, bytes } = this.text(value);
      lua._lua_pushlstring(state, pointer, bytes);
    } else if (typeof value === 'number') {
      if (Number.isSafeInteger(value)) lua._lua_pushinteger(state, BigInt(value));
      else lua._lua_pushnumber(state, value);
    } else if (value === null) {
      lua._lua_pushboolean(state, 0);
    } else if ('ok' in value) {
      lua._lua_createtable(state, 0, 1);
      this.push(value.ok);
      lua._lua_setfield(state, -2, this.text('ok').pointer);
    } else {
      lua._lua_createtable(state, value.length, 0);
      value.forEach((item, n) => {
        this.push(item);
        lua._lua_rawseti(state, -2, BigInt(n + 1));
      });
    }
  }

  /** Pushes a JSON value; fields and items that are null are left out. */
  pushJson(value: unknown): void {
    if (typeof value === 'boolean') {
      this.#lua._lua_pushboolean(this.#state, Number(value));
    } else if (typeof value === 'object' && value !== null) {
      this.#lua._lua_createtable(this.#state, 0, 0);
      for (const [name, item] of Object.entries(value)) {
        if (item === null) continue;
        this.pushJson(item);
        if (Array.isArray(value)) this.#lua._lua_rawseti(this.#state, -2, BigInt(Number(name) + 1));
        else this.#lua._lua_setfield(this.#state, -2, this.text(name).pointer);
      }
    } else {
      this.push(typeof value === 'string' || typeof value === 'number' ? value : null);
    }
  }

  /** Reads a text, or a number as a text. */
  textAt(at: number): string {
    const [lua, state] = [this.#lua, this.#state];
    // Lua 5.4 would write 1.0 where Redis's Lua 5.1 writes 1.
    if (lua._lua_type(state, at) === LuaType.Number) return String(lua._lua_tonumberx(state, at, 0));
    const pointer = lua._lua_tolstring(state, at, this.#length);
    if (pointer === 0) throw new Error('ERR Lua redis lib command arguments must be strings or integers');
    const bytes = lua.HEAPU32[this.#length >> 2] ?? 0;
    return this.#memory().toString('utf8', pointer, pointer + bytes);
  }

  /** Reads a script's result as Redis does: numbers lose their fraction, and a table ends at its first nil. */
  replyAt(at: number): Reply {
    const [lua, state] = [this.#lua, this.#state];
    switch (lua._lua_type(state, at)) {
      case LuaType.String:
        return this.textAt(at);
      case LuaType.Number:
        return Math.trunc(lua._lua_tonumberx(state, at, 0));
      case LuaType.Boolean:
        return lua._lua_toboolean(state, at) === 1 ? 1 : null;
      case LuaType.Table:
        return this.#itemsAt(at);
      default:
        return null;
    }
  }

  #itemsAt(at: number): Reply[] {
    const [lua, state] = [this.#lua, this.#state];
    const items: Reply[] = [];
    for (let n = 1; lua._lua_rawgeti(state, at, BigInt(n)) !== LuaType.Nil; n += 1) {
      items.push(this.replyAt(lua._lua_gettop(state)));
      lua._lua_settop(state, -2);
    }
    lua._lua_settop(state, -2);
    return items;
  }

  /** Lua's memory, which moves when it grows. */
  #memory(): Buffer {
    const { buffer } = this.#lua.HEAPU8;
    if (this.#heap.buffer !== buffer) this.#heap = Buffer.from(buffer);
    return this.#heap;
  }
}
