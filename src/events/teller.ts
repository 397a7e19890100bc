import type { Log } from '../base/log.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';
import type { Outbox } from './outbox.ts';

/** More than a process has attachments that fail at once. Beyond this, what is observed is not told. */
const mostUnderWay = 16;

/**
 * Tells what a process observes beside its work, such as an attachment that fails: nothing waits for it, and nothing fails
 * by it. While the store does not answer, nothing is told, and nothing is kept for later.
 */
export class Teller {
  readonly #outbox: Pick<Outbox, 'once' | 'change'>;
  readonly #log: Pick<Log, 'error'>;
  #underWay = 0;

  constructor(outbox: Pick<Outbox, 'once' | 'change'>, log: Pick<Log, 'error'>) {
    this.#outbox = outbox;
    this.#log = log;
  }

  /** Begins what `Outbox.once` does. */
  once(...args: Parameters<Outbox['once']>): void {
    this.#begin(() => this.#outbox.once(...args));
  }

  /** Begins what `Outbox.change` does. */
  change(...args: Parameters<Outbox['change']>): void {
    this.#begin(() => this.#outbox.change(...args));
  }

  #begin(tell: () => Promise<boolean>): void {
    if (this.#underWay >= mostUnderWay) return;
    this.#underWay += 1;
    void tell()
      .catch((error: unknown) => {
        if (!(error instanceof StoreUnavailable)) this.#log.error('an event could not be told', { error });
      })
      .finally(() => (this.#underWay -= 1));
  }
}
