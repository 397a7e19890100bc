import type { Clock } from '../base/clock.ts';
import { dayMs } from '../base/days.ts';
import type { Log } from '../base/log.ts';
import type { Duty } from '../events/duties.ts';
import type { Outbox } from '../events/outbox.ts';
import type { Keys } from '../store/keys.ts';
import { nowMsOf, type Store } from '../store/store.ts';
import type { LookedAt } from './looked-at.ts';
import type { Monitor, Notice } from './notice.ts';

/** Between two looks for what is due. */
const turnEveryMs = 10_000;
/** So many events at a time: the outbox and the queues of destinations are bounded, and receivers take one after the other. */
const toldPerTurn = 100;
/** How long it is known that a day or a week was looked at. */
const lookedForMs = 10 * dayMs;

interface MonitorsOptions {
  monitors: readonly Monitor[];
  outbox: Pick<Outbox, 'once'>;
  lookedAt: Pick<LookedAt, 'has' | 'note'>;
  store: Store;
  keys: Keys;
  clock: Pick<Clock, 'monotonic'>;
  log: Log;
}

/** Has each monitor look at its own pace, and tells what it finds. Only while somebody is to be told: there is a webhook. */
export function monitorsDuty(options: MonitorsOptions): Duty {
  const turns = new MonitorTurns(options);
  return { name: 'monitors', everyMs: turnEveryMs, turn: ({ signal }) => turns.turn(signal) };
}

class MonitorTurns {
  readonly #options: MonitorsOptions;
  /** When each monitor has looked to the end, or failed. */
  readonly #looked = new Map<Monitor, number>();
  readonly #failing = new Set<Monitor>();

  constructor(options: MonitorsOptions) {
    this.#options = options;
  }

  async turn(signal: AbortSignal): Promise<void> {
    const { store, keys, monitors } = this.#options;
    const [time, webhooks] = await store.attempt((client) =>
      Promise.all([client.time(), client.hkeys(keys.webhooks)]),
    );
    if (webhooks.length === 0) return this.#looked.clear();
    for (const monitor of monitors) {
      if (signal.aborted) return;
      if (this.#isDue(monitor)) await this.#tryToLook(monitor, nowMsOf(time), signal);
    }
  }

  #isDue(monitor: Monitor): boolean {
    const lookedMs = this.#looked.get(monitor) ?? -Infinity;
    return this.#options.clock.monotonic() - lookedMs >= monitor.everyMs;
  }

  /** One that fails stops no other: what it looks at may be away for long, such as Postgres. */
  async #tryToLook(monitor: Monitor, nowMs: number, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    try {
      const isDone = await this.#look(monitor, nowMs, signal);
      this.#failing.delete(monitor);
      if (!isDone) return;
    } catch (error) {
      if (!this.#failing.has(monitor)) {
        log.warn('a monitor could not look, and tries again', { monitor: monitor.name, error });
      }
      this.#failing.add(monitor);
    }
    this.#looked.set(monitor, clock.monotonic());
  }

  /** Whether it has looked to the end. */
  async #look(monitor: Monitor, nowMs: number, signal: AbortSignal): Promise<boolean> {
    const { lookedAt } = this.#options;
    const { name } = monitor;
    const of = monitor.period?.(nowMs);
    if (of === null || (of !== undefined && (await lookedAt.has(name, of)))) return true;
    let told = 0;
    for await (const notice of monitor.notices(nowMs)) {
      if (await this.#tell(notice)) told += 1;
      if (told >= toldPerTurn || signal.aborted) return false;
    }
    if (of !== undefined) await lookedAt.note(name, of, nowMs + lookedForMs);
    return true;
  }

  #tell({ event, mark, untilMs, says }: Notice): Promise<boolean> {
    return this.#options.outbox.once(event, mark, untilMs, says);
  }
}
