import type { Admission, Ask } from '../limits/admission.ts';
import { storeUnavailable } from '../limits/decision.ts';
import { type Grant, limitsTagged, visibleLimits, wouldRefuse } from '../limits/grant.ts';
import { KeptAnswer } from '../limits/kept-answer.ts';
import { attemptsTold } from '../limits/keyed-attempts.ts';
import { limitHeaders } from '../limits/limit-headers.ts';
import { reserve } from '../limits/reservation.ts';
import type { Authenticated } from '../access/authenticator.ts';
import { whileStale } from '../access/while-stale.ts';
import type { Catalogue } from '../config/catalogue.ts';
import type { Settings } from '../config/environment.ts';
import type { Clock } from '../base/clock.ts';
import type { Principal } from '../identity/records/identity.ts';
import type { ForwardOutcome } from '../base/outcome.ts';
import { Refusal } from '../base/refusal.ts';
import { type Endpoint, sentTo, type ValidRequest } from '../base/request.ts';
import { Fallback } from './fallback.ts';
import { ownerOf, whileInProgress } from './keyed-call.ts';
import { RequestPolicy, tagsOf } from './request-policy.ts';
import { ValidRequests, type ValidRequestsParts } from './valid-requests.ts';
import type { Journal } from '../edge/journal.ts';
import type { Discovery } from '../models/discovery.ts';
import type { AttemptRules } from '../upstream/attempts.ts';
import type { Call } from '../edge/call.ts';
import type { FrontDoor } from '../edge/front-door.ts';
import { type AnswerKeeper, WholeAnswer } from '../proxy/answer-keeper.ts';
import { ItemsKeeper } from '../proxy/items-keeper.ts';
import { forward, forwardInParts, type ForwardOptions } from '../proxy/forward.ts';
import { partsOf } from '../upstream/embeddings-in-parts.ts';
import type { OpenExchanges } from '../proxy/open-exchanges.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { Upstreams } from '../upstream/upstreams.ts';
import type { ServedModels } from '../models/served-models.ts';
import type { RequestQueue } from '../upstream/request-queue.ts';
import { betasSentOn } from '../upstream/upstream-headers.ts';
import type { RequestRepairs } from '../models/repairs/request-repairs.ts';

/** Output of a model the catalogue does not bound: the seed page's figure. */
const defaultOutputTokens = 4_096;

interface PipelineParts extends ValidRequestsParts {
  settings: Settings;
  catalogue: Catalogue;
  frontDoor: FrontDoor;
  repairs: RequestRepairs;
  admission: Admission;
  upstreams: Upstreams;
  served: ServedModels;
  discovery: Pick<Discovery, 'askAgain'>;
  exchanges: OpenExchanges;
  queue: RequestQueue;
  clock: Clock;
  journal: Journal;
  /** Whether the process is shutting down and takes no new work. */
  draining: () => boolean;
}

/** The body for the upstream, and what to ask the limits for. */
interface Prepared {
  body: Buffer;
  ask: Ask;
}

/** What is kept of a call while it waits for another one: its body may be large. */
interface Waiting {
  caller: Authenticated;
  prepared: (Prepared & { principal: Principal }) | null;
}

/** A request that was admitted: where it goes, with what. */
export interface Admitted {
  grant: Grant;
  candidates: readonly Upstream[];
  body: Buffer;
  /** Who asks, by what the store said when it admitted. */
  principal: Principal;
}

/** The steps of a request that is forwarded, after the front door; `app.ts` puts them in order. */
export class Pipeline {
  readonly #parts: PipelineParts;
  readonly #rules: AttemptRules;
  readonly #requests: ValidRequests;
  readonly #policy: RequestPolicy;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    this.#requests = new ValidRequests(parts);
    this.#policy = new RequestPolicy(parts);
    const { upstreamAttempts, upstreamQueueMs, upstreamTimeoutMs } = parts.settings;
    this.#rules = {
      clock: parts.clock,
      queue: parts.queue,
      observer: parts.journal,
      repairs: parts.repairs,
      maxAttempts: upstreamAttempts,
      deadlineMs: upstreamTimeoutMs,
      // A request that has waited still needs time for its answer.
      maxWaitMs: Math.min(upstreamQueueMs, upstreamTimeoutMs / 2),
    };
  }

  /** The body, read, filled in and checked; null when the caller left before it was in. */
  validate(call: Call, endpoint: Endpoint, caller: Authenticated): Promise<ValidRequest | Refusal | null> {
    return this.#requests.valid(call, endpoint, caller);
  }

  /**
   * Policy and limits. A cached principal may only admit, since admission compares its epoch; what it would
   * refuse is asked again of the store (invariant 5). Rejects with `StoreUnavailable`. If another call with the same
   * Idempotency-Key is running, a plain one waits for the answer.
   */
  async admit(
    call: Call,
    request: ValidRequest,
    caller: Authenticated,
  ): Promise<Admitted | KeptAnswer | Refusal> {
    if (call.key !== null && !request.stream) return this.#admitKeyed(call, request, caller);
    const admitted = await whileStale(this.#parts.frontDoor, caller, (current) =>
      this.#tryToAdmit(call, request, current, null),
    );
    return admitted ?? storeUnavailable();
  }

  #admitKeyed(
    call: Call,
    request: ValidRequest,
    caller: Authenticated,
  ): Promise<Admitted | KeptAnswer | Refusal> {
    const { frontDoor, clock, settings, draining } = this.#parts;
    const { upstreamTimeoutMs } = settings;
    const waiting: Waiting = { caller, prepared: null };
    return whileInProgress(call, { clock, upstreamTimeoutMs, draining }, async () => {
      const admitted = await whileStale(frontDoor, waiting.caller, (current) => {
        waiting.caller = current;
        return this.#tryToAdmit(call, request, current, waiting);
      });
      return admitted ?? storeUnavailable();
    });
  }

  /** Waits for nothing but the store: each promise that is made for less costs as much as a header. */
  async #tryToAdmit(
    call: Call,
    request: ValidRequest,
    caller: Authenticated,
    waiting: Waiting | null,
  ): Promise<Admitted | KeptAnswer | Refusal | 'stale'> {
    const { frontDoor } = this.#parts;
    const asked = frontDoor.confirm(caller, (principal) => this.#policy.refusal(call, request, principal));
    const confirmed = asked instanceof Promise ? await asked : asked;
    if (confirmed instanceof Refusal) return confirmed;
    const known = this.#candidates(request.model);
    const candidates = known instanceof Promise ? await known : known;
    const unserved = this.#unserved(request, candidates);
    if (unserved) return unserved;
    const { principal } = confirmed;
    const prepared = this.#prepared(call, request, principal, waiting);
    if (prepared instanceof Refusal) return prepared;
    const { body, ask } = prepared;
    const grant = await this.#parts.admission.admit(principal, ask);
    if (grant === 'stale' || (grant instanceof Refusal && hasExpired(grant))) return 'stale';
    if (grant instanceof Refusal || grant instanceof KeptAnswer) return grant;
    return { grant, candidates, body, principal };
  }

  /**
   * Why the caller may not make this request, whatever its limits have left; null if it may. By what the store says now:
   * admission, which would find a stale caller, is not asked. Rejects with `StoreUnavailable`.
   */
  async refusal(call: Call, request: ValidRequest, { principal }: Authenticated): Promise<Refusal | null> {
    const caller = await this.#parts.frontDoor.refresh(principal.credential);
    if (caller instanceof Refusal) return caller;
    const refused = this.#policy.refusal(call, request, caller.principal);
    return refused ?? this.#unserved(request, await this.#candidates(request.model));
  }

  #unserved(request: ValidRequest, candidates: readonly Upstream[]): Refusal | null {
    return candidates.length === 0 ? modelNotFound(request.model) : this.#parts.served.misplaced(request);
  }

  /** The upstreams of a model. One that nobody lists may be new, so the upstreams are asked once more. */
  #candidates(model: string): readonly Upstream[] | Promise<readonly Upstream[]> {
    const { discovery, upstreams } = this.#parts;
    const known = upstreams.candidates(model);
    return known.length > 0 ? known : discovery.askAgain().then(() => upstreams.candidates(model));
  }

  /** Sends an admitted request on, and settles it whatever becomes of it. */
  forward(call: Call, request: ValidRequest, admitted: Admitted): void {
    const { grant, candidates, principal } = admitted;
    const { endpoint, model } = request;
    const pinned = (principal.identity.session?.pinned ?? null) !== null;
    const fallback = this.#fallback(call, request, { grant, principal, pinned });
    const keeper = this.#keeper(call, request, principal);
    const settle = (outcome: ForwardOutcome): Promise<void> | null => {
      fallback?.settle(outcome);
      return this.settle(call, grant, outcome, keeper);
    };
    const parts = partsOf(request);
    if (parts) this.#parts.frontDoor.countAtAddress(call);
    // It takes the place of the body that came, also if there should be no room for the difference.
    else call.holding.body(admitted.body.length + repeatedBytes(request));
    try {
      const options: ForwardOptions = {
        rules: this.#rules,
        call,
        path: sentTo(endpoint).path,
        team: grant.request.team,
        tokens: grant.request.inputTokens,
        asked: {
          model,
          isModelKnown: grant.request.modelKnown,
          candidates,
          body: admitted.body,
          adjusted: request.adjusted ?? nothingAdjusted,
          admit: null,
        },
        fallback: (sent) => fallback?.target(sent) ?? null,
        isRepeatable: request.remoteTools.length === 0,
        answerFormat: endpoint.answerFormat,
        stream: request.stream,
        frames: principal.identity.token.frames ?? this.#parts.catalogue.frames(model),
        asResponse: translated(request, this.#parts.clock),
        pinned,
        headers: headersOf(call, grant),
        timings: this.#parts.settings,
        open: this.#parts.exchanges,
        keeper,
        settle,
      };
      if (parts) forwardInParts(options, parts);
      else forward(options);
    } catch (error) {
      // A grant must not stay open for a defect here; settling twice does no harm.
      void settle(neverSent(call));
      throw error;
    }
  }

  /** Gathers what is kept of the answer: all of it for an Idempotency-Key, else perhaps its items. */
  #keeper(
    { key, holding }: Call,
    { translation }: ValidRequest,
    { identity }: Principal,
  ): AnswerKeeper | null {
    if (key !== null) return new WholeAnswer(holding);
    if (translation === undefined || !translation.stored || this.#parts.items === null) return null;
    return new ItemsKeeper(ownerOf(identity), holding);
  }

  /** Null if the model has none. What it holds on to stays for as long as the answer takes: no body. */
  #fallback(
    call: Call,
    { endpoint, model, outputBound }: ValidRequest,
    { grant, principal, pinned }: Pick<Admitted, 'grant' | 'principal'> & { pinned: boolean },
  ): Fallback | null {
    if (this.#parts.catalogue.fallback(model) === null) return null;
    const betas = betasSentOn(call.incoming.headers, pinned);
    return new Fallback(this.#parts, {
      request: { endpoint, model, isBounded: outputBound !== null, principal, betas },
      grant,
      mayUse: (other) => this.#policy.refusal(call, other, principal) === null,
      outputBound: (other) => this.#outputBound(other),
    });
  }

  /** Charges, writes the entry, logs. A promise is to be awaited before the caller's answer ends. */
  settle(
    call: Call,
    grant: Grant,
    outcome: ForwardOutcome,
    keeper: AnswerKeeper | null = null,
  ): Promise<void> | null {
    const { admission, journal } = this.#parts;
    const priced = this.#atPriceOf(outcome, grant);
    const { entry, settled } = admission.settle(priced, outcome, keeper && keeper.take());
    const modelKnown = grant.request.modelKnown || outcome.accepted;
    journal.settled(call, { entry, outcome, modelKnown, observed: wouldRefuse(grant), settled });
    return settled;
  }

  /** The model that answered is paid for, whichever was asked for. */
  #atPriceOf(outcome: ForwardOutcome, grant: Grant): Grant {
    const answered = outcome.sentTo;
    if (answered === null || answered.model === grant.request.model) return grant;
    return { ...grant, price: this.#parts.catalogue.price(answered.model, grant.admittedAtMs) };
  }

  /** The output to reserve if the body has no bound, tokens. */
  #outputBound({ model, thinkingTokens = 0 }: ValidRequest): number {
    return this.#parts.catalogue.maxOutputTokens(model) ?? Math.max(defaultOutputTokens, thinkingTokens);
  }

  /** Of a call that waits, made again only for another principal: what a limit lets through depends on nothing else of it. */
  #prepared(
    call: Call,
    request: ValidRequest,
    principal: Principal,
    waiting: Waiting | null,
  ): Prepared | Refusal {
    if (waiting?.prepared?.principal === principal) return waiting.prepared;
    const tags = tagsOf(call, principal);
    if (tags instanceof Refusal) return tags;
    const { model, endpoint, stream } = request;
    const price = this.#policy.price(model);
    const limits = limitsTagged(principal, tags);
    const nowMs = this.#parts.admission.heartbeat.storeNowMs();
    const { body, reserved } = reserve(request, limits, this.#outputBound(request), price, nowMs);
    // A body may grow by its translation, and the answer repeats some of it.
    const full = request.translation && call.holding.body(body.length + repeatedBytes(request));
    if (full) return full;
    const modelKnown = this.#parts.served.knows(model);
    const { requestId, key } = call;
    const ask = { requestId, endpoint: endpoint.path, model, modelKnown, stream, tags, price, reserved, key };
    if (waiting !== null) waiting.prepared = { principal, body, ask };
    return { body, ask };
  }
}

/** The gateway's own headers of an answer, a flat list. */
function headersOf(call: Call, grant: Grant): string[] {
  const headers = [...call.headers, ...limitHeaders(visibleLimits(grant), grant.admittedAtMs)];
  if (grant.after !== undefined) {
    headers.push(...attemptsTold(grant.after, { toSession: grant.request.sessionId !== null }));
  }
  return headers;
}

/** What is kept of a body until the answer has ended, besides what is sent on. */
function repeatedBytes({ translation }: ValidRequest): number {
  return translation === undefined ? 0 : translation.repeated.length;
}

/** What makes a response of its chat answer; null if that goes out as it comes. */
function translated({ translation, model }: ValidRequest, clock: Clock): ForwardOptions['asResponse'] {
  return translation === undefined ? null : { translation, model, clock };
}

const nothingAdjusted: readonly never[] = [];

/** Of what has expired since it was read, the store says why: its time was up, or its secret was rotated out. */
function hasExpired({ code }: Refusal): boolean {
  return code === 'expired_token';
}

function neverSent(call: Call): ForwardOutcome {
  return {
    ending: 'not_taken',
    status: 500,
    outcome: 'error',
    errorCode: 'internal_error',
    usage: null,
    unreportedTokens: 0,
    accepted: false,
    upstream: null,
    sentTo: null,
    durationMs: call.elapsedMs,
    ttfbMs: null,
  };
}

function modelNotFound(model: string): Refusal {
  const message = `No attachment of this gateway serves ${model}; GET /v1/models lists what there is.`;
  return new Refusal('model_not_found', message, { param: 'model' });
}
