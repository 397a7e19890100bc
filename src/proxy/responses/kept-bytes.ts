import { Refusal } from '../../base/refusal.ts';

/** An answer that is translated is kept until its end: its items are told once more then. With the room for that. */
const maxBytes = 32 * 1_048_576;
/** What is kept is counted in steps of this, and not at all below the first. */
const stepBytes = 16_384;

/** Counts what is kept of an answer in the caller's share of memory. */
export class KeptBytes {
  readonly #keeps: (bytes: number) => Refusal | null;
  #counted = 0;

  constructor(keeps: (bytes: number) => Refusal | null) {
    this.#keeps = keeps;
  }

  /** So many are kept now. A refusal if that is too much. */
  are(bytes: number): Refusal | null {
    const counted = Math.floor(bytes / stepBytes) * stepBytes;
    if (counted === this.#counted) return null;
    this.#counted = counted;
    return bytes > maxBytes ? tooLarge() : this.#keeps(counted);
  }
}

function tooLarge(): Refusal {
  return new Refusal('upstream_error', 'The answer is too long to be translated to a response.');
}
