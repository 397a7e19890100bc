import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Keys } from '../store/keys.ts';
import { StoreLease } from '../store/lease.ts';
import type { Store } from '../store/store.ts';

/** The lease, as whoever has a turn under it sees it. */
export interface Held {
  /** What scripts that act under the lease check (`store/lua/holds_lease.lua`). */
  readonly fence: string;
  /** Aborted when the lease is lost or the process ends: what can wait for the next holder does. */
  readonly signal: AbortSignal;
}

/** Something that one process does for all, again and again. */
export interface Duty {
  /** For the log. */
  readonly name: string;
  /** From the end of a turn to the next one, ms. */
  readonly everyMs: number;
  /** If it rejects, the next turn comes as usual. Only the first of several failures is logged. */
  readonly turn: (held: Held) => Promise<void>;
  /** Resolves when what its turns have begun is over; absent: all of it is over with the turn. */
  readonly idle?: () => Promise<void>;
}

/** So soon the store is asked again if it has not answered. */
const soonMs = 500;

/** How long a stopping process waits for a turn, and for what turns have begun. */
const patienceMs = 8_000;

/** After so long without a sign of life, another process does the duties. */
const eventsLeaseMs = 10_000;

interface DutiesOptions {
  lease: Pick<StoreLease, 'take' | 'release'>;
  /** How long the lease lasts, ms. */
  leaseMs: number;
  duties: readonly Duty[];
  clock: Clock;
  log: Log;
}

/**
 * Does the duties while this process holds the lease, each at its own pace. If the process dies, another one has the
 * lease after at most four thirds of its time. A process that stood still may have two turns at once with the next holder:
 * duties write under the fence, or what may be written twice.
 */
export class Duties {
  readonly #options: DutiesOptions;
  #held: { fence: string; sinceMs: number; ends: AbortController } | null = null;
  /** The loops of this holding and of those before. */
  #loops: Promise<unknown> = Promise.resolve();
  #taking: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(options: DutiesOptions) {
    this.#options = options;
  }

  start(): void {
    this.#taking = this.#take();
  }

  /**
   * Resolves when no turn is under way, or after some seconds: what a turn waits for may be away. Then another process can
   * take the lease. Never rejects.
   */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#end();
    await this.#taking;
    await this.#turnsDone();
    await this.#options.lease.release().catch(() => undefined); // it ends by itself
  }

  async #turnsDone(): Promise<void> {
    const late = new AbortController();
    const idle = this.#options.duties.map((duty) => duty.idle?.());
    await Promise.race([Promise.all([this.#loops, ...idle]), pause(patienceMs, late.signal)]);
    late.abort();
  }

  async #take(): Promise<void> {
    const { lease, leaseMs, clock } = this.#options;
    // Counted from before the store was asked: there it cannot end sooner than here.
    const sinceMs = clock.monotonic();
    // `undefined`: nobody knows. The lease is ours until it would have ended.
    const fence = await lease.take().catch(() => undefined);
    if (this.#stopped) return;
    if (fence === undefined) this.#endIfOver();
    else this.#hold(fence, sinceMs);
    const nextMs = fence === undefined ? Math.min(leaseMs / 3, soonMs) : leaseMs / 3;
    this.#timer = setTimeout(() => this.start(), nextMs).unref();
  }

  #endIfOver(): void {
    const { clock, leaseMs } = this.#options;
    if (this.#held && clock.monotonic() - this.#held.sinceMs >= leaseMs) this.#end();
  }

  #hold(fence: string | null, sinceMs: number): void {
    if (this.#held && this.#held.fence === fence) {
      this.#held.sinceMs = sinceMs;
      return;
    }
    this.#end();
    if (fence === null) return;
    const ends = new AbortController();
    this.#held = { fence, sinceMs, ends };
    const held: Held = { fence, signal: ends.signal };
    const loops = (): Promise<unknown> =>
      Promise.all(this.#options.duties.map((duty) => this.#repeat(duty, held)));
    // A turn of the holding before may still be ending.
    this.#loops = this.#loops.then(loops);
  }

  #end(): void {
    this.#held?.ends.abort();
    this.#held = null;
  }

  async #repeat({ name, everyMs, turn }: Duty, held: Held): Promise<void> {
    const { log } = this.#options;
    let isFailing = false;
    while (!held.signal.aborted) {
      try {
        await turn(held);
        isFailing = false;
      } catch (error) {
        if (!isFailing && !held.signal.aborted)
          log.warn('a duty failed, and is tried again', { duty: name, error });
        isFailing = true;
      }
      await pause(everyMs, held.signal);
    }
  }
}

interface EventDutiesParts extends Pick<DutiesOptions, 'duties' | 'clock' | 'log'> {
  store: Store;
  keys: Keys;
  /** The process: unique among all, past ones included. */
  owner: string;
}

/** The duties that tell events and send them, under one lease. */
export function eventDuties({ store, keys, owner, ...parts }: EventDutiesParts): Duties {
  const leaseMs = eventsLeaseMs;
  return new Duties({
    ...parts,
    lease: new StoreLease(store, keys, { what: 'events', owner, leaseMs }),
    leaseMs,
  });
}

/** Resolves after so long, or when the signal is aborted. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, ms).unref();
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
