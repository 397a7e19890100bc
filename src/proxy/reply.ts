import type { IncomingHttpHeaders } from 'node:http';
import type { Usage } from '../base/outcome.ts';
import type { Refusal } from '../base/refusal.ts';
import { isEventStream, isJson } from '../upstream/upstream-error.ts';
import { headerValue } from '../base/header-value.ts';
import type { Call } from '../edge/call.ts';
import type { AnswerKeeper } from './answer-keeper.ts';
import type { PacedWriter } from './paced-writer.ts';

/** The part of an answer's head that a reply uses. */
export interface UpstreamHead {
  status: number;
  contentType: string;
  /** Such as `gzip`, although `identity` was asked for. */
  contentEncoding: string | undefined;
  contentLength: string | undefined;
}

/** Reads the head of an upstream's answer. Pure. */
export function headOf(status: number, headers: IncomingHttpHeaders): UpstreamHead {
  const encoding = headerValue(headers['content-encoding'])?.toLowerCase();
  return {
    status,
    contentType: headerValue(headers['content-type']) ?? '',
    contentEncoding: encoding === 'identity' ? undefined : encoding,
    contentLength: headerValue(headers['content-length']),
  };
}

/** 2xx, and not one of those without content: RFC 9110 §15.3.5, §15.3.6. */
export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300 && status !== 204 && status !== 205;
}

/** Whether an answer with this head may be what was asked for: a success, and JSON, nothing said, or a stream. Pure. */
export function isPassedOn(
  { status, contentType, contentEncoding }: UpstreamHead,
  streaming: boolean,
): boolean {
  if (!isSuccess(status)) return false;
  // An encoded stream could be neither read along with nor kept alive by comments.
  return streaming
    ? isEventStream(contentType) && contentEncoding === undefined
    : contentType === '' || isJson(contentType);
}

/** A successful answer of the upstream on its way to the caller: `StreamReply` or `PlainReply`. */
export interface Reply {
  /** Whether the caller has a head, so that no other status can be sent. */
  readonly begun: boolean;
  /** As the upstream has reported it so far; null if it has not. */
  readonly usage: Usage | null;
  /** Output that the reported usage does not account for, estimated. */
  readonly unreportedTokens: number;
  /** The answer is complete, and only the end of its connection is awaited. */
  readonly isWhole: boolean;
  begin(head: UpstreamHead): void;
  pass(chunk: Buffer): void;
  /** The upstream's answer is complete. */
  end(): void;
  /** It is not, and never will be: tells the caller as far as possible, and cuts the connection. */
  breakOff(refusal: Refusal): void;
  tick(nowMs: number): void;
}

/** What a reply needs of the exchange it belongs to. */
export interface ReplyHost {
  readonly call: Call;
  readonly writer: PacedWriter;
  /** Gathers the answer; null: nobody will ask for it again. */
  readonly keeper: AnswerKeeper | null;
  /** The gateway's own headers, a flat list. */
  readonly headers: readonly string[];
  /** Monotonic, ms: when the whole request was in, and now. */
  readonly startedMs: number;
  readonly nowMs: number;
  /**
   * Settles as a success, or as an error that the upstream reported inside its answer. A promise must be awaited before
   * the answer ends.
   */
  answered(result: 'ok' | 'error'): Promise<void> | null;
  /** The answer is complete and is none, and no byte of it has gone out: a 502. */
  noAnswer(body: readonly Buffer[]): void;
  /** So many bytes of the answer are kept in memory now. */
  keeps(bytes: number): Refusal | null;
  /** The answer is complete, although the upstream does not end it: nothing more is passed on. */
  complete(): void;
  /** Settles as broken off and tells the caller. */
  brokeOff(what: string): void;
  /** The same, although the upstream's connection is not at fault. */
  giveUp(refusal: Refusal): void;
  /** Nothing is passed on any more. */
  readonly over: boolean;
  /** Calls `go` when the settlement is done: at once if there is nothing to wait for. */
  after(settling: Promise<void> | null, go: () => void): void;
}
