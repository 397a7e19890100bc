import type { Clock } from '../base/clock.ts';

/** The keys of an issuer are not available now. Says nothing about the token that needed them. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable';
}

/**
 * Keeps fetches at least `floorMs` apart, whether they succeed or fail, so that a flood of tokens never becomes a
 * flood of fetches to an issuer that is down.
 */
export class AttemptFloor {
  readonly #clock: Clock;
  readonly #floorMs: number;
  #openAtMs = -Infinity;

  constructor(clock: Clock, floorMs: number) {
    this.#clock = clock;
    this.#floorMs = floorMs;
  }

  /** Call before each fetch. Throws `KeysUnavailable` if the last one began less than `floorMs` ago. */
  begin(): void {
    const nowMs = this.#clock.monotonic();
    if (nowMs < this.#openAtMs) throw new KeysUnavailable('The last attempt is too recent for another.');
    this.#openAtMs = nowMs + this.#floorMs;
  }
}
