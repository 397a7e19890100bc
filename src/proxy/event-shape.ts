import type { JsonScanner } from './json-scanner.ts';

/**
 * The events of a stream differ in one text and nothing else. What goes before that text in the event that was scanned last,
 * and what comes after it, tells all there is to know of the next one that has the same: comparing costs an eighth of
 * scanning.
 */
export class EventShape {
  #before = '';
  #after = '';
  /** Since the last event of this shape. */
  #misses = 0;

  /** The bytes of the one text in an event of this shape; -1 if it has another, and must be scanned. */
  textBytesIn(event: string): number {
    const start = this.#before.length;
    const end = event.length - this.#after.length;
    if (start === 0 || end < start) return -1;
    if (event.slice(end) !== this.#after || event.slice(0, start) !== this.#before) return -1;
    if (!isPlain(event.slice(start, end))) return -1;
    this.#misses = 0;
    return end - start;
  }

  /** Learns the shape of an event that was scanned, and says nothing but one text. */
  learn(event: string, { textBytes, lastTextEnd, isWhole, finished }: JsonScanner): void {
    const end = lastTextEnd;
    const start = end - textBytes;
    if (!isWhole || finished || textBytes === 0 || event[start - 1] !== '"') return;
    if (!isPlain(event.slice(start, end))) return;
    // A stream whose events are all different is not worth it: after 1, 2, 4, 8… of them.
    this.#misses += 1;
    if ((this.#misses & (this.#misses - 1)) !== 0) return;
    this.#before = copied(event.slice(0, start));
    this.#after = copied(event.slice(end));
  }
}

/** Without the end of a string, or an escape. */
function isPlain(text: string): boolean {
  return !text.includes('"') && !text.includes('\\');
}

/** A slice would keep its whole chunk. */
function copied(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('latin1');
}
