import type { IncomingHttpHeaders } from 'node:http';
import type { Attachment } from '../base/attachment.ts';
import { Attempt, type AttemptHost } from './attempt.ts';
import type { AttemptRules } from './attempt-rules.ts';
import type { Target } from './choose.ts';
import { AttemptPlan, type AttemptPlanOptions } from './attempt-plan.ts';
import { learnFromAnswer, learnFromSilence } from './learn.ts';
import { WaitBudget } from './wait-budget.ts';
import { isResting, probed, working } from './circuit-breaker.ts';
import { backoffMs, type Cause, causeOfError, causeOfStatus, mayHaveBegun } from './retry.ts';
import type { ResponseHandler, UpstreamCall } from './upstream-call.ts';
import type { SplitEmbeddings } from './split-embeddings.ts';
import { rateLimited } from './upstream-error.ts';
import { upstreamHeaders } from './upstream-headers.ts';
import type { Upstream } from './upstreams.ts';

export interface AttemptedRequest extends AttemptPlanOptions {
  call: { readonly requestId: string; readonly incoming: { readonly headers: IncomingHttpHeaders } };
  path: string;
  stream: boolean;
  pinned: boolean;
  team: string;
  /** Sends it as several; another attempt goes on where one broke off. */
  split: SplitEmbeddings | null;
  /** False where the upstream may have begun what is not to be done twice. */
  isRepeatable: boolean;
}

/**
 * Sends a request, as often as it takes until there is an answer to keep: to the attachments of its model, then to
 * those of its fallback. Where none has room it waits. All of it before the caller has the first byte.
 */
export class Attempts implements UpstreamCall, AttemptHost {
  sent = false;
  spent = false;
  over = false;
  sentAtMs = 0;
  readonly #rules: AttemptRules;
  readonly #request: AttemptedRequest;
  readonly #itinerary: AttemptPlan;
  readonly #patience: WaitBudget;
  #recipient: ResponseHandler | null = null;
  #target: Target;
  #upstream: Upstream;
  #attempt: Attempt | null = null;
  #made = 0;
  #connectedAgain = false;
  /** It has waited out a gap that a 429 told it of: once is enough. */
  #waitedOut = false;
  #gapMs: number | null = null;
  /** Ends what it is waiting for. */
  #quit: (() => void) | null = null;

  constructor(rules: AttemptRules, request: AttemptedRequest) {
    const { asked } = request;
    const [first] = asked.candidates;
    if (!first) throw new TypeError(`Nobody serves ${asked.model}.`);
    this.#rules = rules;
    this.#request = request;
    this.#itinerary = new AttemptPlan(request);
    this.#patience = new WaitBudget(rules, request);
    this.#target = asked;
    this.#upstream = first;
  }

  begin(recipient: ResponseHandler): void {
    this.#recipient = recipient;
    this.sentAtMs = recipient.startedMs;
    this.#letOthersGo();
    const upstream = this.#itinerary.first(recipient.nowMs);
    if (upstream) this.#send(this.#request.asked, upstream);
    else this.#proceed();
  }

  get recipient(): ResponseHandler {
    if (this.#recipient === null) throw new TypeError('It has not begun.');
    return this.#recipient;
  }

  get attachment(): Attachment {
    return this.#upstream.attachment;
  }

  get model(): string {
    return this.#target.model;
  }

  get headers(): readonly string[] {
    return this.#target === this.#request.asked ? noHeaders : ['x-tollgate-model', this.model];
  }

  get roomInMs(): number | null {
    return this.#gapMs;
  }

  failed(): void {
    if (!this.sent || this.#attempt === null) return;
    learnFromSilence(this.#rules, this.#upstream, { attempt: this.#attempt, cause: 'failing' });
  }

  abandon(): void {
    this.over = true;
    this.#quit?.();
    if (this.#attempt === null) return;
    this.#upstream.room.answered();
    this.#attempt.abort();
  }

  started(): void {
    this.sent = true;
  }

  keepsAnswer(attempt: Attempt, status: number, headers: IncomingHttpHeaders): boolean {
    const cause = causeOfStatus(status, headers['content-type'] ?? '');
    const gapMs = learnFromAnswer(this.#rules, this.#upstream, { attempt, cause, status, headers });
    this.#gapMs = gapMs;
    this.#letOthersGo();
    if (cause === null) return true;
    return !this.#triesAgain(cause, { mayWait: gapMs !== null && this.#mayWaitOut(gapMs), status });
  }

  keepsError(attempt: Attempt, error: Error): boolean {
    const cause = causeOfError(error, attempt.sent);
    if (cause === null) return true;
    learnFromSilence(this.#rules, this.#upstream, { attempt, cause });
    return !this.#triesAgain(cause, { mayWait: false, status: null });
  }

  /** Whether it may be sent again to whom has just refused it for its rate. */
  #mayWaitOut(gapMs: number): boolean {
    const { room } = this.#upstream;
    if (this.#request.split?.hasBegun) return this.#patience.lastsFor(room, this.#rules.clock.monotonic());
    return gapMs <= shortGapMs && !this.#waitedOut;
  }

  /** Whether another attempt is on its way. */
  #triesAgain(cause: Cause, { mayWait, status }: { mayWait: boolean; status: number | null }): boolean {
    const { clock, maxAttempts, deadlineMs, observer } = this.#rules;
    const { startedMs, begun } = this.recipient;
    const nowMs = clock.monotonic();
    if (begun || this.#made >= maxAttempts || nowMs - startedMs >= deadlineMs) return false;
    if (!this.#request.isRepeatable && mayHaveBegun(cause)) return false;
    if (mayWait) this.#waitedOut = true;
    else this.#strike(this.#upstream);
    const tookMs = nowMs - this.sentAtMs;
    if (!this.#mayGoOn(nowMs) && !this.#connectsAgain(cause, tookMs)) return false;
    observer.gaveUp({ attachment: this.attachment.name, cause, status, durationMs: tookMs });
    if (cause === 'failing') this.spent = true;
    this.sent = false;
    this.#attempt = null;
    const timer = setTimeout(() => this.#proceed(), backoffMs(this.#made, Math.random()));
    this.#quit = () => clearTimeout(timer);
    return true;
  }

  /** Takes it out of those to be tried. */
  #strike(upstream: Upstream): void {
    this.#target.candidates = this.#target.candidates.filter((each) => each !== upstream);
  }

  /** Where nothing was sent, there is nobody else and it was quick, the same one may be tried once more. */
  #connectsAgain(cause: Cause, tookMs: number): boolean {
    if (cause !== 'unconnected' || this.#connectedAgain || tookMs > quickMs) return false;
    this.#connectedAgain = true;
    this.#target.candidates = [this.#upstream];
    return true;
  }

  #mayGoOn(nowMs: number): boolean {
    const step = this.#itinerary.next(nowMs);
    if (step === null || step.kind === 'send') return step !== null;
    const { room } = step.upstream;
    return this.#rules.maxWaitMs > 0 && this.#patience.lastsFor(room, nowMs) && this.#patience.hasPlace();
  }

  #proceed(): void {
    this.#quit = null;
    const nowMs = this.#rules.clock.monotonic();
    const step = this.#itinerary.next(nowMs);
    if (step === null) {
      this.#refuse();
      return;
    }
    const { kind, target, upstream } = step;
    this.sentAtMs = nowMs;
    this.#upstream = upstream;
    const isWorthWaiting = this.#patience.lastsFor(upstream.room, nowMs);
    if (kind === 'send' || this.#rules.maxWaitMs === 0) this.#send(target, upstream);
    else if (isWorthWaiting && this.#patience.hasPlace()) this.#wait(nowMs);
    else if (!isWorthWaiting && upstream.room.findsOut(nowMs)) this.#send(target, upstream);
    else this.#refuse();
  }

  #send(target: Target, upstream: Upstream): void {
    const { call, path, stream, pinned, tokens, split } = this.#request;
    const { attachment, pathPrefix, pool, room } = upstream;
    const probe = upstream.rest !== working && !isResting(upstream.rest, this.recipient.nowMs);
    if (probe) upstream.rest = probed(upstream.rest, this.recipient.nowMs);
    this.#target = target;
    this.#upstream = upstream;
    this.#made += 1;
    const attempt = new Attempt(this, { taken: room.take(tokens), probe });
    this.#attempt = attempt;
    const { key } = attachment;
    const { requestId } = call;
    const headers = upstreamHeaders(call.incoming.headers, { key, requestId, stream, pinned });
    const sent = { path: pathPrefix + path, method: 'POST', headers } as const;
    if (split === null) {
      pool.dispatch({ ...sent, body: target.body }, attempt);
      return;
    }
    const countAnother = (): void => {
      attempt.taken = room.take(0);
    };
    split.over(pool, countAnother).dispatch(sent, attempt);
  }

  /** Whoever has waited goes first. */
  #letOthersGo(): void {
    const { waiting } = this.#rules;
    if (waiting.size > 0) waiting.serve();
  }

  #wait(nowMs: number): void {
    this.#quit = this.#patience.wait(nowMs, {
      ready: (atMs) => this.#itinerary.next(atMs)?.kind === 'send',
      go: () => this.#proceed(),
      expire: () => this.#refuse(),
    });
  }

  #refuse(): void {
    this.#quit = null;
    const nowMs = this.#rules.clock.monotonic();
    const opensInMs = this.#upstream.room.opensAtMs(nowMs, this.#request.tokens) - nowMs;
    this.recipient.refuse(rateLimited(opensInMs / 1_000));
  }
}

const noHeaders: readonly string[] = [];
const quickMs = 1_000;
/** A caller that was refused for the rate waits itself where it is told to, but for such a gap. */
const shortGapMs = 2_000;
