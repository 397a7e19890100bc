import type { Log } from '../base/log.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';

/** More than a process has attachments that fail at once. Beyond this, what is observed is not told. */
const mostUnderWay = 16;

/**
 * Tells what a process observes beside its work, such as an attachment that fails: nothing waits for it, and nothing fails
 * by it. While the store does not answer, nothing is told, and nothing is kept for later.
 */
export class Teller {
  readonly #log: Pick<Log, 'error'>;
  #underWay = 0;

  constructor(log: Pick<Log, 'error'>) {
    this.#log = log;
  }

  /** Begins to tell, unless too much is being told. `tell` may reject. */
  begin(tell: () => Promise<boolean>): void {
    if (this.#underWay >= mostUnderWay) return;
    this.#underWay += 1;
    void tell()
      .catch((error: unknown) => {
        if (!(error instanceof StoreUnavailable)) this.#log.error('an event could not be told', { error });
      })
      .finally(() => (this.#underWay -= 1));
  }
}
