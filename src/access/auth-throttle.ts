import type { Clock } from '../base/clock.ts';
import { forwardedAddress } from '../base/client-address.ts';
import { Refusal, retryAfter, secondsUntil } from '../base/refusal.ts';

const minuteMs = 60_000;
/** How many addresses are kept, to bound memory; the oldest is forgotten first. */
const maxAddresses = 50_000;
/** How many lookups of an address that tries tokens may wait. */
const maxWaiting = 100;
/** At this many times its share, an address gets no more lookups at all: the store has better things to do. */
const shutOutAt = 10;

type ForwardedFor = string | string[] | undefined;

interface Tries {
  refused: number;
  /** Lookups under way: each may end in a refusal. */
  running: number;
  waiting: (() => void)[];
}

/**
 * Counts refused credentials by client address and minute. One for the whole process: the data plane, the admin API,
 * claim links and sign-in count together. An address that tries tokens gets 429s, and its lookups run one after the
 * other. Many people may share an address, so a good token only waits for its turn, unless there are hundreds of tries.
 *
 * `forwardedFor` is a request's `X-Forwarded-For`; requests without it are not limited.
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

  /** Whether the address has used its share of this minute. */
  isOver(forwardedFor: ForwardedFor): boolean {
    const address = forwardedAddress(forwardedFor);
    return address !== null && (this.#current().get(address)?.refused ?? 0) >= this.#perMinute;
  }

  /** Looks a credential up for an address, and counts it if it is refused. */
  async guard<T>(forwardedFor: ForwardedFor, lookUp: () => Promise<T | Refusal>): Promise<T | Refusal> {
    const address = forwardedAddress(forwardedFor);
    if (address === null) return lookUp();
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
      if (found instanceof Refusal) found = this.#counted(this.#of(address), found);
    } finally {
      tries.running -= 1;
      this.#wake(tries);
    }
    return found;
  }

  /** Counts a refusal, and returns the answer: that refusal, or a 429 if there were too many already. */
  count(forwardedFor: ForwardedFor, refusal: Refusal): Refusal {
    const address = forwardedAddress(forwardedFor);
    return address === null ? refusal : this.#counted(this.#of(address), refusal);
  }

  #counted(tries: Tries, refusal: Refusal): Refusal {
    if (refusal.code === 'missing_token') return refusal; // who sends none tries none
    const wasOver = tries.refused >= this.#perMinute;
    tries.refused += 1;
    // A page must be told that its session has expired, or it gets no new one; anyone can make up such a token.
    return wasOver && refusal.code !== 'expired_token' ? this.tooMany() : refusal;
  }

  /** The answer to an address that has used its share. */
  tooMany(): Refusal {
    const afterS = secondsUntil((this.#minute + 1) * minuteMs, this.#clock.monotonic());
    const message = `Too many refused credentials came from your address. Check your token and try again in ${afterS} s.`;
    return new Refusal('rate_limit_exceeded', message, { headers: retryAfter(afterS) });
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
