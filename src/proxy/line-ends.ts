/**
 * Makes a line feed of every line end of a text that comes in chunks: CRLF, or a carriage return alone. Until the text has
 * shown that it uses the latter, a carriage return at the end of a chunk waits for its second half.
 */
export class LineEnds {
  /** The last byte may be half of a CRLF. */
  isPending = false;
  #usesCr = false;
  /** A line feed that comes next belongs to a line end that was told already. */
  #isTold = false;

  /** The next chunk, with line feeds only. */
  unified(text: string): string {
    if (!this.isPending && !this.#isTold && !text.includes('\r')) return text;
    if (text === '') return text;
    const own = (this.isPending ? '\r' : '') + (this.#isTold && text.startsWith('\n') ? text.slice(1) : text);
    this.#usesCr ||= /\r[^\n]/.test(own);
    const endsInCr = own.endsWith('\r');
    this.#isTold = endsInCr && this.#usesCr;
    this.isPending = endsInCr && !this.#usesCr;
    return (this.isPending ? own.slice(0, -1) : own).replace(/\r\n?/g, '\n');
  }
}
