import { storeUnavailable } from '../limits/decision.ts';
import { type ErrorCode, noRetry, Refusal } from '../base/refusal.ts';
import { StoreUnavailable } from '../store/store-unavailable.ts';
import type { KeptAnswer } from '../limits/kept-answer.ts';
import type { Journal } from './journal.ts';
import type { Call } from './call.ts';
import type { Handler } from './route.ts';
import { callerLeft } from '../base/outcome.ts';

/** How an operation answers by itself, neither counted nor in the ledger. */
export type Reply =
  | Refusal
  /** JSON that is never cached: it belongs to one caller, at one moment. */
  | { status: 200 | 201; body: object }
  | { status: 204 }
  | TextReply
  /** The caller left before its body was in. */
  | null;

/** A body that is sent as it is. */
export interface TextReply {
  status: number;
  text: string | Buffer;
  /** With the `content-type`; names in lower case. A list is a header that comes several times. */
  headers: Readonly<Record<string, string | string[]>>;
  /** For the log. */
  code?: ErrorCode | null;
}

interface RefusedWith {
  status: number;
  code: ErrorCode | null;
  headers: Readonly<Record<string, string>>;
}

/** Answers that the gateway gives by itself. Each is written and logged in one place. */
export class Answers {
  readonly #journal: Journal;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** A handler that answers with what `work` returns. */
  replying(work: (call: Call) => Reply | Promise<Reply>): Handler {
    return async (call) => this.reply(call, await work(call));
  }

  reply(call: Call, reply: Reply): void {
    if (reply === null) return this.leftEarly(call);
    if (reply instanceof Refusal) return this.refuse(call, reply);
    if ('text' in reply) {
      this.#journal.noteCall(call, reply.status, reply.code ?? null);
      return call.send(reply.status, reply.text, reply.headers);
    }
    this.#journal.noteCall(call, reply.status);
    if ('body' in reply) call.answer(reply.body, reply.status);
    else call.answerNothing();
  }

  /** Answers with what an earlier call with the same Idempotency-Key was answered with. */
  replay(call: Call, kept: KeptAnswer): void {
    this.#journal.noteCall(call, kept.status);
    call.replay(kept);
  }

  /** Answers a browser's preflight from any site: the answer grants nothing. */
  preflight(call: Call): void {
    this.#journal.noteCall(call, 204);
    call.answerPreflight();
  }

  refuse(call: Call, refusal: Refusal): void {
    this.#journal.noteRefusal(call, refusal);
    call.refuse(refusal);
  }

  /** Refuses with a body in another shape than the usual error; `code` is for the log. */
  refuseWith(call: Call, value: object, { status, code, headers }: RefusedWith): void {
    this.#journal.noteCall(call, status, code);
    call.answer(value, status, status === 401 || status === 403 ? { ...noRetry, ...headers } : headers);
  }

  /** Answers a request that failed because of an error nobody expected. */
  fail(call: Call, error: unknown): void {
    this.refuse(call, this.refusalFor(error));
  }

  /** The refusal for an error. Its detail goes to the log only. */
  refusalFor(error: unknown): Refusal {
    if (error instanceof StoreUnavailable) return storeUnavailable(error);
    this.#journal.failed(error);
    return new Refusal('internal_error', 'Something went wrong in the gateway.');
  }

  /** Logs a caller that left before its body was in: there is nobody to answer. */
  leftEarly(call: Call): void {
    this.#journal.noteCall(call, callerLeft);
  }

  /** Logs a request that was refused before it reached the routes. Nothing else is known about it. */
  unrouted({ status, code: errorCode }: Refusal, requestId: string): void {
    const request = { requestId, method: '', path: '', durationMs: 0, caller: null };
    this.#journal.note({ ...request, status, errorCode });
  }
}

/** A JSON reply that may be cached. */
export function jsonReply(status: number, value: object): TextReply {
  return { status, text: JSON.stringify(value), headers: { 'content-type': 'application/json' } };
}

export function htmlReply(text: string, headers: Readonly<Record<string, string>>): TextReply {
  return { status: 200, text, headers: { 'content-type': 'text/html; charset=UTF-8', ...headers } };
}
