import { Refusal } from '../../base/refusal.ts';
import { isRecord } from '../../base/request.ts';
import { reportsError } from '../../upstream/answer.ts';
import { LineEnds } from '../line-ends.ts';
import type { OwnEvents, StreamRewriter } from '../stream-rewriter.ts';
import { DeltaShape } from './delta-shape.ts';
import { KeptBytes } from './kept-bytes.ts';
import { parsedRaw, rawText, textOf } from './raw-json.ts';
import { readChat } from './read-chat.ts';
import { ResponseEvents, type ResponseOptions } from './response-events.ts';
import type { ResponseItem } from './response-item.ts';
import { toldError } from './told-error.ts';

const maxMessageLength = 1_000;
const byteOrderMark = '\u00ef\u00bb\u00bf';
const endMark = '[DONE]';

/** Makes a stream of a response's events from one of chat completions. */
export class ResponseStream implements StreamRewriter, OwnEvents {
  readonly ownEvents: OwnEvents = this;
  trouble: Refusal | null = null;
  isError = false;
  readonly #response: ResponseEvents;
  readonly #lineEnds = new LineEnds();
  /** An event that has not come whole. */
  #unfinished = '';
  #endsInLineEnd = false;
  /** What the last delta was for, and the shape that it had. */
  readonly #shape = new DeltaShape();
  #shapedItem: ResponseItem | null = null;
  #isBegin = true;
  /** The end mark has been read, or an error: nothing counts after it. */
  #isOver = false;
  #hasEnded = false;
  readonly #kept: KeptBytes;

  /** `keeps`: so many bytes are kept in memory now; a refusal if there is no room. */
  constructor(options: ResponseOptions, keeps: (bytes: number) => Refusal | null) {
    this.#response = new ResponseEvents(options);
    this.#kept = new KeptBytes(keeps);
  }

  rewrite(chunk: string, isDone: boolean): string {
    if (!this.#isOver) this.#read(this.#lineEnds.unified(chunk));
    if (isDone) this.#complete();
    return this.#response.take();
  }

  rest(isComplete: boolean): string {
    if (isComplete) {
      if (!this.#isOver) this.#readEvent(this.#unfinished);
      this.#complete();
    }
    return this.#response.take();
  }

  failure(refusal: Refusal): string {
    if (!this.#hasEnded) this.#response.failStream(toldError(refusal));
    this.#end();
    return this.#response.take();
  }

  #complete(): void {
    if (this.#hasEnded || this.trouble !== null) return;
    this.#isOver = true;
    this.#end();
    this.#response.completeStream();
  }

  /** What was kept is told now, and waits for the reader if anything does. */
  #end(): void {
    this.#hasEnded = true;
    this.#kept.are(0);
  }

  #read(chunk: string): void {
    if (this.#unfinished === '') this.#readEvents(chunk);
    else if (this.#endsEvent(chunk)) this.#readEvents(this.#unfinished + chunk);
    else this.#unfinished += chunk;
    const refusal = this.#kept.are(this.#response.keptBytes + this.#unfinished.length);
    if (refusal !== null) this.#fail(refusal);
  }

  /** Whether a chunk ends the event under way. A long one that comes in small pieces is not searched again with each. */
  #endsEvent(chunk: string): boolean {
    const isEnd = this.#endsInLineEnd && chunk.startsWith('\n');
    if (chunk !== '') this.#endsInLineEnd = chunk.endsWith('\n');
    return isEnd || chunk.includes('\n\n');
  }

  #readEvents(text: string): void {
    let at = 0;
    while (!this.#isOver) {
      const next = this.#passDelta(text, at);
      if (next !== -1) {
        at = next;
        continue;
      }
      const end = text.indexOf('\n\n', at);
      if (end === -1) break;
      this.#readEvent(text.slice(at, end + 2));
      at = end + 2;
    }
    this.#unfinished = at === text.length ? '' : text.slice(at);
    this.#endsInLineEnd = this.#unfinished.endsWith('\n');
  }

  /** Tells a delta of the shape that is known. Returns where it ends; -1 if it is something else. */
  #passDelta(text: string, at: number): number {
    const item = this.#shapedItem;
    if (item === null || (item.isCall && item.hasEnded)) return -1;
    const end = this.#shape.textEnd(text, at);
    if (end === -1) return -1;
    this.#response.again(item, text.slice(this.#shape.textAt(at), end));
    return this.#shape.endAt(end);
  }

  #readEvent(event: string): void {
    const { name, data } = this.#fieldsOf(event);
    if (data === endMark) {
      this.#isOver = true;
      return;
    }
    const chat = parsedRaw(data);
    if (name === 'error' || (isRecord(chat) && reportsError(chat))) {
      this.isError = true;
      this.#fail(errorIn(chat));
      return;
    }
    if (!isRecord(chat)) return;
    const before = this.#response.deltas;
    readChat(chat, this.#response);
    if (this.#response.deltas !== before + 1) return;
    this.#shapedItem = this.#response.lastItem;
    this.#shape.learn(event, this.#response.lastRaw);
  }

  #fieldsOf(event: string): { name: string; data: string } {
    let name = '';
    const data: string[] = [];
    const begin = this.#isBegin && event.startsWith(byteOrderMark) ? byteOrderMark.length : 0;
    this.#isBegin = false;
    for (const line of event.slice(begin).split('\n')) {
      if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5));
      else if (line.startsWith('event:')) name = line.slice(line[6] === ' ' ? 7 : 6);
    }
    return { name, data: data.join('\n') };
  }

  #fail(refusal: Refusal): void {
    this.trouble ??= refusal;
    this.#isOver = true;
  }
}

/** The upstream's own words about its error. */
function errorIn(chat: unknown): Refusal {
  const error = isRecord(chat) ? (chat['error'] ?? chat) : chat;
  const message = rawText(isRecord(error) ? error['message'] : error);
  return new Refusal(
    'upstream_error',
    message === '' ? 'The upstream reported an error.' : textOf(message).slice(0, maxMessageLength),
  );
}
