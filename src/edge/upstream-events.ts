import type { Clock } from '../base/clock.ts';
import type { Teller } from '../events/teller.ts';
import type { Outage, KeyRefused } from '../upstream/upstream.ts';

const minuteMs = 60_000;
/** An attachment that comes and goes is told of as down at most this often. */
const betweenDownsMs = 10 * minuteMs;
const dayMs = 86_400_000;
/** A process tells the same at most this often: the store knows whether it was told, and another process may have. */
const againAfterMs = { down: minuteMs, key: 60 * minuteMs };
/** Attachments with their models that this process remembers. When it has this many, it forgets all. */
const maxRemembered = 1_000;

interface UpstreamEventsParts {
  teller: Pick<Teller, 'change' | 'once'>;
  clock: Pick<Clock, 'monotonic'>;
  storeNowMs: () => number;
}

interface Place {
  attachment: string;
  /** Null: all of them. */
  model: string | null;
}

/**
 * Tells that an attachment is down, has recovered, or refuses its key. Each process sees that for itself; the state in
 * the store has the first one tell it.
 */
export class UpstreamEvents {
  readonly #parts: UpstreamEventsParts;
  /** What is down as far as this process has seen, and when it may tell so again, monotonic. */
  readonly #down = new Map<string, number>();
  readonly #refused = new Map<string, number>();

  constructor(parts: UpstreamEventsParts) {
    this.#parts = parts;
  }

  /** An attachment fails. Called for each failure. */
  down({ attachment, model, cause, onlyTeam }: Outage): void {
    const of = placeName({ attachment, model });
    if (!this.#mayTell(this.#down, of, againAfterMs.down)) return;
    const data = { attachment, model, cause, only_team: onlyTeam };
    const event = { type: 'upstream.down', team: null, data } as const;
    this.#parts.teller.change(event, { of, from: '*', to: 'down', afterMs: betweenDownsMs });
  }

  /** A model of an attachment answers again. */
  recovered({ attachment, model }: { attachment: string; model: string }): void {
    this.#recovered({ attachment, model: null });
    this.#recovered({ attachment, model });
  }

  /** The upstream has refused the key. Called each time. */
  keyRefused({ attachment, status }: KeyRefused): void {
    if (!this.#mayTell(this.#refused, attachment, againAfterMs.key)) return;
    const { teller, storeNowMs } = this.#parts;
    const event = { type: 'upstream.key_refused', team: null, data: { attachment, status } } as const;
    teller.once(event, `key refused ${attachment}`, storeNowMs() + dayMs);
  }

  #recovered({ attachment, model }: Place): void {
    const of = placeName({ attachment, model });
    if (!this.#down.delete(of)) return;
    const event = {
      type: 'upstream.recovered',
      team: null,
      data: { attachment, model, down_for_s: 0 }, // the store knows for how long
    } as const;
    this.#parts.teller.change(event, { of, from: 'down', to: 'up', lastedField: 'down_for_s' });
  }

  #mayTell(told: Map<string, number>, what: string, againMs: number): boolean {
    const nowMs = this.#parts.clock.monotonic();
    if (nowMs < (told.get(what) ?? -Infinity)) return false;
    if (told.size >= maxRemembered) told.clear();
    told.set(what, nowMs + againMs);
    return true;
  }
}

function placeName({ attachment, model }: Place): string {
  return model === null ? `upstream ${attachment}` : `upstream ${attachment} ${model}`;
}
