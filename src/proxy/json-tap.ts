import type { Usage } from '../base/outcome.ts';
import { readUsage, textBytes } from '../upstream/usage.ts';

/** Answers up to this size are kept and read whole; of larger ones (embeddings, images) only the end. */
const wholeBytes = 262_144;
const tailBytes = 16_384;

/** Reads along with a plain JSON answer without touching it, in bounded memory. */
export class JsonTap {
  /** Whether the text in the answer was generated; otherwise it is the caller's own, given back. */
  readonly generated: boolean;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #whole = true;
  /** Undefined until the bytes so far have been searched. */
  #usage: Usage | null | undefined;

  constructor({ generated = true } = {}) {
    this.generated = generated;
  }

  /** Keeps the next bytes as far as they are needed. */
  feed(chunk: Buffer): void {
    this.#usage = undefined;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > wholeBytes) this.#whole = false;
    if (!this.#whole) this.#dropAllButEnd();
  }

  /** The usage reported in the answer; null if there is none. */
  usage(): Usage | null {
    if (this.#usage === undefined) {
      const text = this.#text();
      this.#usage = readUsage(this.#whole ? text : lastUsage(text));
    }
    return this.#usage;
  }

  /** Bytes of generated text in the answer, for the estimate if usage is absent. */
  textBytes(): number {
    return textBytes(this.#text());
  }

  /** Whole chunks only: nothing is copied. */
  #dropAllButEnd(): void {
    for (
      let [first] = this.#chunks;
      first && this.#bytes - first.length >= tailBytes;
      [first] = this.#chunks
    ) {
      this.#bytes -= first.length;
      this.#chunks.shift();
    }
  }

  #text(): string {
    const [first] = this.#chunks;
    if (first && this.#chunks.length === 1) return first.toString('latin1');
    return Buffer.concat(this.#chunks).toString('latin1');
  }
}

/**
 * An object around the last figures of a text that is the end of an answer: `"usage"`, or a rerank's. Inside a JSON string the quotes
 * would be escaped, so a match not preceded by a backslash is a key.
 */
function lastUsage(text: string): string {
  const figures = /(?<!\\)"(usage|billed_units)"\s*:\s*(\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})/g;
  const [, name, value = 'null'] = [...text.matchAll(figures)].at(-1) ?? [];
  if (name === undefined) return '';
  return name === 'usage' ? `{"usage":${value}}` : `{"meta":{"billed_units":${value}}}`;
}
