import type { Clock } from '../base/clock.ts';
import { Refusal } from '../base/refusal.ts';

const minuteMs = 60_000;
/** Addresses kept at once, to bound memory; beyond them the oldest is forgotten. */
const maxAddresses = 50_000;
/** Lookups that may wait for others of an address that tries tokens. */
const maxWaiting = 100;
/** At so many times its share an address is not looked up for at all: the store has better things to do. */
const shutOutAt = 10;

interface Tries {
  refused: number;
  /** Lookups on their way: each may turn out to be refused. */
  running: number;
  waiting: (() => void)[];
}

/**
 * Counts refused credentials by client address, a minute at a time, in this process. Who tries tokens is told 429
 * and has its lookups done one after the other; a good token from the same address, which many people may share,
 * waits for its turn at most, unless there are tries by the hundred.
 */
export class AuthThrottle {
  readonly #perMinute: number;
  readonly #clock: Clock;
  #minute = 0;
  #tries = new Map<string, Tries>();

  constructor({ perMinute, clock }: { perMinute: number; clock: Clock }) {
    this.#perMinute = perMinute;
    this.#clock = clock;
  }

  /** Whether the address has had its share of this minute. */
  isOver(address: string): boolean {
    return (this.#current().get(address)?.refused ?? 0) >= this.#perMinute;
  }

  /** Looks a credential up for an address, and counts it where it is refused. */
  async guard<T>(address: string, lookUp: () => Promise<T | Refusal>): Promise<T | Refusal> {
    const tries = this.#of(address);
    if (tries.refused >= shutOutAt * this.#perMinute) return this.tooMany();
    if (!this.#hasRoom(tries)) {
      if (tries.waiting.length >= maxWaiting) return this.tooMany();
      await new Promise<void>((resolve) => {
        tries.waiting.push(resolve);
      });
    } else tries.running += 1;
    let found: T | Refusal;
    try {
      found = await lookUp();
      if (found instanceof Refusal) found = this.count(address, found);
    } finally {
      tries.running -= 1;
      this.#wake(tries);
    }
    return found;
  }

  /** Takes note of a refusal, and gives the answer: that refusal, or a 429 where there were too many already. */
  count(address: string, refusal: Refusal): Refusal {
    if (refusal.code === 'missing_token') return refusal; // who sends none tries none
    const tries = this.#of(address);
    const wasOver = tries.refused >= this.#perMinute;
    tries.refused += 1;
    // A page has to be told that its session has expired, or it gets no new one; anyone can write such a text.
    return wasOver && refusal.code !== 'expired_token' ? this.tooMany() : refusal;
  }

  /** The answer to an address that is over. */
  tooMany(): Refusal {
    const leftMs = (this.#minute + 1) * minuteMs - this.#clock.monotonic();
    const afterS = Math.max(1, Math.ceil(leftMs / 1000));
    const message = `Too many refused credentials came from your address. Check your token and try again in ${afterS} s.`;
    return new Refusal('rate_limit_exceeded', message, { headers: { 'retry-after': String(afterS) } });
  }

  #hasRoom({ refused, running }: Tries): boolean {
    return running === 0 || refused + running < this.#perMinute;
  }

  #wake(tries: Tries): void {
    while (tries.waiting.length > 0 && this.#hasRoom(tries)) {
      tries.running += 1;
      tries.waiting.shift()?.();
    }
  }

  #of(address: string): Tries {
    const current = this.#current();
    let tries = current.get(address);
    if (!tries) {
      tries = { refused: 0, running: 0, waiting: [] };
      if (current.size >= maxAddresses) current.delete(current.keys().next().value ?? '');
      current.set(address, tries);
    }
    return tries;
  }

  #current(): Map<string, Tries> {
    const minute = Math.floor(this.#clock.monotonic() / minuteMs);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#tries = new Map();
    }
    return this.#tries;
  }
}
