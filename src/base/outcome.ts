import type { ErrorCode } from './refusal.ts';

/** How a request ended, as its ledger entry says. */
export type Outcome = 'ok' | 'error' | 'aborted' | 'lost';

/** nginx's "client closed request": there is no HTTP status for a caller that left. */
export const callerLeft = 499;

/** How a forwarded request ended, as far as paying goes: the rows of contract 1.4's "Who pays". */
export type Ending =
  | 'answered'
  /** Unreachable, or 401, 403, 429 of the upstream: it never took the request. */
  | 'not_taken'
  /** Another 4xx of the upstream. */
  | 'rejected'
  /** 5xx, or no answer in time after it was sent. */
  | 'failed'
  /** The answer broke off, was ended by shutdown, or its reader left or stalled. */
  | 'broken'
  /** A plain call whose caller left after it was sent: the upstream may have done all of the work. */
  | 'left';

export interface Usage {
  inputTokens: number;
  outputTokens: number;
  /** Of a rerank. */
  searchUnits?: number;
}

/** What forwarding reports when the upstream's answer has ended, one way or another. */
export interface ForwardOutcome {
  ending: Ending;
  /** What the caller got, or would have got. */
  status: number;
  outcome: 'ok' | 'error' | 'aborted';
  errorCode: ErrorCode | 'shutdown' | null;
  /** As the upstream reported it; null when it did not. */
  usage: Usage | null;
  /** Output that no usage accounts for, estimated from the text that went by. */
  unreportedTokens: number;
  /** The upstream answered 2xx: from here on the model's name is more than a caller's word. */
  accepted: boolean;
  /** Null where nothing was sent; what of it is null came not, status and ms from sending to the head. */
  upstream: { status: number | null; headMs: number | null } | null;
  /** Whom it was sent to last, or would have been; null where it did not get that far. */
  sentTo: { attachment: string; model: string } | null;
  durationMs: number;
  ttfbMs: number | null;
}

/** What a request is counted for: what it reserves, or in the end what it is charged. */
export interface Charge {
  requests: number;
  inputTokens: number;
  outputTokens: number;
  images: number;
  searchUnits: number;
}
