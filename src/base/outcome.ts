import { figureFields, noFigures, type Figures } from './figures.ts';
import type { ErrorCode } from './refusal.ts';

/** How a request ended, as its ledger entry says. */
export type Outcome = 'ok' | 'error' | 'aborted' | 'lost';

/** nginx's "client closed request": there is no HTTP status for a caller that left. */
export const callerLeft = 499;

/** How a forwarded request ended, which decides what is charged: the rows of contract 1.4, "Who pays". */
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

/** What an upstream reports: tokens always, the other figures if it knows them. */
export type Usage = Pick<Figures, 'inputTokens' | 'outputTokens'> & Partial<Figures>;

/** The result of forwarding, when the upstream's answer has ended or failed. */
export interface ForwardOutcome {
  ending: Ending;
  /** The status that the caller got, or would have got. */
  status: number;
  outcome: 'ok' | 'error' | 'aborted';
  errorCode: ErrorCode | 'shutdown' | null;
  /** As the upstream reported it; null if it did not. */
  usage: Usage | null;
  /** Output that is not in any reported usage, estimated from the text that was forwarded. */
  unreportedTokens: number;
  /** The upstream answered 2xx, so the model exists: its name is not just text from a caller. */
  accepted: boolean;
  /**
   * Null if nothing was sent. `status` and `headMs` (ms from sending to the headers) are null if no headers arrived.
   */
  upstream: { status: number | null; headMs: number | null } | null;
  /** The attachment it was sent to last, or would have been sent to; null if none was chosen. */
  sentTo: { attachment: string; model: string } | null;
  durationMs: number;
  ttfbMs: number | null;
}

/** What a request counts for: first what it reserves, in the end what it is charged. */
export type Charge = Figures & { requests: number };

export const noCharge: Readonly<Charge> = { requests: 0, ...noFigures };

/** No request uses more: a sum of reports that exceeds this would spoil every total that it is added to. */
const maxSum = 1_000_000_000;

/** The sum of several usages of one request. */
export function addedUsage(a: Usage | null, b: Usage): Usage {
  const sum: Usage = { ...a, ...b };
  for (const field of figureFields) {
    if (a?.[field] !== undefined) sum[field] = Math.min(maxSum, a[field] + (b[field] ?? 0));
  }
  return sum;
}
