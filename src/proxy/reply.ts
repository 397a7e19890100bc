import type { ServerResponse } from 'node:http';
import type { Usage } from '../base/outcome.ts';
import type { Refusal } from '../base/refusal.ts';
import type { PacedWriter } from './paced-writer.ts';

/** What is read of the head of the upstream's answer. */
export interface UpstreamHead {
  status: number;
  contentType: string;
  /** `gzip`, say, although `identity` was asked for. */
  contentEncoding: string | undefined;
  contentLength: string | undefined;
}

/** A successful answer of the upstream on its way to the caller: `StreamReply` or `PlainReply`. */
export interface Reply {
  /** Whether the caller has got a head, so that no other status can be sent. */
  readonly begun: boolean;
  /** Reported by the upstream so far; null while it has not. */
  readonly usage: Usage | null;
  /** Bytes of generated text that the reported usage does not account for. */
  readonly unreportedBytes: number;
  begin(head: UpstreamHead): void;
  pass(chunk: Buffer): void;
  /** The upstream's answer is complete. */
  end(): void;
  /** It is not, and never will be: tell the caller as far as that is possible, and cut. */
  breakOff(refusal: Refusal): void;
  tick(nowMs: number): void;
}

/** What a reply needs of the exchange it belongs to. */
export interface ReplyHost {
  readonly outgoing: ServerResponse;
  readonly writer: PacedWriter;
  /** The gateway's own headers, a flat list. */
  readonly headers: readonly string[];
  /** Monotonic, ms: when the request was sent on, and now. */
  readonly startedMs: number;
  readonly nowMs: number;
  /** A refusal as the JSON that the caller's client reads. */
  errorBody(refusal: Refusal): object;
  /** Settles as a success; a promise is to be awaited before the answer ends. */
  answered(): Promise<void> | null;
  /** Settles as an error that the upstream told inside its answer. */
  answeredWithError(): Promise<void> | null;
  /** Settles as broken off and tells the caller. */
  brokeOff(what: string): void;
  /** Goes on when a settlement is done: at once where there is nothing to wait for. */
  after(settling: Promise<void> | null, go: () => void): void;
}
