import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Redis } from 'ioredis';
import type { Clock } from '../base/clock.ts';
import { StoreUnavailable } from './store-unavailable.ts';

/** A Lua file and its SHA-1, by which Redis knows it once it has seen it. */
export interface Script {
  /** For metrics: the file's name. */
  name: string;
  source: string;
  sha: string;
}

/** Reads a Lua file beside the caller: `loadScript(new URL('./admit.lua', import.meta.url))`. */
export function loadScript(file: URL): Script {
  return scriptOf(basename(file.pathname, '.lua'), readFileSync(file, 'utf8'));
}

/** A script from its text. */
export function scriptOf(name: string, source: string): Script {
  return { name, source, sha: createHash('sha1').update(source).digest('hex') };
}

export interface RedisOptions {
  url: string;
  /** False accepts the self-signed certificates of Heroku Key-Value Store (Dev Center, heroku-redis). */
  verifyTls: boolean;
  /** How long one command may take before its caller is told the store is unavailable. */
  commandTimeoutMs: number;
  /** Told once when the connection is lost or cannot be made, not at every try. */
  onDown?: (error: Error) => void;
  /** Told when it is there again. */
  onUp?: () => void;
  /** Told what the server refuses a command with, such as `OOM …`, or its database; once a minute for each kind. */
  onRefusal?: (error: Error) => void;
  /** Told of every script that was run, for metrics. */
  timing?: {
    clock: Clock;
    onRun: (run: { operation: string; durationMs: number; ok: boolean }) => void;
  };
}

const refusalToldEveryMs = 60_000;

/**
 * The one connection of a process to Redis. Commands fail fast: no offline queue and no resending, since a
 * command resent after a reconnect would run at a time nobody waits for it (invariant 4, no ghost).
 */
export class RedisStore {
  readonly client: Redis;
  readonly #timing: RedisOptions['timing'];
  readonly #onRefusal: RedisOptions['onRefusal'];
  /** Kinds of refusals told within the last minute. */
  readonly #told = new Set<string>();

  constructor({ url, verifyTls, commandTimeoutMs, onDown, onUp, onRefusal, timing }: RedisOptions) {
    this.#timing = timing;
    this.#onRefusal = onRefusal;
    this.client = new Redis(url, {
      lazyConnect: true,
      // Not auto-pipelined: ioredis runs one pipeline at a time and holds its answers together, so that each waits for
      // all (30 instead of 20 ms at p50 over a 20 ms line), and its command timeout starts late. We gather ourselves.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      commandTimeout: commandTimeoutMs,
      connectTimeout: 5_000,
      // A connection that is silent while commands wait is dead, whatever TCP thinks: a failover may leave such.
      socketTimeout: Math.max(5_000, 5 * commandTimeoutMs),
      retryStrategy: (times) => Math.min(100 * times, 1_000) * (0.5 + Math.random() / 2),
      // After a failover the old primary is a replica: leave it and look the address up again.
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
      ...(url.startsWith('rediss:') ? { tls: { rejectUnauthorized: verifyTls } } : {}),
    });
    let down = false;
    // Without a listener ioredis would print to the console.
    this.client.on('error', (error: Error) => {
      const wrongDatabase = databaseRefused(error);
      if (!down) onDown?.(wrongDatabase ?? error);
      down = true;
      if (!wrongDatabase) return;
      this.#tellRefusal(wrongDatabase);
      // ioredis would go on, with database 0.
      this.client.disconnect(true);
    });
    this.client.on('ready', () => {
      if (down) onUp?.();
      down = false;
    });
  }

  /** Connects in the background and keeps trying; `ready` tells the state. */
  connect(): void {
    this.client.connect().catch(() => {
      // The error event has said it, and the retry strategy goes on.
    });
  }

  /** Connects; resolves the first time commands can be sent, however long that takes. */
  async connected(): Promise<void> {
    this.connect();
    if (this.ready) return;
    await new Promise<void>((resolve) => {
      this.client.once('ready', resolve);
    });
  }

  get ready(): boolean {
    return this.client.status === 'ready';
  }

  /** Resolves once commands can be sent; rejects with `StoreUnavailable` after `timeoutMs`, or when closed. */
  async whenReady(timeoutMs: number): Promise<void> {
    if (this.ready) return;
    await new Promise<void>((resolve, reject) => {
      const stopWaiting = (): void => {
        clearTimeout(timer);
        this.client.off('ready', onReady);
        this.client.off('end', onEnd);
      };
      const onReady = (): void => {
        stopWaiting();
        resolve();
      };
      const onEnd = (): void => {
        stopWaiting();
        reject(new StoreUnavailable('The store cannot be reached.'));
      };
      const timer = setTimeout(onEnd, timeoutMs);
      this.client.once('ready', onReady);
      this.client.once('end', onEnd);
    });
  }

  /**
   * Runs a script in one round trip (two the first time a server sees it).
   * Rejects with `StoreUnavailable` for every failure: late, unreachable, full, read-only.
   */
  async run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const startedMs = this.#timing?.clock.monotonic() ?? 0;
    let ok = false;
    try {
      const reply = await this.attempt((client) => evaluate(client, script, { keys, args }));
      ok = true;
      return reply;
    } finally {
      if (this.#timing) {
        const durationMs = this.#timing.clock.monotonic() - startedMs;
        this.#timing.onRun({ operation: script.name, durationMs, ok });
      }
    }
  }

  /** Any other command, its failures turned into `StoreUnavailable`. */
  async attempt<T>(command: (client: Redis) => Promise<T>): Promise<T> {
    try {
      return await command(this.client);
    } catch (error) {
      if (error instanceof Error && error.name === 'ReplyError') this.#tellRefusal(error);
      throw unavailable(error);
    }
  }

  /** What the server holds of its memory, and may hold; 0: as much as there is. Rejects with `StoreUnavailable`. */
  async memory(): Promise<{ usedBytes: number; maxBytes: number }> {
    const told = await this.attempt((client) => client.info('memory'));
    return { usedBytes: figureIn(told, 'used_memory'), maxBytes: figureIn(told, 'maxmemory') };
  }

  #tellRefusal(error: Error): void {
    const [kind = ''] = error.message.split(' ', 1);
    if (this.#told.has(kind)) return;
    this.#told.add(kind);
    setTimeout(() => this.#told.delete(kind), refusalToldEveryMs).unref();
    this.#onRefusal?.(error);
  }

  close(): void {
    this.client.disconnect();
  }
}

async function evaluate(
  client: Redis,
  { sha, source }: Script,
  { keys, args }: { keys: readonly string[]; args: readonly (string | number)[] },
): Promise<unknown> {
  try {
    return await client.evalsha(sha, keys.length, ...keys, ...args);
  } catch (error) {
    if (!isNoScript(error)) throw error;
    return client.eval(source, keys.length, ...keys, ...args);
  }
}

/** What is wrong with the database that the URL names; null where the error is another. */
function databaseRefused(error: Error & { command?: { name: string } }): Error | null {
  if (error.command?.name !== 'select') return null;
  return new Error(`The database at the end of REDIS_URL or REDIS_TLS_URL is refused: ${error.message}`);
}

function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}

/** A line of INFO. */
function figureIn(info: string, name: string): number {
  return Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
}

/** The server's own words for not running a command, and ioredis's for not sending it. */
const neverRan =
  /^(?:OOM|READONLY|LOADING|MASTERDOWN|MISCONF|BUSY|NOAUTH|WRONGPASS|NOPERM|Stream isn't writeable)/;

function unavailable(error: unknown): StoreUnavailable {
  const message = error instanceof Error ? error.message : 'The store failed.';
  return new StoreUnavailable(message, { cause: error, mayHaveRun: !neverRan.test(message) });
}
