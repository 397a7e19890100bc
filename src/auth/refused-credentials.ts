import type { Clock } from '../core/clock.ts';
import { Refusal } from '../core/refusal.ts';

const minuteMs = 60_000;
/** Addresses kept at once, to bound memory; beyond them the oldest is forgotten. */
const maxAddresses = 50_000;

/**
 * Counts refused credentials by client address, a minute at a time, in this process: who tries tokens is slowed down,
 * while a good token from the same address is not touched (many people may share one).
 */
export class RefusedCredentials {
  readonly #perMinute: number;
  readonly #clock: Clock;
  #minute = 0;
  #counts = new Map<string, number>();

  constructor({ perMinute, clock }: { perMinute: number; clock: Clock }) {
    this.#perMinute = perMinute;
    this.#clock = clock;
  }

  /** Whether the address has had its share of this minute. */
  isOver(address: string): boolean {
    return (this.#current().get(address) ?? 0) >= this.#perMinute;
  }

  /** Takes note of a refusal, and gives the answer: that refusal, or a 429 where there were too many already. */
  count(address: string, refusal: Refusal): Refusal {
    // Who sends none tries none, and a page whose session has expired is about to get a new one.
    if (refusal.code === 'missing_token' || refusal.code === 'expired_token') return refusal;
    const counts = this.#current();
    if (this.isOver(address)) return this.tooMany();
    const count = (counts.get(address) ?? 0) + 1;
    if (count === 1 && counts.size >= maxAddresses) counts.delete(counts.keys().next().value ?? '');
    counts.set(address, count);
    return refusal;
  }

  /** The answer to an address that is over. */
  tooMany(): Refusal {
    const leftMs = (this.#minute + 1) * minuteMs - this.#clock.monotonic();
    const afterS = Math.max(1, Math.ceil(leftMs / 1000));
    const message = `Too many refused credentials came from your address. Check your token and try again in ${afterS} s.`;
    return new Refusal('rate_limit_exceeded', message, { headers: { 'retry-after': String(afterS) } });
  }

  #current(): Map<string, number> {
    const minute = Math.floor(this.#clock.monotonic() / minuteMs);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#counts = new Map();
    }
    return this.#counts;
  }
}

/**
 * The client's address as Heroku's router saw it: it appends to what the client sent, so only the rightmost counts
 * (Dev Center, http-routing). Null where there is none.
 */
export function forwardedAddress(forwardedFor: string | string[] | undefined): string | null {
  const last =
    String(forwardedFor ?? '')
      .split(',')
      .at(-1)
      ?.trim() ?? '';
  return last === '' ? null : last.slice(0, 64);
}
