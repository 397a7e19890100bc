import type { IncomingHttpHeaders } from 'node:http';
import type { Attachment } from '../core/attachment.ts';
import type { Clock } from '../core/clock.ts';
import { Attempt, type AttemptHost } from './attempt.ts';
import type { Call } from './call.ts';
import { choose, chooseFull, chooseResting, type Target } from './choose.ts';
import { readingIn, usedUpForMs } from './rate-limit-headers.ts';
import { isResting, probed, rested, working } from './rest.ts';
import { backoffMs, type Cause, causeOfError, causeOfStatus, retryAfterMs } from './retry.ts';
import type { Recipient, Sending } from './sending.ts';
import { rateLimited } from './upstream-error.ts';
import { upstreamHeaders } from './upstream-headers.ts';
import type { SplitEmbeddings } from './split-embeddings.ts';
import type { Upstream } from './upstreams.ts';
import type { Waiter, WaitingRoom } from './waiting-room.ts';

/** What is told of attempts, for log and metrics. */
export interface AttemptObserver {
  /** One was given up for another; `status` null: it brought no answer. */
  gaveUp(attempt: { attachment: string; cause: Cause; status: number | null; durationMs: number }): void;
  /** An attachment fails and is asked last for a while; told when that begins. */
  rests(rest: { attachment: string; cause: Cause; forMs: number }): void;
  /** It works again. */
  recovered(attachment: string): void;
}

/** What all attempts of a process have in common. */
export interface AttemptRules {
  clock: Clock;
  waiting: WaitingRoom;
  observer: AttemptObserver;
  /** How many a request may take. */
  maxAttempts: number;
  /** After so long no other is begun. */
  deadlineMs: number;
  /** How long a request may wait for room; 0: what the upstream says of its room is not heeded. */
  maxWaitMs: number;
}

export interface AttemptedRequest {
  call: Call;
  path: string;
  stream: boolean;
  pinned: boolean;
  team: string;
  /** The estimate of its input. */
  tokens: number;
  asked: Target;
  /** Sends it as several; another attempt goes on where one broke off. */
  split: SplitEmbeddings | null;
  /** Another model that may answer in its place; asked for once, when it is needed. */
  fallback: () => Target | null;
}

interface Step {
  kind: 'send' | 'wait';
  target: Target;
  upstream: Upstream;
}

/**
 * Sends a request, as often as it takes until there is an answer to keep: to the attachments of its model, then to
 * those of its fallback. Where none has room it waits. All of it before the caller has the first byte.
 */
export class Attempts implements Sending, AttemptHost {
  sent = false;
  spent = false;
  over = false;
  sentAtMs = 0;
  readonly #rules: AttemptRules;
  readonly #request: AttemptedRequest;
  #recipient: Recipient | null = null;
  #target: Target;
  /** Undefined until it has been asked for. */
  #fallback: Target | null | undefined;
  #upstream: Upstream;
  #attempt: Attempt | null = null;
  #made = 0;
  /** Until when it may wait; set when it first does. */
  #waitUntilMs: number | null = null;
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
    this.#target = asked;
    this.#upstream = first;
  }

  begin(recipient: Recipient): void {
    this.#recipient = recipient;
    this.sentAtMs = recipient.startedMs;
    const { asked, tokens } = this.#request;
    const { waiting } = this.#rules;
    // Whoever has waited goes first.
    if (waiting.size > 0) waiting.serve();
    const upstream = choose(asked.candidates, recipient.nowMs, tokens);
    if (upstream) this.#send(asked, upstream);
    else this.#proceed();
  }

  get recipient(): Recipient {
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
    this.#gapMs = this.#learn(attempt, { cause, status, headers });
    const gapMs = this.#gapMs;
    if (this.#rules.waiting.size > 0) this.#rules.waiting.serve();
    if (cause === null) return true;
    const mayWait = gapMs !== null && gapMs <= shortGapMs && !this.#waitedOut;
    return !this.#triesAgain(cause, { mayWait, status });
  }

  keepsError(attempt: Attempt, error: Error): boolean {
    const cause = causeOfError(error, attempt.sent);
    if (cause === null) return true;
    this.#upstream.room.answered();
    this.#rest(attempt, cause, 0);
    return !this.#triesAgain(cause, { mayWait: false, status: null });
  }

  /** Hears what an answer says of the key's room and of the attachment's health; how long it says to wait. */
  #learn(
    attempt: Attempt,
    { cause, status, headers }: { cause: Cause | null; status: number; headers: IncomingHttpHeaders },
  ): number | null {
    const { room } = this.#upstream;
    const nowMs = this.#rules.clock.monotonic();
    const reading = readingIn(headers, nowMs);
    room.answered();
    if (reading) room.read(reading, attempt.taken);
    if (cause === null && status < 500) {
      this.#works();
      return null;
    }
    const askedMs = retryAfterMs(headers['retry-after']);
    const gapMs = askedMs ?? usedUpForMs(reading, nowMs);
    if (cause !== 'limited' || gapMs === null) {
      this.#rest(attempt, cause ?? 'failing', askedMs ?? 0);
      return null;
    }
    this.#works();
    room.limited(nowMs, nowMs + gapMs);
    return gapMs;
  }

  #works(): void {
    if (this.#upstream.rest === working) return;
    this.#upstream.rest = working;
    this.#rules.observer.recovered(this.attachment.name);
  }

  #rest({ probe }: Attempt, cause: Cause, askedMs: number): void {
    const { rest, attachment } = this.#upstream;
    const nowMs = this.#rules.clock.monotonic();
    const next = rested(rest, { nowMs, probe, retryAfterMs: askedMs, random: Math.random() });
    this.#upstream.rest = next;
    if (rest !== working) return;
    this.#rules.observer.rests({ attachment: attachment.name, cause, forMs: next.untilMs - nowMs });
  }

  /** Whether another attempt is on its way. */
  #triesAgain(cause: Cause, { mayWait, status }: { mayWait: boolean; status: number | null }): boolean {
    const { clock, maxAttempts, deadlineMs, observer } = this.#rules;
    const { startedMs, begun } = this.recipient;
    const nowMs = clock.monotonic();
    if (begun || this.#made >= maxAttempts || nowMs - startedMs >= deadlineMs) return false;
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
    const step = this.#next(nowMs);
    if (step === null || step.kind === 'send') return step !== null;
    return this.#rules.maxWaitMs > 0 && this.#opensInTime(step.upstream, nowMs) && this.#hasPlace();
  }

  #proceed(): void {
    this.#quit = null;
    const nowMs = this.#rules.clock.monotonic();
    const step = this.#next(nowMs);
    if (step === null) {
      this.#refuse();
      return;
    }
    const { kind, target, upstream } = step;
    this.sentAtMs = nowMs;
    this.#upstream = upstream;
    if (kind === 'send' || this.#rules.maxWaitMs === 0) this.#send(target, upstream);
    else if (this.#opensInTime(upstream, nowMs) && this.#hasPlace()) this.#wait();
    else if (!this.#opensInTime(upstream, nowMs) && upstream.room.findsOut(nowMs))
      this.#send(target, upstream);
    else this.#refuse();
  }

  /** Who is asked next, or waited for; null where there is nobody left. */
  #next(nowMs: number): Step | null {
    const { asked, tokens } = this.#request;
    // One failure may be a request's own fault, and is not to give everybody another model.
    const own =
      choose(asked.candidates, nowMs, tokens) ??
      chooseResting(asked.candidates.filter(restsBriefly), nowMs, tokens);
    if (own) return { kind: 'send', target: asked, upstream: own };
    const other = this.#otherTarget();
    const others = other && choose(other.candidates, nowMs, tokens);
    if (others) return { kind: 'send', target: other, upstream: others };
    for (const target of [asked, other]) {
      const upstream = target && chooseResting(target.candidates, nowMs, tokens);
      if (upstream) return { kind: 'send', target, upstream };
    }
    const target = asked.candidates.length > 0 ? asked : other;
    const upstream = target && chooseFull(target.candidates, nowMs, tokens);
    return upstream && { kind: 'wait', target, upstream };
  }

  #otherTarget(): Target | null {
    // Of two models' embeddings nothing whole can be made.
    if (this.#fallback === undefined) this.#fallback = this.#request.split ? null : this.#request.fallback();
    return this.#fallback;
  }

  #send(target: Target, upstream: Upstream): void {
    const { call, path, stream, pinned, tokens, split } = this.#request;
    const probe = upstream.rest !== working && !isResting(upstream.rest, this.recipient.nowMs);
    if (probe) upstream.rest = probed(upstream.rest, this.recipient.nowMs);
    this.#target = target;
    this.#upstream = upstream;
    this.#made += 1;
    const attempt = new Attempt(this, { taken: upstream.room.take(tokens), probe });
    this.#attempt = attempt;
    const { key } = upstream.attachment;
    const headers = upstreamHeaders(call.incoming.headers, {
      key,
      requestId: call.requestId,
      stream,
      pinned,
    });
    const sent = { path: upstream.pathPrefix + path, method: 'POST', headers } as const;
    if (split) split.over(upstream.pool).dispatch(sent, attempt);
    else upstream.pool.dispatch({ ...sent, body: target.body }, attempt);
  }

  #opensInTime({ room }: Upstream, nowMs: number): boolean {
    const { tokens } = this.#request;
    const untilMs = this.#waitUntilMs ?? nowMs + this.#rules.maxWaitMs;
    if (nowMs >= untilMs) return false;
    return room.opensAtMs(nowMs, tokens) < untilMs || room.mayOpenSooner(nowMs);
  }

  #hasPlace(): boolean {
    return this.#rules.waiting.hasPlace(this.#request.team);
  }

  #wait(): void {
    const { waiting, clock, maxWaitMs } = this.#rules;
    this.#waitUntilMs ??= clock.monotonic() + maxWaitMs;
    const waiter: Waiter = {
      team: this.#request.team,
      deadlineMs: this.#waitUntilMs,
      ready: (nowMs) => this.#next(nowMs)?.kind === 'send',
      go: () => this.#proceed(),
      expire: () => this.#refuse(),
    };
    this.#quit = () => waiting.leave(waiter);
    waiting.enter(waiter);
  }

  #refuse(): void {
    this.#quit = null;
    const nowMs = this.#rules.clock.monotonic();
    const opensInMs = this.#upstream.room.opensAtMs(nowMs, this.#request.tokens) - nowMs;
    this.recipient.refuse(rateLimited(opensInMs / 1_000));
  }
}

function restsBriefly({ rest }: Upstream): boolean {
  return rest.failures === 1;
}

const noHeaders: readonly string[] = [];
const quickMs = 1_000;
/** A caller that was refused for the rate waits itself where it is told to, but for such a gap. */
const shortGapMs = 2_000;
