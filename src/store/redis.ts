import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Redis } from 'ioredis';
import type { Clock } from '../base/clock.ts';
import { Deadlines } from './deadlines.ts';
import { atMaxClients, maxClientsError, mayBeTurnedAway, turnsClientsAway } from './max-clients.ts';
import type { Script } from './script.ts';
import { ScriptCommand } from './script-command.ts';
import type { Doubt, OnRun, Store, StoreClient } from './store.ts';
import { hasForgotten, StoreUnavailable } from './store-unavailable.ts';

export interface RedisOptions {
  url: string;
  /** False accepts the self-signed certificates of Heroku Key-Value Store (Dev Center, heroku-redis). */
  verifyTls: boolean;
  /** How long a command may take before it fails with `StoreUnavailable`. */
  commandTimeoutMs: number;
  /** After so long without a word while commands wait, the connection is taken for dead. */
  silenceMs?: number;
  /** Called once when the connection is lost or cannot be made, not for every attempt. */
  onDown?: (error: Error) => void;
  /** Called when the connection is back. */
  onUp?: () => void;
  /** Called with the server's error, such as `OOM …`, or its refusal of the database; once a minute for each kind. */
  onRefusal?: (error: Error) => void;
  timing?: { clock: Clock; onRun: OnRun };
}

const refusalReportedEveryMs = 60_000;

/**
 * The only connection of a process to Redis. Commands fail fast: there is no offline queue and no resending, because a
 * command that is resent after a reconnect would run when nobody waits for it (invariant 4, no ghost).
 */
export class RedisStore implements Store {
  readonly client: Redis;
  readonly #timing: RedisOptions['timing'];
  readonly #onRefusal: RedisOptions['onRefusal'];
  /** Kinds of refusals reported within the last minute. */
  readonly #reported = new Set<string>();
  readonly #events = new EventEmitter<{ ready: []; doubt: [Doubt] }>();
  /** Counts connections, so that what was begun on one does not go on for the next. */
  #connection = 0;
  #loaded = false;
  #askingWhy = false;
  readonly #deadlines: Deadlines;
  problem: string | null = null;

  constructor(options: RedisOptions) {
    const { url, verifyTls, commandTimeoutMs, onDown, onUp, onRefusal, timing } = options;
    const { silenceMs = Math.max(5_000, 5 * commandTimeoutMs) } = options;
    this.#timing = timing;
    this.#onRefusal = onRefusal;
    this.#deadlines = new Deadlines({
      timeoutMs: commandTimeoutMs,
      silenceMs,
      onSilence: () => {
        this.client.emit('error', new Error(`The store has been silent for ${silenceMs / 1_000} s.`));
        this.client.disconnect(true);
      },
    });
    this.client = new Redis(url, {
      lazyConnect: true,
      // No auto-pipelining: ioredis runs one pipeline at a time and every reply waits for all others (30 instead of
      // 20 ms at p50 over a 20 ms line), and the command timeout starts late. Our own code batches instead.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      commandTimeout: commandTimeoutMs,
      connectTimeout: 5_000,
      // Its check needs INFO, which a server may lack or forbid; then it would reconnect for ever. See `#checkLoaded`.
      enableReadyCheck: false,
      retryStrategy: (times) => Math.min(100 * times, 1_000) * (0.5 + Math.random() / 2),
      // After a failover the old primary is a replica: disconnect, and resolve the address again.
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
      ...(url.startsWith('rediss:') ? { tls: { rejectUnauthorized: verifyTls } } : {}),
    });
    let down = false;
    // Without a listener, ioredis would print to the console.
    this.client.on('error', (error: Error) => {
      const wrongDatabase = databaseRefused(error);
      if (!down) onDown?.(wrongDatabase ?? error);
      down = true;
      if (mayBeTurnedAway(error)) void this.#askWhy();
      if (!wrongDatabase) return;
      this.#reportRefusal(wrongDatabase);
      // Otherwise ioredis would continue with database 0.
      this.client.disconnect(true);
    });
    this.client.on('close', () => {
      this.#loaded = false;
      this.#connection++;
      this.#events.emit('doubt', 'unreachable');
    });
    this.client.on('ready', () => void this.#checkLoaded());
    this.#events.on('ready', () => {
      if (down) onUp?.();
      down = false;
      this.problem = null;
    });
  }

  /** Connects in the background, and keeps trying. `ready` is the state. */
  connect(): void {
    this.client.connect().catch(() => {
      // The error event has reported it, and the retry strategy continues.
    });
  }

  async connected(): Promise<void> {
    this.connect();
    if (this.ready) return;
    await new Promise<void>((resolve) => {
      this.#events.once('ready', resolve);
    });
  }

  onReady(listener: () => void): void {
    this.#events.on('ready', listener);
  }

  onDoubt(listener: (doubt: Doubt) => void): void {
    this.#events.on('doubt', listener);
  }

  get ready(): boolean {
    return this.#loaded && this.client.status === 'ready';
  }

  /** A server that has just started answers LOADING until its data is in memory. */
  async #checkLoaded(): Promise<void> {
    const connection = this.#connection;
    const refusal = await loadingRefusal(this.client, () => connection !== this.#connection);
    if (connection !== this.#connection) return;
    if (refusal === null) {
      this.#loaded = true;
      this.#events.emit('ready');
    } else {
      this.client.emit('error', refusal);
      this.client.disconnect(true);
    }
  }

  /** Finds out whether the server has too many clients, and reports it. */
  async #askWhy(): Promise<void> {
    if (this.#askingWhy) return;
    this.#askingWhy = true;
    const { host = 'localhost', port = 6379, path, tls } = this.client.options;
    const at = path === undefined ? { host, port } : { path };
    const isFull = await turnsClientsAway(at, tls !== undefined);
    this.#askingWhy = false;
    if (this.ready) return;
    this.problem = isFull ? atMaxClients : null;
    if (isFull) this.#reportRefusal(new Error(maxClientsError));
  }

  /** Resolves when commands can be sent. Rejects with `StoreUnavailable` after `timeoutMs`, or if closed. */
  async whenReady(timeoutMs: number): Promise<void> {
    if (this.ready) return;
    await new Promise<void>((resolve, reject) => {
      const stopWaiting = (): void => {
        clearTimeout(timer);
        this.#events.off('ready', onReady);
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
      this.#events.once('ready', onReady);
      this.client.once('end', onEnd);
    });
  }

  /** Takes one round trip, or two if the server does not know the script yet. Every failure is `StoreUnavailable`. */
  run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const startedMs = this.#timing?.clock.monotonic() ?? 0;
    const deadlines = this.#deadlines;
    return new Promise((resolve, reject) => {
      const send = (whole: boolean): void => {
        const onError = (error: Error): void => {
          if (!whole && isNoScript(error)) return send(true);
          this.#ran(script, startedMs, false);
          reject(this.#unavailable(error));
        };
        const onReply = (reply: unknown): void => {
          this.#ran(script, startedMs, true);
          resolve(reply);
        };
        const command = new ScriptCommand({ script, keys, args, whole, deadlines, onReply, onError });
        this.client.sendCommand(command as unknown as Command); // has what ioredis uses of one
      };
      send(false);
    });
  }

  #ran({ name }: Script, startedMs: number, ok: boolean): void {
    if (!this.#timing) return;
    const { clock, onRun } = this.#timing;
    onRun({ operation: name, durationMs: clock.monotonic() - startedMs, ok });
  }

  attempt<T>(command: (client: StoreClient) => Promise<T>): Promise<T> {
    return this.#answer(command(this.client));
  }

  /** The reply. Turns failures into `StoreUnavailable`. */
  async #answer<T>(reply: Promise<T>): Promise<T> {
    try {
      return await reply;
    } catch (error) {
      throw this.#unavailable(error);
    }
  }

  #unavailable(error: unknown): StoreUnavailable {
    if (hasForgotten(error)) this.#events.emit('doubt', 'forgotten');
    else if (error instanceof Error && error.name === 'ReplyError') this.#reportRefusal(error);
    return unavailable(error);
  }

  async memory(): Promise<{ usedBytes: number; maxBytes: number }> {
    const info = await this.#answer(this.client.info('memory').catch(unlessForbidden));
    return { usedBytes: figureIn(info, 'used_memory'), maxBytes: figureIn(info, 'maxmemory') };
  }

  #reportRefusal(error: Error): void {
    const [kind = ''] = error.message.split(' ', 1);
    if (this.#reported.has(kind)) return;
    this.#reported.add(kind);
    setTimeout(() => this.#reported.delete(kind), refusalReportedEveryMs).unref();
    this.#onRefusal?.(error);
  }

  close(): void {
    this.client.disconnect();
  }
}

/** A server may lack a command, by `rename-command` or its version, or an ACL may forbid it. */
const forbidden = /^(?:NOPERM|ERR unknown command)/i;
const notYet = /^(?:LOADING|BUSY|MASTERDOWN)/;
const askedAgainMs = 200;

function unlessForbidden(error: unknown): string {
  if (error instanceof Error && forbidden.test(error.message)) return '';
  throw error;
}

/** Asks until the server has loaded its data, or `gone`. Null if commands can be sent, else why they cannot. */
async function loadingRefusal(client: Redis, gone: () => boolean): Promise<Error | null> {
  while (!gone()) {
    try {
      await client.ping().catch(unlessForbidden);
      return null;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (!notYet.test(error.message)) return error;
    }
    await sleep(askedAgainMs, undefined, { ref: false });
  }
  return null;
}

/** The error if the server refuses the database in the URL, with a hint; null if it is another error. */
function databaseRefused(error: Error & { command?: { name: string } }): Error | null {
  if (error.command?.name !== 'select') return null;
  return new Error(`The database at the end of REDIS_URL or REDIS_TLS_URL is refused: ${error.message}`);
}

function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}

/** A number from the reply of INFO; 0 if it is not there. */
function figureIn(info: string, name: string): number {
  return Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
}

/** Errors with which the server refuses to run a command, or ioredis to send it. */
const neverRan =
  /^(?:OOM|READONLY|LOADING|MASTERDOWN|MISCONF|BUSY|NOAUTH|WRONGPASS|NOPERM|FORGOTTEN|Stream isn't writeable)/;

function unavailable(error: unknown): StoreUnavailable {
  const message = error instanceof Error ? error.message : 'The store failed.';
  const isFull = message.startsWith('OOM');
  return new StoreUnavailable(message, { cause: error, mayHaveRun: !neverRan.test(message), isFull });
}
