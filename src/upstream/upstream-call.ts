import type { IncomingHttpHeaders } from 'node:http';
import type { Attachment } from '../base/attachment.ts';
import type { Refusal } from '../base/refusal.ts';

/** What an exchange knows of its request on the way to the upstream, however many attempts that takes. */
export interface UpstreamCall {
  /** Whether the current attempt, or the one whose answer was kept, was sent. */
  readonly sent: boolean;
  /** An earlier attempt failed after it was sent: the upstream may have done the work. */
  readonly spent: boolean;
  /** The attachment it was sent to last, or will be. */
  readonly attachment: Attachment;
  readonly model: string;
  /** When the attempt was sent; monotonic, ms. */
  readonly sentAtMs: number;
  /** Headers for the reply that say which model answered, a flat list. */
  readonly headers: readonly string[];
  /** How long the upstream's 429 or 529 asks to wait, ms; null if it does not say. */
  readonly retryAfterMs: number | null;
  /** Nothing is sent again: lets go of the body, if it is large, or was sent in parts. Whether it did. */
  letGoOfBody(): boolean;
  /** The answer did not come in time, or broke off: opens the circuit breaker. */
  recordFailure(): void;
  /** Ends it in whatever state it is: nobody waits for an answer. */
  abandon(): void;
}

/** An answer that can be stopped while its reader is slow. */
export interface Pausable {
  pause(): void;
  resume(): void;
}

/** Gets the events of the answer that is kept. `Exchange` is one. */
export interface ResponseHandler {
  /** Deadlines count from here; monotonic, ms. */
  readonly startedMs: number;
  readonly nowMs: number;
  /** The caller has a head, so that no other attempt can be made. */
  readonly begun: boolean;
  /** So many bytes of an answer are kept in memory now. A refusal if the caller's share has no room for them. */
  keeps(bytes: number): Refusal | null;
  /** Each attempt, once it is sent. */
  onRequestStart(answer: Pausable): void;
  onResponseStart(status: number, headers: IncomingHttpHeaders): void;
  onResponseData(chunk: Buffer): void;
  onResponseEnd(): void;
  /** No answer, or no more of it. */
  onResponseError(error: Error): void;
  /** Answers with a refusal of the gateway's own; no attempt is under way. */
  refuse(refusal: Refusal): void;
}
