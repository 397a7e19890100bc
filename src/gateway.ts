import type { Admission } from './admission/admission.ts';
import { storeUnavailable } from './admission/admission.ts';
import type { Grant } from './admission/grant.ts';
import { limitHeaders } from './admission/limit-headers.ts';
import { reserve } from './admission/reservation.ts';
import type { Authenticated, Authenticator } from './auth/authenticator.ts';
import { checkEndpoint, checkModel, checkOrigin, checkTools } from './auth/policy.ts';
import type { Catalogue } from './config/catalogue.ts';
import type { Settings } from './config/environment.ts';
import type { LedgerEntry } from './core/entry.ts';
import type { Identity, Principal } from './core/identity.ts';
import type { ForwardOutcome } from './core/outcome.ts';
import { type ErrorCode, Refusal, restarting } from './core/refusal.ts';
import type { Endpoint, ValidRequest } from './core/request.ts';
import { StoreUnavailable } from './core/store-unavailable.ts';
import type { AccessLine } from './observability/access-line.ts';
import type { Log } from './observability/log.ts';
import type { Answer, Metrics } from './observability/metrics.ts';
import type { Call } from './proxy/call.ts';
import { callerLeft, type ExchangeTimings } from './proxy/exchange.ts';
import { forward } from './proxy/forward.ts';
import type { OpenExchanges } from './proxy/open-exchanges.ts';
import type { Upstream, Upstreams } from './proxy/upstreams.ts';
import type { BodyBudget } from './validation/body-budget.ts';
import { parseJson } from './validation/parse-json.ts';
import { readBody } from './validation/read-body.ts';

/** Output of a model the catalogue does not bound: the seed page's figure. */
const defaultOutputTokens = 4_096;
/** How often a request is checked again because its team changed meanwhile. */
const maxReadings = 3;

export interface GatewayParts {
  settings: Settings;
  catalogue: Catalogue;
  authenticator: Authenticator;
  admission: Admission;
  upstreams: Upstreams;
  exchanges: OpenExchanges;
  budget: BodyBudget;
  metrics: Metrics;
  log: Log;
  /** Whether the process is on its way out and takes no new work. */
  draining: () => boolean;
}

/** A request that was admitted: where it goes, with what. */
export interface Admitted {
  grant: Grant;
  upstream: Upstream;
  body: Buffer;
}

/** The five steps of a request, made of the features that do them; `app.ts` puts them in order. */
export class Gateway {
  readonly #parts: GatewayParts;
  readonly #timings: ExchangeTimings;

  constructor(parts: GatewayParts) {
    this.#parts = parts;
    const { upstreamTimeoutMs, streamIdleTimeoutMs, readerTimeoutMs, firstHeartbeatMs, heartbeatMs } =
      parts.settings;
    this.#timings = {
      upstreamTimeoutMs,
      idleTimeoutMs: streamIdleTimeoutMs,
      readerTimeoutMs,
      firstHeartbeatMs,
      heartbeatMs,
    };
  }

  /** Who calls, and whether from here and for this path. Rejects with `StoreUnavailable`. */
  async authenticate(call: Call, { freshly = false } = {}): Promise<Authenticated | Refusal> {
    const { authenticator, draining } = this.#parts;
    if (draining()) return restarting();
    let caller = await authenticator.authenticate(call.incoming.headers, call.incoming.socket);
    if (freshly && !(caller instanceof Refusal) && !caller.fresh) {
      caller = await authenticator.refresh(caller.principal.secretHash);
    }
    if (caller instanceof Refusal) return caller;
    call.principal = caller.principal;
    return this.#confirmed(caller, (principal) => this.#entryRefusal(call, principal));
  }

  /** The body, read and checked; null when the caller left before it was in. */
  async validate(call: Call, endpoint: Endpoint): Promise<ValidRequest | Refusal | null> {
    const { budget, settings, catalogue } = this.#parts;
    const read = await readBody({ incoming: call.incoming, maxBytes: settings.maxBodyBytes, budget });
    if (read.kind === 'gone') return null;
    if (read.kind === 'refused') return read.refusal;
    call.arrived();
    call.whenClosed(read.release);
    const value = parseJson(read.bytes);
    if (value instanceof Refusal) return value;
    return endpoint.validate(value, (model) => catalogue.maxOutputTokens(model));
  }

  /**
   * Policy and limits. A cached principal may only admit, since admission compares its epoch; what it would
   * refuse is asked again of the store (invariant 5). Rejects with `StoreUnavailable`.
   */
  async admit(call: Call, request: ValidRequest, caller: Authenticated): Promise<Admitted | Refusal> {
    let current: Authenticated | Refusal = caller;
    for (let reading = 0; reading < maxReadings; reading += 1) {
      current = await this.#confirmed(current, (principal) => this.#useRefusal(call, request, principal));
      if (current instanceof Refusal) return current;
      const upstream = this.#parts.upstreams.route(request.model);
      if (!upstream) return modelNotFound(request.model);
      const admitted = await this.#reserve(call, request, { upstream, principal: current.principal });
      if (admitted !== 'stale') return admitted;
      current = await this.#parts.authenticator.refresh(current.principal.secretHash);
      if (current instanceof Refusal) return current;
    }
    return storeUnavailable();
  }

  /** Sends an admitted request on, and settles it whatever becomes of it. */
  forward(call: Call, request: ValidRequest, { grant, upstream, body }: Admitted): void {
    const { exchanges, metrics } = this.#parts;
    metrics.requestOpened();
    call.whenClosed(() => metrics.requestClosed());
    if (request.stream) {
      metrics.streamOpened();
      call.whenClosed(() => metrics.streamClosed());
    }
    const settle = (outcome: ForwardOutcome): Promise<void> | null =>
      this.settle(call, { grant, upstream, outcome });
    try {
      forward({
        call,
        upstream,
        path: request.endpoint.path,
        body,
        stream: request.stream,
        headers: [...call.headers, ...limitHeaders(grant.limits, grant.admittedAtMs)],
        timings: this.#timings,
        open: exchanges,
        settle,
      });
    } catch (error) {
      // A grant must not stay open for a defect here; settling twice does no harm.
      void settle(neverSent(call));
      throw error;
    }
  }

  /** Charges, writes the entry, logs. A promise is to be awaited before the caller's answer ends. */
  settle(
    call: Call,
    { grant, upstream, outcome }: { grant: Grant; upstream: Upstream; outcome: ForwardOutcome },
  ): Promise<void> | null {
    const { admission, metrics, log } = this.#parts;
    const { entry, settled } = admission.settle(grant, outcome);
    const known = grant.request.modelKnown || outcome.accepted;
    const attachment = upstream.attachment.name;
    if (outcome.upstream) {
      const { status, headMs } = outcome.upstream;
      metrics.upstreamAnswered({ attachment, status, durationMs: headMs ?? outcome.durationMs });
    }
    metrics.answered({
      endpoint: entry.endpoint,
      status: entry.status,
      outcome: entry.outcome,
      stream: entry.stream,
      durationMs: outcome.durationMs,
      ttfbMs: outcome.ttfbMs,
      model: known ? entry.model : null,
      inputTokens: entry.input_tokens,
      outputTokens: entry.output_tokens,
      images: entry.images,
    });
    if (outcome.errorCode !== null && outcome.errorCode !== 'shutdown') metrics.refused(outcome.errorCode);
    log.access(accessLine(call, entry, attachment));
    return settled;
  }

  /** Answers a request that is neither counted nor in the ledger. */
  answer(call: Call, value: unknown): void {
    this.note({ ...noteOf(call), status: 200, errorCode: null });
    call.answer(value);
  }

  /** Answers a browser's preflight, whoever may ask: it grants nothing. */
  preflight(call: Call): void {
    this.note({ ...noteOf(call), status: 204, errorCode: null });
    call.answerPreflight();
  }

  /** Turns a request down. */
  refuse(call: Call, refusal: Refusal): void {
    this.note({ ...noteOf(call), status: refusal.status, errorCode: refusal.code });
    call.refuse(refusal);
  }

  /** Turns a request down for an error that is nobody's intention. */
  fail(call: Call, error: unknown): void {
    this.refuse(call, this.refusalFor(error));
  }

  /** What an error is answered with: no detail, which is for the log. */
  refusalFor(error: unknown): Refusal {
    if (error instanceof StoreUnavailable) return storeUnavailable();
    this.#parts.log.error('a request failed', { error });
    return new Refusal('internal_error', 'Something went wrong in the gateway.');
  }

  /** Takes note of a caller that left before its body was in: there is nobody to answer. */
  leftEarly(call: Call): void {
    this.note({ ...noteOf(call), status: callerLeft, errorCode: null });
  }

  /** Takes note of what was refused before it reached the routes: of it nothing else is known. */
  noteUnrouted({ status, code: errorCode }: Refusal): void {
    const request = { requestId: '', method: '', path: '', durationMs: 0, identity: null };
    this.note({ ...request, status, errorCode });
  }

  /** Says in log and metrics that a request without a ledger entry was answered. */
  note({ requestId, method, path, status, errorCode, durationMs, identity }: Note): void {
    const { log, metrics } = this.#parts;
    const outcome = outcomeOf(status);
    const told = identity && { team: identity.team.id, user: identity.user.id, token_id: identity.token.id };
    if (errorCode !== null) metrics.refused(errorCode);
    metrics.answered({ ...uncounted, endpoint: path, status, outcome, durationMs });
    log.access({
      ...nobody,
      ...told,
      request_id: requestId,
      method,
      path,
      status,
      outcome,
      error_code: errorCode,
      duration_ms: Math.round(durationMs),
    });
  }

  #entryRefusal(call: Call, principal: Principal): Refusal | null {
    return (
      checkOrigin(principal, call.origin, this.#parts.settings.allowedOrigins) ??
      // What tells a token about itself is open to it, whatever endpoints it may use.
      (call.incoming.method === 'POST' ? checkEndpoint(principal, call.path) : null)
    );
  }

  #useRefusal(call: Call, request: ValidRequest, principal: Principal): Refusal | null {
    return (
      this.#entryRefusal(call, principal) ??
      checkModel(principal, request.model) ??
      checkTools(principal, request.remoteTools)
    );
  }

  /** The caller if it passes, by what the store says now wherever it does not. */
  async #confirmed(
    caller: Authenticated,
    check: (principal: Principal) => Refusal | null,
  ): Promise<Authenticated | Refusal> {
    const refusal = check(caller.principal);
    if (!refusal) return caller;
    if (caller.fresh) return refusal;
    const fresh = await this.#parts.authenticator.refresh(caller.principal.secretHash);
    return fresh instanceof Refusal ? fresh : (check(fresh.principal) ?? fresh);
  }

  async #reserve(
    call: Call,
    request: ValidRequest,
    { upstream, principal }: { upstream: Upstream; principal: Principal },
  ): Promise<Admitted | Refusal | 'stale'> {
    const { admission, catalogue, upstreams } = this.#parts;
    const { model, endpoint, stream } = request;
    const bound = catalogue.maxOutputTokens(model) ?? defaultOutputTokens;
    const { body, reserved } = reserve(request, principal.limits, bound);
    const grant = await admission.admit(principal, {
      requestId: call.requestId,
      endpoint: endpoint.path,
      model,
      modelKnown: catalogue.kind(model) !== null || upstreams.names(model),
      stream,
      inputTokens: reserved.inputTokens,
      outputTokens: reserved.outputTokens,
      images: reserved.images,
    });
    return grant === 'stale' || grant instanceof Refusal ? grant : { grant, upstream, body };
  }
}

/** A request that leaves a line in the log and nothing in the ledger. */
export interface Note {
  requestId: string;
  method: string;
  /** Without the query string. */
  path: string;
  status: number;
  errorCode: ErrorCode | null;
  durationMs: number;
  /** Who asked, where that is known. */
  identity: Identity | null;
}

function noteOf(call: Call): Omit<Note, 'status' | 'errorCode'> {
  const { requestId, path, elapsedMs, principal } = call;
  const method = call.incoming.method ?? '';
  return { requestId, method, path, durationMs: elapsedMs, identity: principal?.identity ?? null };
}

function outcomeOf(status: number): AccessLine['outcome'] {
  if (status < 400) return 'ok';
  return status === callerLeft ? 'aborted' : 'refused';
}

const uncounted = {
  stream: false,
  ttfbMs: null,
  model: null,
  inputTokens: 0,
  outputTokens: 0,
  images: 0,
} satisfies Partial<Answer>;

const nobody = {
  team: null,
  user: null,
  token_id: null,
  model: null,
  stream: false,
  ttfb_ms: null,
  input_tokens: 0,
  output_tokens: 0,
  images: 0,
  upstream: null,
} satisfies Partial<AccessLine>;

function accessLine(call: Call, entry: LedgerEntry, upstream: string): AccessLine {
  return {
    request_id: entry.request_id,
    method: call.incoming.method ?? '',
    path: entry.endpoint,
    status: entry.status,
    outcome: entry.outcome,
    error_code: entry.error_code,
    team: entry.team,
    user: entry.user,
    token_id: entry.token_id,
    model: entry.model,
    stream: entry.stream,
    duration_ms: entry.duration_ms,
    ttfb_ms: entry.ttfb_ms,
    input_tokens: entry.input_tokens,
    output_tokens: entry.output_tokens,
    images: entry.images,
    upstream,
  };
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
    durationMs: call.elapsedMs,
    ttfbMs: null,
  };
}

function modelNotFound(model: string): Refusal {
  const message = `No attachment of this gateway serves ${model}; GET /v1/models lists what there is.`;
  return new Refusal('model_not_found', message, { param: 'model' });
}
