import type { Usage } from '../../base/outcome.ts';
import { isRecord } from '../../base/request.ts';
import type { Refusal } from '../../base/refusal.ts';
import { failed } from '../../upstream/upstream-error.ts';
import type { JsonTap } from '../json-tap.ts';
import type { Reply, ReplyHost, UpstreamHead } from '../reply.ts';
import type { StreamTimings } from '../stream-reply.ts';
import { KeptBytes } from './kept-bytes.ts';
import { parsedRaw } from './raw-json.ts';
import { firstChoice, readChat } from './read-chat.ts';
import { ResponseEvents, type ResponseOptions } from './response-events.ts';
import { toldError } from './told-error.ts';

const bytesPerToken = 4;
/** Its bytes, what is read of them, and what is written. */
const timesKept = 3;
const contentType = ['content-type', 'application/json'] as const;

/** A plain chat answer on its way to the caller as a response. It is held until it is whole. */
export class ResponseReply implements Reply {
  begun = false;
  readonly #host: ReplyHost;
  readonly #timings: StreamTimings;
  readonly #tap: JsonTap;
  readonly #response: ResponseEvents;
  readonly #kept: KeptBytes;
  #head: UpstreamHead | null = null;
  #held: Buffer[] = [];
  #bytes = 0;
  #lastWriteMs: number;

  constructor(
    host: ReplyHost,
    { timings, tap, response }: { timings: StreamTimings; tap: JsonTap; response: ResponseOptions },
  ) {
    this.#host = host;
    this.#timings = timings;
    this.#tap = tap;
    this.#response = new ResponseEvents(response);
    this.#kept = new KeptBytes((bytes) => host.keeps(bytes));
    this.#lastWriteMs = host.startedMs;
  }

  get usage(): Usage | null {
    return this.#tap.usage;
  }

  get unreportedTokens(): number {
    return this.usage === null ? Math.ceil(this.#tap.textBytes / bytesPerToken) : 0;
  }

  /** Only its end shows that it is. */
  get isWhole(): boolean {
    return false;
  }

  begin(head: UpstreamHead): void {
    this.#head = head;
  }

  pass(chunk: Buffer): void {
    this.#tap.feed(chunk);
    this.#held.push(chunk);
    this.#bytes += chunk.length;
    const refusal = this.#kept.are(this.#bytes * timesKept + this.#response.keptBytes);
    if (refusal !== null) this.#host.giveUp(refusal);
  }

  end(): void {
    const chat = this.#tap.isAnswer ? this.#chat : null;
    if (chat !== null) {
      readChat(chat, this.#response);
      this.#endWith('ok', this.#response.json(this.#response.complete()));
    } else if (this.begun) {
      const trouble = failed('Its answer makes no sense.');
      this.#endWith('error', this.#response.json(this.#response.fail(toldError(trouble))));
    } else {
      this.#host.noAnswer(this.#head?.contentEncoding === undefined ? this.#held : []);
    }
  }

  breakOff(_refusal: Refusal): void {
    this.#host.writer.cut();
  }

  /** Heroku's router wants a first byte within 30 s (H12), and each next one within 55 s (H15): blanks before the JSON. */
  tick(nowMs: number): void {
    if (this.#head === null) return;
    const { firstHeartbeatMs, heartbeatMs } = this.#timings;
    if (nowMs - this.#lastWriteMs < (this.begun ? heartbeatMs : firstHeartbeatMs)) return;
    this.#writeHead(this.#head.status, []);
    this.#lastWriteMs = nowMs;
    this.#host.writer.writeLatin1(' ');
  }

  /** The answer, with raw strings; null if it is none. */
  get #chat(): Record<string, unknown> | null {
    const chat = parsedRaw(
      Buffer.concat(this.#held)
        .toString('latin1')
        .replace(/^\u00ef\u00bb\u00bf/, ''),
    );
    if (!isRecord(chat)) return null;
    return isRecord(firstChoice(chat['choices'])?.['message']) ? chat : null;
  }

  #endWith(outcome: 'ok' | 'error', json: string): void {
    const status = this.#head?.status ?? 200;
    this.#held = [];
    this.#kept.are(0);
    const { keeper } = this.#host;
    keeper?.begin(status, contentType);
    keeper?.add(json);
    this.#host.after(this.#host.answered(outcome), () => {
      this.#writeHead(status, ['content-length', String(json.length)]);
      this.#host.writer.end(json, 'latin1');
    });
  }

  #writeHead(status: number, length: readonly string[]): void {
    if (this.begun) return;
    this.begun = true;
    this.#host.call.outgoing.writeHead(status, [...this.#host.headers, ...contentType, ...length]);
  }
}
