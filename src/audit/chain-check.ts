import { z } from 'zod';
import { isJsonObject, type JsonObject, parsedJson } from '../base/request.ts';
import { canonical } from './canonical.ts';
import { hashOf, type Head, noHead } from './chain.ts';
import { erasure, isInRanges } from './erased.ts';

/** The first entry, by number, that is not what was written. */
interface Flaw {
  sequence: number;
  kind: 'altered' | 'dropped' | 'reordered';
  why: string;
}

export interface Verdict {
  /** How many entries were checked. */
  entries: number;
  /** How many of them a person was erased from: of these, the hash was checked, but not the text. */
  erased: number;
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
  isErased: boolean;
}

/**
 * Checks a trail that is fed newest entry first, and keeps only one entry in memory. `heads` maps the numbers of
 * logged heads to their hashes. Does no I/O.
 */
export class ChainCheck {
  readonly #heads: ReadonlyMap<number, string>;
  #entries = 0;
  #compared = 0;
  #erased = 0;
  /** The numbers that erasures name, as they do. An erasure is newer than what it erases. */
  readonly #erasures: string[] = [];
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
    if (entry.isErased) this.#checkErased(entry);
    if (response['operation'] === erasure) this.#erasures.push(rangesIn(response));
    if (this.#newer) this.#follows(entry, this.#newer);
    else this.#head = { sequence: entry.sequence, hash: entry.hash };
    this.#newer = entry;
    this.#compare(entry);
  }

  /** The number of the entry that was fed last; null before the first one. */
  get reached(): number | null {
    return this.#newer?.sequence ?? null;
  }

  /** What was found so far; older entries were not fed. */
  soFar(): Verdict {
    return {
      entries: this.#entries,
      erased: this.#erased,
      heads: this.#compared,
      head: this.#head,
      flaw: this.#flaw,
    };
  }

  /** Ends the check: there are no older entries, or they are not here and the first one here follows `anchor`. */
  end(anchor: Head = noHead): Verdict {
    if (this.#newer) this.#follows({ ...anchor, text: '', isErased: false }, this.#newer);
    const newest = this.#head?.sequence ?? 0;
    let latest = 0;
    for (const sequence of this.#heads.keys()) latest = Math.max(latest, sequence);
    if (latest > newest) {
      this.#found(newest + 1, 'dropped', `the log has heads up to entry ${latest}, the trail ends before`);
    }
    return this.soFar();
  }

  #checkErased({ sequence }: Read): void {
    this.#erased += 1;
    if (this.#erasures.some((ranges) => isInRanges(ranges, sequence))) return;
    this.#found(sequence, 'altered', 'it is marked as erased, and no later entry says so');
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
    } else if (newer.text !== '' && !newer.isErased && hashOf(older.hash, newer.text) !== newer.hash) {
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
    return { sequence: Math.max(1, missing), hash: hashText, text: '', isErased: false };
  }
  return { sequence, hash: hashText, text: canonical(entry), isErased: entry['erased'] === true };
}

function rangesIn({ after }: JsonObject): string {
  const ranges = isJsonObject(after) ? after['erased'] : '';
  return typeof ranges === 'string' ? ranges : '';
}

/** Stands for a hash when a log has two hashes for one number; equals no hash. */
const contradictory = 'contradictory';

const headLine = z.object({ msg: z.literal('audit head'), sequence: z.int(), hash: z.string() });

/**
 * Collects the heads of the audit trail from the lines of a log: number to hash. A line of the gateway may have a
 * prefix from a log drain, such as `2026-01-31T12:00:00+00:00 app[web.1]:`. All other lines are skipped, also those
 * that quote such a line: the router logs what clients write into a path or `X-Forwarded-For`.
 */
export class LoggedHeads {
  readonly #heads = new Map<number, string>();

  get heads(): ReadonlyMap<number, string> {
    return this.#heads;
  }

  read(line: string): void {
    // Most lines have no head, and parsing them is slow.
    if (!line.includes('"audit head"')) return;
    const start = line.indexOf('{');
    if (start < 0 || !isOfDrain(line.slice(0, start))) return;
    const { data: head } = headLine.safeParse(parsedJson(line.slice(start)));
    if (!head) return;
    const known = this.#heads.get(head.sequence);
    this.#heads.set(head.sequence, known === undefined || known === head.hash ? head.hash : contradictory);
  }
}

/** Whether a log drain may have put this before a line: `…time app[web.1]:`, or as RFC 5424 `…time host app web.1 - -`. */
function isOfDrain(prefix: string): boolean {
  if (prefix === '') return true;
  // The router's lines are of `name=value` and quotes.
  if (/[="]/.test(prefix)) return false;
  const words = prefix.trim().split(/\s+/);
  const end = words.findIndex((word) => word.endsWith(':') || word === '-' || word === '|');
  return end >= 0 && words.slice(end + 1).every((word) => word === '-');
}
