import type { Script } from './script.ts';

/** The commands that are sent by themselves, beside the scripts: named, called and answered as ioredis does. */
export interface StoreClient {
  get(key: string): Promise<string | null>;
  set(key: string, value: string, px: 'PXAT', untilMs: number, nx: 'NX'): Promise<'OK' | null>;
  pexpiretime(key: string): Promise<number>;
  hget(key: string, field: string): Promise<string | null>;
  hmget(key: string, ...fields: string[]): Promise<(string | null)[]>;
  hgetall(key: string): Promise<Record<string, string>>;
  hkeys(key: string): Promise<string[]>;
  hscan(key: string, cursor: string, count: 'COUNT', rows: number): Promise<[string, string[]]>;
  xlen(key: string): Promise<number>;
  xrange(key: string, start: string, end: string, count: 'COUNT', entries: number): Promise<StreamEntry[]>;
  xrevrange(key: string, end: string, start: string, count: 'COUNT', entries: number): Promise<StreamEntry[]>;
  /** Seconds, and the microseconds of the second. */
  time(): Promise<readonly (string | number)[]>;
}

/** An entry's id, and its fields and values by turns. */
export type StreamEntry = [id: string, fields: string[]];

/**
 * What everything is kept in: Redis, or the same scripts in this process. Methods reject with `StoreUnavailable`; then
 * it may be unknown whether anything was done.
 */
export interface Store {
  /** Runs a script, in one step. Its reply is as Redis converts it. */
  run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>;
  /** Sends plain commands. */
  attempt<T>(command: (client: StoreClient) => Promise<T>): Promise<T>;
  /** What the store holds of its memory, and may hold; 0: as much as there is. */
  memory(): Promise<{ usedBytes: number; maxBytes: number }>;
  /** Connects; resolves the first time the store can be asked, however long that takes. */
  connected(): Promise<void>;
  /** Calls `listener` each time the store can be asked anew; ask for it before connecting. */
  onReady(listener: () => void): void;
  close(): void;
}

/** Told of every script that was run, for metrics. */
export type OnRun = (run: { operation: string; durationMs: number; ok: boolean }) => void;
