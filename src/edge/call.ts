import { randomUUID } from 'node:crypto';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { looksLikeCredential } from '../base/credential-text.ts';
import type { Sender } from '../base/client-address.ts';
import type { Clock } from '../base/clock.ts';
import { errorBody, isAnthropic } from '../base/error-body.ts';
import type { OperationDocs } from '../base/operation-docs.ts';
import { queryRefusal } from '../base/query.ts';
import { inSchemeOf } from '../access/proof/proof-problem.ts';
import type { Proven } from '../access/proof/proofs.ts';
import type { IdempotencyKey } from '../limits/idempotency-key.ts';
import type { KeptAnswer } from '../limits/kept-answer.ts';
import type { Account } from '../memory/account.ts';
import { type Holding, holdingOf } from '../memory/holding.ts';
import type { Principal } from '../identity/records/identity.ts';
import type { Refusal } from '../base/refusal.ts';
import type { RequestTrace } from '../telemetry/request-trace.ts';
import { corsHeaders, isForBrowsers, preflightHeaders } from '../base/cors.ts';

/** One request of the data plane: what came in, and how to answer it. */
export class Call {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  /** Without the query string. */
  readonly path: string;
  /** The path for logs and metrics: another one if the path has a secret in it. */
  loggedPath: string;
  readonly requestId: string;
  /** Monotonic, ms. */
  readonly startedMs: number;
  /** Monotonic, ms: when the whole request was in, with its body. */
  arrivedMs: number;
  /** Bytes of the body, once it is in. */
  bodyBytes = 0;
  /** The query parameters of its operation, for the front door to check. Hot operations ignore them. */
  query: OperationDocs['query'] = 'ignored';
  /** Who calls, once that is known; from then on CORS headers may name its origin. */
  principal: Principal | null = null;
  /** What was proven of its session's key; null: nothing. */
  proven: Proven | null = null;
  /** The nonce that its answer hands out for the next proof. */
  nextNonce: string | null = null;
  /** The model it asks for, once its body is checked. */
  model: string | null = null;
  /** Its Idempotency-Key, once its body is in; null if it has none. */
  key: IdempotencyKey | null = null;
  /** What is noted for its spans; null if it is not traced. */
  trace: RequestTrace | null = null;
  /** The reply is finished, or the caller is gone. */
  closed = false;
  /** What it holds in memory. */
  readonly holding: Holding;
  readonly #clock: Clock;
  readonly #whenClosed: (() => void)[] = [];

  constructor(io: { incoming: IncomingMessage; outgoing: ServerResponse }, path: string, clock: Clock) {
    this.incoming = io.incoming;
    this.outgoing = io.outgoing;
    this.path = path;
    this.loggedPath = path;
    this.holding = holdingOf(io.outgoing);
    this.#clock = clock;
    this.requestId = requestIdOf(io.incoming.headers['x-request-id']);
    this.startedMs = clock.monotonic();
    this.arrivedMs = this.startedMs;
    this.outgoing.once('close', () => {
      this.closed = true;
      for (const react of this.#whenClosed) react();
      this.holding.leave();
    });
  }

  /** The body is in: deadlines count from here. */
  arrived(bodyBytes: number): void {
    this.bodyBytes = bodyBytes;
    this.arrivedMs = this.#clock.monotonic();
  }

  /** Reacts when the reply ends or the caller leaves; at once if that has already happened. */
  whenClosed(react: () => void): void {
    if (this.closed) react();
    else this.#whenClosed.push(react);
  }

  /** From now on this account answers for what the call holds. A refusal if it has too many calls under way. */
  chargedTo(account: Account): Refusal | null {
    return this.closed ? null : this.holding.enter(account);
  }

  get origin(): string | undefined {
    return this.incoming.headers.origin;
  }

  /** The gateway's own headers of the reply: a flat list of names and values. */
  get headers(): string[] {
    const own = ['x-request-id', this.requestId];
    if (isAnthropic(this.path)) own.push('request-id', this.requestId);
    if (this.nextNonce !== null) own.push('DPoP-Nonce', this.nextNonce);
    return isForBrowsers(this.path) ? [...own, ...corsHeaders(this.origin, this.principal !== null)] : own;
  }

  get sender(): Sender {
    const { headers, socket } = this.incoming;
    return { forwardedFor: headers['x-forwarded-for'], peer: socket.remoteAddress };
  }

  /** What the audit trail records about this request. */
  get asking(): { requestId: string; forwardedFor: string | string[] | undefined } {
    return { requestId: this.requestId, forwardedFor: this.incoming.headers['x-forwarded-for'] };
  }

  /** Why its query cannot be accepted; null if it can. */
  queryRefusal(): Refusal | null {
    return queryRefusal(this.query, this.incoming.url ?? '');
  }

  get elapsedMs(): number {
    return this.#clock.monotonic() - this.startedMs;
  }

  /** Answers with a refusal. */
  refuse(given: Refusal, headers: readonly string[] = []): void {
    const refusal = inSchemeOf(this.incoming.headers.authorization, given);
    sendRefusal(this.outgoing, refusal, {
      body: this.errorBody(refusal),
      headers: [...this.headers, ...headers],
    });
  }

  /** A refusal in the shape this path's clients read. */
  errorBody(refusal: Refusal): object {
    return errorBody(this.path, refusal, this.requestId);
  }

  /** Answers a browser's preflight. */
  answerPreflight(): void {
    const requested = this.incoming.headers['access-control-request-headers'];
    this.outgoing.writeHead(204, [...this.headers, ...preflightHeaders(requested)]).end();
  }

  /** Answers with JSON that must not be cached: it belongs to one caller, at one moment. */
  answer(value: object, status = 200, more: Readonly<Record<string, string>> = {}): void {
    const headers = [...this.headers, 'cache-control', 'no-store', ...Object.entries(more).flat()];
    sendJson(this.outgoing, value, { status, headers });
  }

  /** Sends a text, or bytes, as they are, unless an answer has begun or the caller is gone. */
  send(status: number, text: string | Buffer, headers: Readonly<OutgoingHttpHeaders>): void {
    if (this.outgoing.headersSent || this.outgoing.destroyed) return;
    const body = typeof text === 'string' ? Buffer.from(text) : text;
    // Headers as an object replace those that every reply has, such as the Content-Security-Policy.
    const all: OutgoingHttpHeaders = { ...headers };
    if (status !== 304) all['content-length'] = String(body.length);
    const own = this.headers;
    for (let at = 0; at + 1 < own.length; at += 2) all[own[at] ?? ''] = own[at + 1] ?? '';
    this.outgoing.writeHead(status, all).end(body);
  }

  /** Answers with a kept answer, byte for byte, unless the caller is gone. */
  replay({ status, headers, body }: KeptAnswer): void {
    if (this.outgoing.destroyed) return;
    const own = [...this.headers, 'idempotency-replayed', 'true'];
    this.outgoing.writeHead(status, [...own, ...headers, 'content-length', String(body.length)]).end(body);
  }

  /** Answers without a body. */
  answerNothing(): void {
    this.outgoing.writeHead(204, this.headers).end();
  }
}

/** Asks for a body that the caller holds back until its headers are accepted (`Expect: 100-continue`). */
export function askForBody({ incoming, outgoing }: Pick<Call, 'incoming' | 'outgoing'>): void {
  if (incoming.headers.expect !== undefined && !outgoing.headersSent) outgoing.writeContinue();
}

/** What Heroku's router keeps of a caller's `X-Request-ID` (Dev Center, "HTTP Request IDs"). */
const acceptable = /^[A-Za-z0-9+/=-]{20,200}$/;

/** The caller's request id if it is acceptable, else a new one. */
export function requestIdOf(callers: string | string[] | undefined): string {
  const isOne = typeof callers === 'string' && acceptable.test(callers) && !looksLikeCredential(callers);
  return isOne ? callers : randomUUID();
}

/** Sends a refusal, with the body its path's clients read. `headers` is a flat list of names and values. */
export function sendRefusal(
  outgoing: ServerResponse,
  refusal: Refusal,
  { body, headers }: { body: object; headers: readonly string[] },
): void {
  const flat = [...headers];
  for (const [name, value] of Object.entries(refusal.headers)) flat.push(name, value);
  sendJson(outgoing, body, { status: refusal.status, headers: flat });
}

/** Sends a JSON value whole, unless an answer has begun or the caller is gone. */
export function sendJson(
  outgoing: ServerResponse,
  value: unknown,
  { status, headers }: { status: number; headers: readonly string[] },
): void {
  if (outgoing.headersSent || outgoing.destroyed) return;
  const body = Buffer.from(JSON.stringify(value));
  const own = ['content-type', 'application/json', 'content-length', String(body.length)];
  outgoing.writeHead(status, [...headers, ...own]);
  outgoing.end(body);
}
