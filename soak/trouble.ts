import { setTimeout as sleep } from 'node:timers/promises';
import type { PostgresServer } from '../test/support/postgres-server.ts';
import type { RedisServer } from '../test/support/redis-server.ts';
import type { Fleet, Instance } from './fleet.ts';
import type { Random } from './random.ts';

const kinds = [
  'process killed (kill -9)',
  'process stopped (SIGTERM)',
  'store stopped for a moment (SIGSTOP)',
  'store stopped for longer than a command may take (SIGSTOP)',
  'store paused for a moment (CLIENT PAUSE)',
  'store connections cut (CLIENT KILL)',
  'Postgres killed and started again (kill -9)',
  'Postgres stopped for a moment (SIGSTOP)',
] as const;
export type TroubleKind = (typeof kinds)[number];

export interface TroubleOptions {
  fleet: Fleet;
  store: RedisServer;
  postgres: PostgresServer;
  random: Random;
  /** The longest the store is stopped. */
  longestPauseMs: number;
}

/** A command may take a second: a moment is less, a long pause is more. */
const moment = { minMs: 100, maxMs: 700 };
const shortestLongPauseMs = 1_200;
/** At least this many stay up. */
const leastHealthy = 2;

/** Faults, one after another in random order, each kind equally often. */
export class Trouble {
  readonly counts = new Map<TroubleKind, number>(kinds.map((kind) => [kind, 0]));
  readonly #options: TroubleOptions;

  constructor(options: TroubleOptions) {
    this.#options = options;
  }

  /** Causes faults until the time is up, and leaves the store running. */
  async make(untilMs: number): Promise<void> {
    const { random } = this.#options;
    while (performance.now() < untilMs) {
      for (const kind of random.shuffled(kinds)) {
        await sleep(random.integer(200, 1_000));
        if (performance.now() >= untilMs) return;
        if (await this.#happens(kind)) this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
      }
    }
  }

  /** False if too few processes would be left. */
  async #happens(kind: TroubleKind): Promise<boolean> {
    const { fleet, store, postgres, random, longestPauseMs } = this.#options;
    const momentMs = random.integer(moment.minMs, moment.maxMs);
    switch (kind) {
      case 'process killed (kill -9)':
        return this.#toOne((instance) => fleet.kill(instance));
      case 'process stopped (SIGTERM)':
        return this.#toOne((instance) => fleet.stop(instance));
      case 'store stopped for a moment (SIGSTOP)':
        await this.#stopStore(momentMs);
        return true;
      case 'store stopped for longer than a command may take (SIGSTOP)':
        await this.#stopStore(random.integer(shortestLongPauseMs, longestPauseMs));
        return true;
      case 'store paused for a moment (CLIENT PAUSE)':
        await store.command('CLIENT', 'PAUSE', momentMs, 'ALL');
        return true;
      case 'store connections cut (CLIENT KILL)':
        await store.command('CLIENT', 'KILL', 'TYPE', 'normal');
        return true;
      case 'Postgres killed and started again (kill -9)':
        await postgres.restart();
        return true;
      case 'Postgres stopped for a moment (SIGSTOP)':
        postgres.pause();
        await sleep(momentMs);
        postgres.resume();
        return true;
    }
  }

  async #stopStore(forMs: number): Promise<void> {
    const { store } = this.#options;
    store.pause();
    await sleep(forMs);
    store.resume();
  }

  /**
   * One process is always spared: a process closes the requests of dead ones only once it has lived for a lease, and
   * no other would live that long here.
   */
  #toOne(happen: (instance: Instance) => void): boolean {
    const { healthy } = this.#options.fleet;
    if (healthy.length <= leastHealthy) return false;
    happen(this.#options.random.pick(healthy.slice(1)));
    return true;
  }
}
