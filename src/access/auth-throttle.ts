import type { Clock } from '../base/clock.ts';
import { forwardedAddress, networkOf, type Sender } from '../base/client-address.ts';
import { Refusal, retryAfter, secondsUntil } from '../base/refusal.ts';

const minuteMs = 60_000;
/** How many addresses are kept, to bound memory; the oldest is forgotten first. */
const maxAddresses = 50_000;
/** How many lookups of an address may wait once it has used its share. Before that, connections are bound enough. */
const maxWaiting = 100;
/** At this many times its share, an address gets no more lookups at all if a router tells addresses apart. */
const shutOutAt = 10;

interface Tries {
  refused: number;
  /** Lookups under way: each may end in a refusal. */
  running: number;
  /** Each is told whether it may go on. */
  waiting: ((mayGoOn: boolean) => void)[];
}

/**
 * Counts refused credentials by client address and minute. One for the whole process: the data plane, the admin API,
 * claim links and sign-in count together. An address that tries tokens gets 429s, and its lookups run one after the
 * other. Many people may share an address, so a good token only waits for its turn.
 *
 * On a dyno the address is the one that the router saw, and hundreds of tries shut it out. Elsewhere it is the other end
 * of the connection, which may be a proxy that everybody comes through: nobody is shut out.
 */
export class AuthThrottle {
  readonly #perMinute: number;
  readonly #clock: Clock;
  readonly #onDyno: boolean;
  #minute = 0;
  #tries = new Map<string, Tries>();

  constructor({ perMinute, clock, onDyno }: { perMinute: number; clock: Clock; onDyno: boolean }) {
    this.#perMinute = perMinute;
    this.#clock = clock;
    this.#onDyno = onDyno;
  }

  /** Whether an address of its own has used its share of this minute. */
  isOver(sender: Sender): boolean {
    const address = this.#onDyno ? this.#addressOf(sender) : null;
    return address !== null && (this.#current().get(address)?.refused ?? 0) >= this.#perMinute;
  }

  /** Looks a credential up for an address, and counts it if it is refused. */
  async guard<T>(sender: Sender, lookUp: () => Promise<T | Refusal>): Promise<T | Refusal> {
    const address = this.#addressOf(sender);
    if (address === null) return lookUp();
    const tries = this.#of(address);
    if (this.#onDyno && tries.refused >= shutOutAt * this.#perMinute) return this.tooMany();
    if (!this.#hasRoom(tries)) {
      if (this.#isOver(tries) && tries.waiting.length >= maxWaiting) return this.tooMany();
      const mayGoOn = await new Promise<boolean>((resolve) => {
        tries.waiting.push(resolve);
      });
      if (!mayGoOn) return this.tooMany();
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
  count(sender: Sender, refusal: Refusal): Refusal {
    const address = this.#addressOf(sender);
    return address === null ? refusal : this.#counted(this.#of(address), refusal);
  }

  #counted(tries: Tries, refusal: Refusal): Refusal {
    // Who sends none tries none, and a key is not found by trying.
    if (refusal.code === 'missing_token' || refusal.code === 'invalid_dpop_proof') return refusal;
    const wasOver = this.#isOver(tries);
    tries.refused += 1;
    if (this.#isOver(tries)) for (const turnAway of tries.waiting.splice(maxWaiting)) turnAway(false);
    // A page must be told that its session has expired, or it gets no new one; anyone can make up such a token.
    return wasOver && refusal.code !== 'expired_token' ? this.tooMany() : refusal;
  }

  /** The answer to an address that has used its share. */
  tooMany(): Refusal {
    const afterS = secondsUntil((this.#minute + 1) * minuteMs, this.#clock.monotonic());
    const message = `Too many refused credentials came from your address. Check your token and try again in ${afterS} s.`;
    return new Refusal('rate_limit_exceeded', message, { headers: retryAfter(afterS) });
  }

  /** Null if it is not known: such a sender is not limited. */
  #addressOf({ forwardedFor, peer }: Sender): string | null {
    const address = this.#onDyno ? forwardedAddress(forwardedFor) : (peer ?? null);
    return address === null ? null : networkOf(address);
  }

  #isOver({ refused }: Tries): boolean {
    return refused >= this.#perMinute;
  }

  #hasRoom({ refused, running }: Tries): boolean {
    return running === 0 || refused + running < this.#perMinute;
  }

  #wake(tries: Tries): void {
    while (tries.waiting.length > 0 && this.#hasRoom(tries)) {
      tries.running += 1;
      tries.waiting.shift()?.(true);
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
