import type { Dispatcher } from 'undici';
import type { Attachment } from '../base/attachment.ts';
import type { Refusal } from '../base/refusal.ts';

/** What an exchange asks of what sends its request, however many attempts that takes. */
export interface UpstreamCall {
  /** The attempt that is under way, or whose answer was kept, has been sent. */
  readonly sent: boolean;
  /** An earlier attempt failed in the upstream's hands: it may have done the work. */
  readonly spent: boolean;
  /** Whom it was sent to last, or will be. */
  readonly attachment: Attachment;
  readonly model: string;
  /** Monotonic, ms: when the attempt was sent. */
  readonly sentAtMs: number;
  /** Headers for the reply that say where it comes from, a flat list. */
  readonly headers: readonly string[];
  /** After how long there is room, where the upstream's 429 has said so. */
  readonly roomInMs: number | null;
  /** The upstream's answer did not come in time, or broke off: the next ones had better go elsewhere. */
  failed(): void;
  /** Ends it, wherever it is: nobody waits any more. */
  abandon(): void;
}

/** What stops, pauses and resumes the upstream's answer. */
export type UpstreamController = Dispatcher.DispatchController;

/** Who gets the events of the attempt that is kept: the exchange. */
export interface ResponseHandler extends Required<
  Pick<
    Dispatcher.DispatchHandler,
    'onRequestStart' | 'onResponseStart' | 'onResponseData' | 'onResponseEnd' | 'onResponseError'
  >
> {
  /** Deadlines count from here; monotonic, ms. */
  readonly startedMs: number;
  readonly nowMs: number;
  /** The caller has got a head: nothing else can be tried any more. */
  readonly begun: boolean;
  /** Answers with a refusal; nothing is under way. */
  refuse(refusal: Refusal): void;
}
