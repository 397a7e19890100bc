import { Refusal, retryAfter } from '../base/refusal.ts';

/** How many readings of one token may wait for each other. */
const maxWaiting = 8;

/** A reading of the ledger goes through everybody's rows, so a token has one at a time. */
export class ReadingTurns {
  /** The last reading of each token that is being read for, and how many there are. */
  readonly #readings = new Map<string, { last: Promise<unknown>; count: number }>();

  /** Reads for a token when it is its turn; a 429 if too many are waiting. */
  async take<T>(token: string, read: () => Promise<T>): Promise<T | Refusal> {
    const before = this.#readings.get(token) ?? { last: Promise.resolve(), count: 0 };
    if (before.count >= maxWaiting) return tooMany();
    const reading = before.last.then(read, read);
    this.#readings.set(token, { last: reading, count: before.count + 1 });
    try {
      return await reading;
    } finally {
      const now = this.#readings.get(token);
      if (now === undefined || now.count <= 1) this.#readings.delete(token);
      else this.#readings.set(token, { ...now, count: now.count - 1 });
    }
  }
}

function tooMany(): Refusal {
  const message = 'The records of this token are being read several times already; wait for those answers.';
  return new Refusal('rate_limit_exceeded', message, { headers: retryAfter(1) });
}
