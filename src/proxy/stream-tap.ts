import { isRecord, parsedJson } from '../base/request.ts';
import type { Usage } from '../base/outcome.ts';
import { reportsError } from '../upstream/answer.ts';
import { EventShape } from './event-shape.ts';
import { JsonScanner } from './json-scanner.ts';
import { LineEnds } from './line-ends.ts';

/** Longer data is not kept, only read as it comes. Bounds the memory of a stream. */
const maxKept = 65_536;
const byteOrderMark = '\u00ef\u00bb\u00bf';
const bytesPerToken = 4;
/** For events that are kept, each of which it reads in one go: one for all streams. */
const scanner = new JsonScanner();
const isErrorName = /^event: ?error$/;

/**
 * Reads along with a stream of server-sent events without touching it: usage, errors, the end mark, how much text went
 * by, and whether the bytes so far end between two events. Protocol code without I/O: feed it any split. What
 * events say is for the tap of each protocol.
 *
 * Heroku's frames carry event names and no space after the colon; others are accepted as well: with the space, without
 * names, and with every line end and the byte order mark that the HTML standard allows (§9.2.5).
 */
export abstract class StreamTap {
  /** Between two events: only here may something be inserted. */
  atBoundary = true;
  /** The end mark has gone by. */
  done = false;
  /** The answer is complete even if the end mark is missing. */
  finished = false;
  /** The upstream reported an error inside the stream. */
  failed = false;
  /** As far as it has been reported. */
  usage: Usage | null = null;
  /** Generated text so far: its bytes, and the deltas and messages that had some. */
  textBytes = 0;
  pieces = 0;

  /** The data that ends a stream; null if an event ends it. */
  protected readonly endMark: string | null = '[DONE]';
  /** Whether a finish reason completes the answer. */
  protected readonly endsWithReason: boolean = false;
  /** Whether events are read even if they hold nothing but generated text. */
  protected readonly readsAll: boolean = false;
  /** What the usage accounts for. */
  #reported = { textBytes: 0, pieces: 0 };
  readonly #shape = new EventShape();
  /** A line whose end has not come. */
  #line = '';
  #data = '';
  /** Where the data begins and the event, in the bytes that are read; -1 if they began earlier. */
  #dataAt = -1;
  #eventAt = -1;
  /** The last event was whole, and said nothing but generated text. */
  #saysOnlyText = false;
  #isErrorEvent = false;
  /** Reads the current event if it is too long to be kept. */
  #long: JsonScanner | null = null;
  /** What the current line is if it is not kept. */
  #unkept: 'data' | 'other' | null = null;
  #isBegin = true;
  readonly #lineEnds = new LineEnds();
  /** An error was told so that clients notice it. */
  #toldError = false;
  /** The stream ended inside an event that mattered. */
  #isCutShort = false;

  /** Reads an event that says more than text; of a long one, only its small fields. */
  protected abstract read(event: Record<string, unknown>): void;

  /** Whether the text in an event was generated. */
  protected isGenerated(_event: Record<string, unknown>): boolean {
    return true;
  }

  /** Whether clients notice an error told so; `isNamed`: its event is named `error`. If not, it is told again. */
  protected isNoticed(event: Record<string, unknown> | null, _isNamed: boolean): boolean {
    return Boolean(event?.['error']);
  }

  /** Output that no usage accounts for: four bytes a token, but no delta is less than one. */
  get unreportedTokens(): number {
    const bytes = this.textBytes - this.#reported.textBytes;
    return Math.max(Math.ceil(bytes / bytesPerToken), this.pieces - this.#reported.pieces);
  }

  /** After the end: whether it came when the answer was complete. */
  get isComplete(): boolean {
    return this.done || ((this.finished || this.#toldError) && !this.#isCutShort);
  }

  /** Usage accounts for all text so far. */
  protected report(usage: Usage): void {
    this.usage = usage;
    this.#reported = { textBytes: this.textBytes, pieces: this.pieces };
  }

  /** Reads the next bytes, wherever they were split. */
  feed(latin1: string): void {
    this.#read(this.#lineEnds.unified(latin1));
    if (this.#lineEnds.isPending) this.atBoundary = false;
  }

  #read(text: string): void {
    let start = 0;
    for (;;) {
      if (this.atBoundary) start = this.#passKnown(text, start);
      const end = text.indexOf('\n', start);
      if (end === -1) break;
      if (this.#line === '' && this.#unkept === null) this.#readLine(text, start, end);
      else this.#endSplitLine(text.slice(start, end));
      start = end + 1;
    }
    this.#eventAt = -1;
    if (start === text.length) return;
    this.#extendLine(text.slice(start));
    this.atBoundary = false;
  }

  /** The stream has ended: reads a last line without a line end, and a last event without its blank line. */
  end(): void {
    if (this.#lineEnds.isPending) this.#read('\n');
    if (this.#line !== '' || this.#unkept !== null) this.#endSplitLine('');
    if (this.atBoundary) return;
    // Many clients drop such an event. What it says counts, but it cannot complete the answer.
    const { finished } = this;
    const wasOver = finished || this.#toldError;
    const isWhole = this.#endEvent();
    this.#isCutShort = !isWhole || !wasOver;
    this.finished = finished;
  }

  /** Counts the events of a known shape at `start`, without reading them. Returns where the first other one begins. */
  #passKnown(text: string, start: number): number {
    let at = start;
    while (at < text.length) {
      const textBytes = this.#shape.textBytesAt(text, at);
      if (textBytes === -1) break;
      this.textBytes += textBytes;
      if (textBytes > 0) this.pieces += 1;
      at += this.#shape.frameBytes + textBytes;
    }
    this.#eventAt = at;
    return at;
  }

  /** Learns the event that was scanned last, and ends at `end`. */
  #learn(text: string, end: number): void {
    if (this.#eventAt === -1 || this.#dataAt === -1) return;
    const { lastTextEnd, textBytes } = scanner;
    const textEnd = this.#dataAt + lastTextEnd;
    this.#shape.learn(text, { at: this.#eventAt, textAt: textEnd - textBytes, textEnd, end });
  }

  #extendLine(part: string): void {
    if (this.#unkept !== null) {
      if (this.#unkept === 'data') this.#long?.feed(part);
      return;
    }
    this.#line += part;
    if (this.#line.length <= maxKept) return;
    const line = this.#withoutMark(this.#line);
    this.#line = '';
    this.#unkept = line.startsWith('data:') ? 'data' : 'other';
    if (this.#unkept === 'data') this.#readLong(line, 5);
  }

  #endSplitLine(part: string): void {
    this.#extendLine(part);
    if (this.#unkept !== null) {
      this.#unkept = null;
      this.#isBegin = false;
      this.atBoundary = false;
      return;
    }
    const line = this.#line;
    this.#line = '';
    this.#readLine(line, 0, line.length);
  }

  #withoutMark(line: string): string {
    return this.#isBegin && line.startsWith(byteOrderMark) ? line.slice(byteOrderMark.length) : line;
  }

  /** Reads the line from `start` to `end` of a text: cutting it out first would cost as much as reading it. */
  #readLine(text: string, start: number, end: number): void {
    if (this.#isBegin) {
      this.#isBegin = false;
      if (text.startsWith(byteOrderMark, start)) {
        this.#eventAt = -1; // another event that looked like this one would not be one
        this.#readLine(text, start + byteOrderMark.length, end);
        return;
      }
    }
    if (start === end) {
      this.#endEvent();
      if (this.#saysOnlyText) this.#learn(text, end + 1);
      this.atBoundary = true;
      return;
    }
    this.atBoundary = false;
    if (text.startsWith('data:', start)) this.#readData(text, start + 5, end);
    else if (text.startsWith('event', start)) {
      this.#isErrorEvent = text.endsWith('error', end) && isErrorName.test(text.slice(start, end));
    }
  }

  #readData(text: string, from: number, end: number): void {
    const start = text[from] === ' ' ? from + 1 : from;
    const data = text.slice(start, end);
    // The end mark counts at its own line: a stream may stop before the blank line behind it.
    if (data === this.endMark) {
      this.done = true;
    } else if (this.#long !== null || this.#data.length + data.length > maxKept) {
      this.#readLong(text.slice(0, end), start);
    } else if (this.#data === '') {
      this.#data = data;
      this.#dataAt = start;
    } else {
      this.#dataAt = -1;
      this.#data += `\n${data}`;
    }
  }

  #readLong(text: string, start: number): void {
    if (this.#long === null) {
      this.#long = new JsonScanner({ sketches: true });
      this.#long.feed(this.#data);
    }
    this.#long.feed('\n');
    this.#long.feed(text.slice(start));
  }

  /** Whether there was an event, and it was not cut short. */
  #endEvent(): boolean {
    this.#saysOnlyText = false;
    const isWhole = this.#readEvent();
    this.#isErrorEvent = false;
    return isWhole;
  }

  #readEvent(): boolean {
    if (this.#isErrorEvent) this.#fail(null);
    if (this.#long !== null) return this.#endLong(this.#long);
    const data = this.#data;
    if (data === '') return true;
    this.#data = '';
    return this.#scan(data);
  }

  #endLong(long: JsonScanner): boolean {
    this.#long = null;
    this.#data = '';
    this.#add(long, parsedJson(long.sketch));
    return long.isWhole;
  }

  /** Nearly all events hold generated text alone. Only others are parsed, which costs three times as much. */
  #scan(data: string): boolean {
    scanner.begin();
    scanner.feed(data);
    const { hasGenerated, hasError, hasUsage } = scanner;
    if (hasGenerated && !hasError && !hasUsage && !this.readsAll) {
      this.#saysOnlyText = !scanner.finished && scanner.textBytes > 0 && scanner.isWhole;
      this.#add(scanner, null);
    } else {
      this.#add(scanner, parsedJson(data));
    }
    return scanner.isWhole;
  }

  #add({ textBytes, pieces, finished, hasError }: JsonScanner, event: unknown): void {
    if (!isRecord(event) || this.isGenerated(event)) {
      this.textBytes += textBytes;
      this.pieces += pieces;
    }
    if (finished && this.endsWithReason) this.finished = true;
    if (!isRecord(event)) return;
    // An error that is left out of a sketch is a long one.
    if (reportsError(event) || (hasError && event['error'] === undefined)) this.#fail(event);
    this.read(event);
  }

  #fail(event: Record<string, unknown> | null): void {
    this.failed = true;
    if (this.isNoticed(event, this.#isErrorEvent)) this.#toldError = true;
  }
}
