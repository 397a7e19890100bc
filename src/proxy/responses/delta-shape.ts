import { copied } from '../event-shape.ts';

const quote = 0x22;
const backslash = 0x5c;
const firstPrintable = 0x20;
const letterU = 0x75;
const shortEscape = /["\\/bfnrt]/;
/** Of an event without its text: more of the same is not worth its memory. */
const maxShape = 4_096;
const longEscape = /^[0-9a-fA-F]{4}$/;

/**
 * Events that differ in one text and nothing else say the same about it: the last one that was read tells all about the
 * next. Comparing costs a fraction of parsing. Unlike `EventShape`, which only counts, it takes texts with escapes.
 */
export class DeltaShape {
  #before = '';
  #after = '';

  /** Where the text begins in an event that begins at `at`. */
  textAt(at: number): number {
    return at + this.#before.length;
  }

  /** Where the event ends whose text ends at `textEnd`. */
  endAt(textEnd: number): number {
    return textEnd + this.#after.length;
  }

  /** Where the text ends in the event that begins at `at`; -1 if it is of another shape, or has not come whole. */
  textEnd(chunk: string, at: number): number {
    const start = this.textAt(at);
    if (start === at || chunk.slice(at, start) !== this.#before) return -1;
    const end = stringEnd(chunk, start);
    return end !== -1 && chunk.slice(end, this.endAt(end)) === this.#after ? end : -1;
  }

  /** Learns an event with its blank line, in which `raw` is the only text; nothing if it might be something else, too. */
  learn(event: string, raw: string): void {
    if (event.length - raw.length > maxShape) return;
    const quoted = `"${raw}"`;
    const at = event.indexOf(quoted);
    if (at === -1 || event.includes(quoted, at + 1)) return;
    this.#before = copied(event.slice(0, at + 1));
    this.#after = copied(event.slice(at + 1 + raw.length));
  }
}

/** Where a JSON string ends whose text begins at `start`; -1 if it does not, or is none. */
function stringEnd(text: string, start: number): number {
  const { length } = text;
  for (let at = start; at < length; at += 1) {
    const char = text.charCodeAt(at);
    if (char === quote) return at;
    if (char < firstPrintable) return -1;
    if (char !== backslash) continue;
    at += 1;
    if (text.charCodeAt(at) === letterU) {
      if (!longEscape.test(text.slice(at + 1, at + 5))) return -1;
      at += 4;
    } else if (!shortEscape.test(text.charAt(at))) {
      return -1;
    }
  }
  return -1;
}
