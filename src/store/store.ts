import type { Script } from './script.ts';

/** The commands that are sent outside of scripts. Names, arguments and replies are those of ioredis. */
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
  /** Unix time in seconds, and the microseconds of that second. */
  time(): Promise<readonly (string | number)[]>;
}

/** An entry's id, and its fields and values, alternating. */
export type StreamEntry = [id: string, fields: string[]];

/**
 * Keeps all data: Redis, or the embedded store, which runs the same scripts. Methods reject with `StoreUnavailable`; a
 * command may have run even so (`mayHaveRun`).
 */
export interface Store {
  /** Why the store cannot be reached, as far as that is known: "it …". Null while it can. */
  readonly problem: string | null;
  /** Runs a script as one atomic step. Redis's rules convert its reply. */
  run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>;
  /** Sends commands. */
  attempt<T>(command: (client: StoreClient) => Promise<T>): Promise<T>;
  /** The memory that the store uses and may use; 0: no bound, or the server does not say. */
  memory(): Promise<{ usedBytes: number; maxBytes: number }>;
  /** Connects. Resolves when the store is first ready, however long that takes. */
  connected(): Promise<void>;
  /** Calls `listener` each time the store becomes ready. Register it before connecting. */
  onReady(listener: () => void): void;
  /**
   * Calls `listener` when the store may not have what it had: it cannot be reached, or a script finds that it has lost
   * its data (`has_forgotten.lua`).
   */
  onDoubt(listener: (doubt: Doubt) => void): void;
  close(): void;
}

export type Doubt = 'unreachable' | 'forgotten';

/** Called after every script, for metrics. */
export type OnRun = (run: { operation: string; durationMs: number; ok: boolean }) => void;

/** The store's clock in a reply of `time`, ms. */
export function nowMsOf([seconds, micros]: readonly (string | number)[]): number {
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
}
