import type { Clock } from '../base/clock.ts';
import { secondsUntil } from '../base/refusal.ts';

/** The keys of an issuer are not available now. Says nothing about the token that needed them. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable';
  /** When to try again: whole seconds, at least 1. */
  readonly retryAfterS: number;
  /** Whether they were asked for. If not, it is too soon to ask again, which anybody can cause: not worth a log line. */
  readonly wasAsked: boolean;

  constructor(message: string, { retryAfterS = 1, wasAsked = true, cause }: KeysUnavailableDetails = {}) {
    super(message, { cause });
    this.retryAfterS = retryAfterS;
    this.wasAsked = wasAsked;
  }
}

interface KeysUnavailableDetails {
  retryAfterS?: number;
  wasAsked?: boolean;
  cause?: unknown;
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

  /** When the next fetch may begin: seconds from now, at least 1. */
  get openInS(): number {
    return secondsUntil(this.#openAtMs, this.#clock.monotonic());
  }

  /** Call before each fetch. Throws `KeysUnavailable` if the last one began less than `floorMs` ago. */
  begin(): void {
    const nowMs = this.#clock.monotonic();
    if (nowMs < this.#openAtMs) {
      const details = { retryAfterS: this.openInS, wasAsked: false };
      throw new KeysUnavailable('The last attempt is too recent for another.', details);
    }
    this.#openAtMs = nowMs + this.#floorMs;
  }
}
