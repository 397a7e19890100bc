import type { Dispatcher } from 'undici';
import type { ForwardOutcome } from '../base/outcome.ts';
import type { JsonObject } from '../base/request.ts';
import { JoinedEmbeddings } from './joined-embeddings.ts';
import { PartByPart } from './part-by-part.ts';

export interface SplitOptions {
  parts: readonly JsonObject[];
  /** The most that the answers may come to. */
  maxBytes: number;
}

/** A request for more embeddings than the upstream gives at once: sent as several, charged and answered as one. */
export class SplitEmbeddings {
  readonly #options: SplitOptions;
  readonly #joined = new JoinedEmbeddings();

  constructor(options: SplitOptions) {
    this.#options = options;
  }

  /** Some parts are answered: they are paid for, whatever becomes of the others. */
  get hasBegun(): boolean {
    return this.#joined.answers > 0;
  }

  /**
   * What sends it to `target`, as one request; where an earlier one broke off, from the part that failed there.
   * `sendsAnother` is told of each part but the first.
   */
  over(target: Pick<Dispatcher, 'dispatch'>, sendsAnother: () => void): PartByPart {
    return new PartByPart({ ...this.#options, target, sendsAnother, joined: this.#joined });
  }

  /**
   * How it ended, as far as paying goes: what would have been refunded, had the upstream not answered some of the parts
   * before it refused another, is charged for those.
   */
  charged(outcome: ForwardOutcome): ForwardOutcome {
    const isRefunded = outcome.ending === 'not_taken' || outcome.ending === 'rejected';
    if (!isRefunded || this.#joined.answers === 0) return outcome;
    return { ...outcome, ending: 'broken', usage: this.#joined.used, accepted: true };
  }
}
