import type { Usage } from '../base/outcome.ts';

/** Longest line looked into; of a longer one only the beginning is. Bounds the memory of a stream. */
const maxLineBytes = 1_048_576;

/**
 * Reads along with a stream of server-sent events without touching it: usage, the end mark, how much text went
 * by, and whether the bytes so far end between two events. Protocol code without I/O: feed it any split. What
 * events say is for the tap of each protocol.
 *
 * Heroku's frames carry event names and no space after the colon; others are accepted as well: with the space,
 * with CRLF, without names (heroku.md, "Streams").
 */
export abstract class StreamTap {
  /** Between two events: only here may something be inserted. */
  atBoundary = true;
  /** The end mark has gone by. */
  done = false;
  /** The answer is complete even if the end mark is missing. */
  finished = false;
  /** The upstream reported an error inside the stream, as its clients read it. */
  failed = false;
  /** As far as it has been reported. */
  usage: Usage | null = null;
  /** Bytes of generated text so far, and how many of them the usage accounts for. */
  textBytes = 0;
  reportedBytes = 0;

  /** The data that ends a stream; null if an event ends it. */
  protected readonly endMark: string | null = '[DONE]';
  #line = '';
  #data = '';

  /** Reads the data of one event, never empty. */
  protected abstract read(data: string): void;

  /** Reads the next bytes, wherever they were split. */
  feed(chunk: Buffer): void {
    // Latin-1 keeps one character a byte, so no split can break a character; only ASCII matters here.
    const text = chunk.toString('latin1');
    let start = 0;
    for (;;) {
      const end = text.indexOf('\n', start);
      if (end === -1) break;
      this.#extendLine(text.slice(start, end));
      this.#endLine();
      start = end + 1;
    }
    if (start === text.length) return;
    this.#extendLine(text.slice(start));
    this.atBoundary = false;
  }

  /** The stream has ended: reads a last line without a line end. */
  end(): void {
    if (this.#line !== '') this.#endLine();
    // An event without its blank line was cut short: what it says counts, but it cannot complete the answer.
    const { finished } = this;
    this.#endEvent();
    this.finished = finished;
  }

  #extendLine(part: string): void {
    // Not cut to size each time, which would copy the whole line for every chunk of it.
    if (this.#line.length < maxLineBytes) this.#line += part;
  }

  #endLine(): void {
    const line = this.#line.slice(0, maxLineBytes);
    this.#line = '';
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (text === '') {
      this.#endEvent();
      this.atBoundary = true;
      return;
    }
    this.atBoundary = false;
    if (!text.startsWith('data:')) return;
    const data = text.slice(text[5] === ' ' ? 6 : 5);
    // The end mark counts at its own line: a stream may stop before the blank line behind it.
    if (data === this.endMark) this.done = true;
    else if (this.#data.length < maxLineBytes)
      this.#data = this.#data === '' ? data : `${this.#data}\n${data}`;
  }

  #endEvent(): void {
    const data = this.#data;
    if (data === '') return;
    this.#data = '';
    this.read(data);
  }
}
