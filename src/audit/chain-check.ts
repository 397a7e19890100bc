import type { JsonObject } from '../base/request.ts';
import { canonical, hashOf } from './chain.ts';

/** The first entry, by number, that is not what was written. */
export interface Flaw {
  sequence: number;
  kind: 'altered' | 'dropped' | 'reordered';
  why: string;
}

export interface Verdict {
  /** How many entries were checked. */
  entries: number;
  /** How many of the heads given were compared. */
  heads: number;
  /** The number and the hash of the newest entry; null if there is none. */
  head: { sequence: number; hash: string } | null;
  /** Null if the trail is intact. */
  flaw: Flaw | null;
}

/** An entry that can be read as one. */
interface Read {
  sequence: number;
  hash: string;
  /** The text that the hash must cover. */
  text: string;
}

/**
 * Checks a trail that is fed newest entry first, and keeps only one entry in memory. `heads` maps the numbers of
 * logged heads to their hashes. Does no I/O.
 */
export class ChainCheck {
  readonly #heads: ReadonlyMap<number, string>;
  #entries = 0;
  #compared = 0;
  #head: Verdict['head'] = null;
  /** The entry fed last; the next one is older. */
  #newer: Read | null = null;
  #flaw: Flaw | null = null;
  /** The lowest number found behind one that is not lower. */
  #displaced = Infinity;

  constructor(heads: ReadonlyMap<number, string> = new Map()) {
    this.#heads = heads;
  }

  /** Feeds the next older entry, in the form of the admin API. */
  older(response: JsonObject): void {
    this.#entries += 1;
    const entry = readEntry(response, (this.#newer?.sequence ?? 1) - 1);
    if (entry.text === '') this.#found(entry.sequence, 'altered', 'it cannot be read as an entry');
    if (this.#newer) this.#follows(entry, this.#newer);
    else this.#head = { sequence: entry.sequence, hash: entry.hash };
    this.#newer = entry;
    this.#compare(entry);
  }

  /** Ends the check: there are no older entries. */
  end(): Verdict {
    if (this.#newer) this.#follows({ sequence: 0, hash: '', text: '' }, this.#newer);
    const newest = this.#head?.sequence ?? 0;
    let latest = 0;
    for (const sequence of this.#heads.keys()) latest = Math.max(latest, sequence);
    if (latest > newest) {
      this.#found(newest + 1, 'dropped', `the log has heads up to entry ${latest}, the trail ends before`);
    }
    return { entries: this.#entries, heads: this.#compared, head: this.#head, flaw: this.#flaw };
  }

  #compare({ sequence, hash }: Read): void {
    const logged = this.#heads.get(sequence);
    if (logged === undefined) return;
    this.#compared += 1;
    if (logged !== hash) this.#found(sequence, 'altered', 'its hash is not the one in the log');
  }

  #follows(older: Read, newer: Read): void {
    const expected = older.sequence + 1;
    if (newer.sequence < expected) {
      this.#displaced = Math.min(this.#displaced, newer.sequence);
      this.#found(newer.sequence, 'reordered', `it comes after entry ${older.sequence}`);
    } else if (newer.sequence > expected) {
      const isElsewhere = this.#displaced === expected;
      this.#found(
        expected,
        isElsewhere ? 'reordered' : 'dropped',
        isElsewhere ? 'it is in another position' : `the next one there is ${newer.sequence}`,
      );
    } else if (newer.text !== '' && hashOf(older.hash, newer.text) !== newer.hash) {
      this.#found(newer.sequence, 'altered', 'it does not fit its hash and the entry before');
    }
  }

  #found(sequence: number, kind: Flaw['kind'], why: string): void {
    if (this.#flaw === null || sequence <= this.#flaw.sequence) this.#flaw = { sequence, kind, why };
  }
}

/** An unreadable entry takes the number that is missing at its position. */
function readEntry({ hash, ...entry }: JsonObject, missing: number): Read {
  const { sequence } = entry;
  const hashText = typeof hash === 'string' ? hash : '';
  if (typeof sequence !== 'number' || !Number.isSafeInteger(sequence) || sequence < 1) {
    return { sequence: Math.max(1, missing), hash: hashText, text: '' };
  }
  return { sequence, hash: hashText, text: canonical(entry) };
}
