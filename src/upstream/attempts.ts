import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Attachment } from '../base/attachment.ts';
import type { Refusal } from '../base/refusal.ts';
import type { RequestTrace } from '../telemetry/request-trace.ts';
import { Attempt, type AttemptHost, type Verdict } from './attempt.ts';
import { AttemptPlan, type AttemptPlanOptions, type Target } from './attempt-plan.ts';
import type { Asker } from './circuits.ts';
import {
  adjustedHeader,
  mayBeRepaired,
  type RepairedRequest,
  type RequestRepairs,
} from './request-repairs.ts';
import { takeTurn } from './part-turn.ts';
import { type RequestQueue, WaitBudget } from './request-queue.ts';
import { backoffMs, type Cause, causeOfError, causeOfStatus, mayHaveBegun, wasReused } from './retry.ts';
import { largeBodyBytes, SentBody } from './sent-body.ts';
import type { Recorder, Upstream } from './upstream.ts';
import type { ResponseHandler, UpstreamCall } from './upstream-call.ts';
import { rateLimited, troubleOf } from './upstream-error.ts';
import { betasSentOn, upstreamHeaders } from './upstream-headers.ts';

/** What all requests of a process have in common. */
export interface AttemptRules extends Recorder {
  queue: RequestQueue;
  repairs: RequestRepairs;
  /** Per request. */
  maxAttempts: number;
  /** After so long no other attempt is begun. */
  deadlineMs: number;
  /** How long a request may wait for quota; 0: what the upstream says of quotas is ignored. */
  maxWaitMs: number;
}

export interface AttemptedRequest extends AttemptPlanOptions {
  call: {
    readonly requestId: string;
    readonly incoming: { readonly headers: IncomingHttpHeaders };
    readonly trace?: RequestTrace | null;
  };
  path: string;
  stream: boolean;
  pinned: boolean;
  /** False if the upstream may begin something that must not be done twice. */
  isRepeatable: boolean;
}

/**
 * Sends a request, as often as it takes to get an answer to keep: `begin`, then `#next` for each further attempt, and
 * `keepsAnswer` or `keepsError` with the result of each. All of it before the caller has the first byte.
 */
export class Attempts implements UpstreamCall, AttemptHost, Asker {
  sent = false;
  spent = false;
  over = false;
  sentAtMs = 0;
  retryAfterMs: number | null = null;
  readonly #rules: AttemptRules;
  readonly #request: AttemptedRequest;
  readonly #plan: AttemptPlan;
  #waitBudget: WaitBudget;
  #handler: ResponseHandler | null = null;
  #target: Target;
  #upstream: Upstream;
  #attempt: Attempt | null = null;
  #made = 0;
  #hasReconnected = false;
  /** The repairs of its body so far, until it is known whether they helped. */
  #repaired: RepairedRequest[] | null = null;
  /** It has waited as long as a 429 of its own asked for: once is enough. */
  #hasWaitedOut = false;
  /** It was sent although another team had been told that its key has nothing left. */
  #wasDoubted = false;
  /** Some parts of it are answered and paid for. */
  #isPartlyAnswered = false;
  /** What the caller is told if no other attempt follows the last one that was given up. */
  #trouble: Refusal | null = null;
  /** Ends the wait for another attempt. */
  #stopWaiting: (() => void) | null = null;

  constructor(rules: AttemptRules, request: AttemptedRequest) {
    const { asked } = request;
    const [first] = asked.candidates;
    if (!first) throw new TypeError(`No attachment serves ${asked.model}.`);
    this.#rules = rules;
    this.#request = request;
    this.#plan = new AttemptPlan(request);
    this.#waitBudget = new WaitBudget(rules.maxWaitMs);
    this.#target = asked;
    this.#upstream = first;
  }

  /** The events of the answer that is kept go to `handler`. */
  begin(handler: ResponseHandler): void {
    this.#handler = handler;
    this.sentAtMs = handler.startedMs;
    this.#rules.queue.serve(); // those that wait go first
    const upstream = this.#plan.first(handler.nowMs);
    if (upstream) this.#send(this.#request.asked, upstream);
    else this.#next();
  }

  /** One round of the loop: sends to the upstream that is next, waits until one has quota, or refuses. */
  #next(): void {
    this.#stopWaiting = null;
    const { clock, queue, maxWaitMs } = this.#rules;
    const { team } = this.#request;
    const nowMs = clock.monotonic();
    const step = this.#plan.next(nowMs);
    if (step === null) return this.#trouble ? this.handler.refuse(this.#trouble) : this.#refuse();
    const { kind, target, upstream } = step;
    if (target.admit !== null) return this.#admit(target, target.admit);
    this.sentAtMs = nowMs;
    this.#upstream = upstream;
    if (kind === 'send' || maxWaitMs === 0) return this.#send(target, upstream);
    if (this.#waitBudget.covers(upstream.quota, nowMs, this.#request)) {
      return queue.hasSpace(team) ? this.#wait(nowMs) : this.#refuse();
    }
    // There will be no quota in time. One request at a time is sent all the same, to find out whether that is true.
    return upstream.quota.mayProbe(nowMs, team) ? this.#send(target, upstream) : this.#refuse();
  }

  /** Asks the limits whether the fallback may answer, and goes on. */
  #admit(target: Target, admit: () => Promise<boolean>): void {
    let isAwaited = true;
    this.#stopWaiting = () => (isAwaited = false);
    void admit().then((admitted) => {
      if (!isAwaited) return;
      if (admitted) target.admit = null;
      else this.#plan.dropFallback();
      this.#next();
    });
  }

  #send(target: Target, upstream: Upstream): void {
    const { nowMs } = this.handler;
    const isProbe = upstream.circuits.send(target.model, this.team, nowMs);
    this.#target = target;
    this.#upstream = upstream;
    this.#made += 1;
    this.#dispatch(upstream.quota.recordSent(this.#request.tokens), isProbe);
  }

  #dispatch(ordinal: number, isProbe: boolean, pool = this.#upstream.pool): void {
    const { call, path, stream, pinned } = this.#request;
    const { attachment, pathPrefix } = this.#upstream;
    const { requestId, incoming } = call;
    const { body } = this.#target;
    const sentBody = body.length > largeBodyBytes ? new SentBody(body) : null;
    const attempt = new Attempt(this, ordinal, { isProbe, sentBody });
    this.#attempt = attempt;
    call.trace?.sends({ attachment: attachment.name, baseUrl: attachment.baseUrl, path });
    const headers = upstreamHeaders(incoming.headers, { key: attachment.key, requestId, stream, pinned });
    if (sentBody) headers.push('content-length', String(body.length));
    const sent = sentBody?.asBody ?? body;
    pool.dispatch({ path: pathPrefix + path, method: 'POST', headers, body: sent }, attempt);
  }

  letGoOfBody(): boolean {
    if (this.#target.body.length <= largeBodyBytes && !this.#isPartlyAnswered) return false;
    this.#attempt?.letGoOfBody();
    this.#target.body = Buffer.alloc(0);
    this.#plan.letGoOfBodies();
    return true;
  }

  #wait(nowMs: number): void {
    this.#request.call.trace?.waits();
    this.#stopWaiting = this.#rules.queue.enter({
      team: this.#request.team,
      deadlineMs: this.#waitBudget.start(nowMs),
      ready: (atMs) => this.#plan.next(atMs)?.kind === 'send',
      send: () => this.#next(),
      expire: () => this.#refuse(),
    });
  }

  #refuse(): void {
    this.#stopWaiting = null;
    const nowMs = this.#rules.clock.monotonic();
    const inMs = this.#upstream.quota.availableAtMs(nowMs, this.#request.tokens, this.team) - nowMs;
    this.handler.refuse(rateLimited(inMs / 1_000));
  }

  onSent(): void {
    this.sent = true;
    if (this.#attempt?.isProbe) this.#upstream.recordConnected(this.model, this.#rules);
  }

  verdict(attempt: Attempt, status: number, headers: IncomingHttpHeaders): Verdict {
    const cause = causeOfStatus(status, headers['content-type'] ?? '');
    if (cause === 'limited') this.#noteDoubted();
    const waitMs = this.#upstream.recordAnswer(attempt, { asker: this, cause, status, headers }, this.#rules);
    this.retryAfterMs = waitMs;
    this.#rules.queue.serve();
    if (cause === null) {
      if (status < 300) this.#confirmRepairs();
      return mayBeRepaired(status) && this.#mayRepair() ? 'read' : 'keep';
    }
    const mayRepeat = cause === 'limited' && waitMs !== null && this.#mayWaitOut(waitMs);
    return this.#triesAgain(cause, status, mayRepeat) ? 'give up' : 'keep';
  }

  /** An answer that says what the gateway can change is given up: the same upstream is asked again, at once. */
  keepsRead(_: Attempt, status: number, answer: string): boolean {
    const { call, path, pinned } = this.#request;
    const { model, body, adjusted } = this.#target;
    if (!this.#mayRepair()) return true;
    const betas = betasSentOn(call.incoming.headers, pinned);
    const repaired = this.#rules.repairs.repair({ model, path, betas, body, answer });
    if (repaired === null) return true;
    (this.#repaired ??= []).push(repaired);
    this.#target.body = repaired.body;
    this.#target.adjusted = [...adjusted, ...repaired.adjusted];
    this.#sendAgain('refused', status);
    return false;
  }

  #mayRepair(): boolean {
    const { begun, startedMs } = this.handler;
    const isLate = this.#rules.clock.monotonic() - startedMs >= this.#rules.deadlineMs;
    return !begun && !isLate && (this.#repaired?.length ?? 0) < maxRepairs;
  }

  #confirmRepairs(): void {
    for (const repaired of this.#repaired ?? []) repaired.confirm();
    this.#repaired = null;
  }

  /** Sends to the same upstream without a pause, since it has not failed. */
  #sendAgain(cause: Cause, status: number | null, pool?: Dispatcher): void {
    const nowMs = this.#rules.clock.monotonic();
    const durationMs = nowMs - this.sentAtMs;
    this.#rules.observer.gaveUp({ attachment: this.attachment.name, cause, status, durationMs });
    this.#request.call.trace?.givesUp(cause, status);
    this.sent = false;
    this.sentAtMs = nowMs;
    this.#dispatch(this.#upstream.quota.recordSent(this.#request.tokens), false, pool);
  }

  keepsError(attempt: Attempt, error: Error): boolean {
    const cause = causeOfError(error, attempt.sent);
    if (cause === null) return true;
    if (cause === 'reset' && this.#wasStale(error)) {
      this.#sendAgain(cause, null, this.#upstream.freshConnection());
      return false;
    }
    this.#upstream.recordFailure(attempt, { asker: this, cause }, this.#rules);
    return !this.#triesAgain(cause, null, false);
  }

  /**
   * Whether a kept connection was reset as soon as it was used: most likely the upstream had closed it for its age, and
   * has not seen the request (RFC 9112, 9.3.1). Once only, and never if a tool could run twice.
   */
  #wasStale(error: Error): boolean {
    if (this.#hasReconnected || this.handler.begun || !this.#request.isRepeatable) return false;
    const tookMs = this.#rules.clock.monotonic() - this.sentAtMs;
    if (tookMs > quickMs || !wasReused(error)) return false;
    this.#hasReconnected = true;
    return true;
  }

  /** Whether another attempt follows, after a pause. `mayRepeat`: the same upstream may be asked again. */
  #triesAgain(cause: Cause, status: number | null, mayRepeat: boolean): boolean {
    const { clock, maxAttempts, deadlineMs, observer } = this.#rules;
    const { startedMs, begun } = this.handler;
    const nowMs = clock.monotonic();
    if (begun || this.#made >= maxAttempts || nowMs - startedMs >= deadlineMs) return false;
    if (!this.#request.isRepeatable && mayHaveBegun(cause)) return false;
    if (mayRepeat) this.#hasWaitedOut = true;
    else this.#dropUpstream();
    const tookMs = nowMs - this.sentAtMs;
    if (!this.#hasNext(nowMs) && !this.#reconnects(cause, tookMs)) return false;
    observer.gaveUp({ attachment: this.attachment.name, cause, status, durationMs: tookMs });
    this.#request.call.trace?.givesUp(cause, status);
    this.#trouble = troubleOf(status, this);
    if (cause === 'failing') this.spent = true;
    this.sent = false;
    this.#attempt = null;
    const timer = setTimeout(() => this.#next(), backoffMs(this.#made, Math.random()));
    this.#stopWaiting = () => clearTimeout(timer);
    return true;
  }

  /** A team that finds out what another was told has its request wait for it, as if it had believed it. */
  #noteDoubted(): void {
    const nowMs = this.#rules.clock.monotonic();
    this.#wasDoubted = this.#upstream.quota.isDoubted(nowMs, this.#request.tokens, this.team);
  }

  #dropUpstream(): void {
    this.#target.candidates = this.#target.candidates.filter((each) => each !== this.#upstream);
  }

  /** Whether the upstream that has just answered 429 may be asked again. */
  #mayWaitOut(waitMs: number): boolean {
    if (this.#hasWaitedOut && !this.#isPartlyAnswered) return false;
    if (waitMs <= shortWaitMs && !this.#isPartlyAnswered) return true;
    if (!this.#wasDoubted && !this.#isPartlyAnswered) return false;
    const nowMs = this.#rules.clock.monotonic();
    return this.#waitBudget.covers(this.#upstream.quota, nowMs, this.#request);
  }

  #hasNext(nowMs: number): boolean {
    const step = this.#plan.next(nowMs);
    if (step === null || step.kind === 'send') return step !== null;
    const { queue, maxWaitMs } = this.#rules;
    const { team } = this.#request;
    return (
      maxWaitMs > 0 &&
      this.#waitBudget.covers(step.upstream.quota, nowMs, this.#request) &&
      queue.hasSpace(team)
    );
  }

  /** If a connection failed quickly and there is no other upstream, the same one is tried once more. */
  #reconnects(cause: Cause, tookMs: number): boolean {
    if (cause !== 'unconnected' || this.#hasReconnected || tookMs > quickMs) return false;
    this.#hasReconnected = true;
    this.#target.candidates = [this.#upstream];
    return true;
  }

  /** For a request in parts: sends the next one to the upstream that has just answered. Another attempt repeats only that. */
  sendNextPart(body: Buffer): void {
    const { queue, clock, maxWaitMs } = this.#rules;
    this.#isPartlyAnswered = true;
    this.#repaired = null;
    this.#target.body = body;
    takeTurn({
      team: this.team,
      quota: this.#upstream.quota,
      queue,
      nowMs: clock.monotonic(),
      waitBudget: maxWaitMs === 0 ? null : () => (this.#waitBudget = new WaitBudget(maxWaitMs)),
      send: () => this.#sendPart(),
      refuse: () => this.#refuse(),
      waits: (stop) => (this.#stopWaiting = stop),
    });
  }

  #sendPart(): void {
    this.#stopWaiting = null;
    this.sentAtMs = this.#rules.clock.monotonic();
    this.#dispatch(this.#upstream.quota.recordSent(0), false);
  }

  /** For a request in parts: the answer that was kept is useless, as a 502 would be. Whether another attempt follows. */
  rejectsAnswer(): boolean {
    const attempt = this.#attempt;
    if (attempt === null) return false;
    this.#upstream.recordFailure(attempt, { asker: this, cause: 'failing' }, this.#rules);
    if (!this.#triesAgain('failing', 502, false)) return false;
    attempt.discard();
    return true;
  }

  recordFailure(): void {
    if (!this.sent || this.#attempt === null) return;
    this.#upstream.recordFailure(this.#attempt, { asker: this, cause: 'failing' }, this.#rules);
  }

  abandon(): void {
    this.over = true;
    this.#stopWaiting?.();
    if (this.#attempt === null) return;
    this.#upstream.quota.endProbe(this.team);
    this.#attempt.abort();
  }

  get handler(): ResponseHandler {
    if (this.#handler === null) throw new TypeError('The attempts have not begun.');
    return this.#handler;
  }

  get attachment(): Attachment {
    return this.#upstream.attachment;
  }

  get model(): string {
    return this.#target.model;
  }

  get isModelKnown(): boolean {
    return this.#target.isModelKnown;
  }

  get team(): string {
    return this.#request.team;
  }

  get headers(): readonly string[] {
    const { asked } = this.#request;
    if (this.#target === asked) return adjustedHeader(asked.adjusted);
    return ['x-tollgate-model', this.model, ...adjustedHeader([...asked.adjusted, ...this.#target.adjusted])];
  }
}

/** Upstreams name one thing at a time: a system message, then a field, then another, then a bound. */
const maxRepairs = 6;
const quickMs = 1_000;
/** A caller that gets a 429 waits by itself, as long as it is told; only such a short wait is done for it. */
const shortWaitMs = 2_000;
