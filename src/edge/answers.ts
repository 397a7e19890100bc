import { storeUnavailable } from '../limits/admission.ts';
import { type ErrorCode, Refusal } from '../base/refusal.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';
import type { Journal } from './journal.ts';
import type { Call } from './call.ts';
import { callerLeft } from '../base/outcome.ts';

/** How the gateway answers by itself: each answer is written and noted in one place. */
export class Answers {
  readonly #journal: Journal;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Answers a request that is neither counted nor in the ledger. */
  answer(call: Call, value: object, status: 200 | 201 = 200): void {
    this.#journal.noteCall(call, status);
    call.answer(value, status);
  }

  /** Answers that it is done. */
  done(call: Call): void {
    this.#journal.noteCall(call, 204);
    call.answerNothing();
  }

  /** Answers a browser's preflight, whoever may ask: it grants nothing. */
  preflight(call: Call): void {
    this.#journal.noteCall(call, 204);
    call.answerPreflight();
  }

  /** Turns a request down. */
  refuse(call: Call, refusal: Refusal): void {
    this.#journal.noteCall(call, refusal.status, refusal.code);
    call.refuse(refusal);
  }

  /** Turns a request down in another shape than the usual error; `code`, where there is one, is for the log. */
  refuseWith(call: Call, value: object, { status, code }: { status: number; code: ErrorCode | null }): void {
    this.#journal.noteCall(call, status, code);
    call.answer(value, status);
  }

  /** Turns a request down for an error that is nobody's intention. */
  fail(call: Call, error: unknown): void {
    this.refuse(call, this.refusalFor(error));
  }

  /** What an error is answered with: no detail, which is for the log. */
  refusalFor(error: unknown): Refusal {
    if (error instanceof StoreUnavailable) return storeUnavailable();
    this.#journal.failed(error);
    return new Refusal('internal_error', 'Something went wrong in the gateway.');
  }

  /** Takes note of a caller that left before its body was in: there is nobody to answer. */
  leftEarly(call: Call): void {
    this.#journal.noteCall(call, callerLeft);
  }

  /** Takes note of what was refused before it reached the routes: of it nothing else is known. */
  unrouted({ status, code: errorCode }: Refusal, requestId: string): void {
    const request = { requestId, method: '', path: '', durationMs: 0, identity: null };
    this.#journal.note({ ...request, status, errorCode });
  }
}
