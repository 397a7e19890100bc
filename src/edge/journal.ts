import { withoutEndUser } from '../base/end-user.ts';
import type { LimitState } from '../limits/grant.ts';
import type { LimitNotice } from '../limits/limit-watches.ts';
import type { EntryRecord } from '../ledger/entry.ts';
import type { Principal } from '../identity/records/identity.ts';
import { noFigures } from '../base/figures.ts';
import { limitName } from '../base/limit.ts';
import { callerLeft, type ForwardOutcome } from '../base/outcome.ts';
import type { ErrorCode, Refusal, RefusedCaller } from '../base/refusal.ts';
import { otherEndpoint, type RefusedAs, wouldRefuse } from '../ledger/refusal-count.ts';
import type { AccessLine } from '../observability/access-line.ts';
import type { Log } from '../observability/log.ts';
import type { Answer, Metrics } from '../observability/metrics.ts';
import type { AttemptObserver, Outage, KeyRefused } from '../upstream/upstream.ts';
import type { RequestTrace } from '../telemetry/request-trace.ts';
import type { Call } from './call.ts';
import { traceEnded, traceSettled } from './traced.ts';
import type { UpstreamEvents } from './upstream-events.ts';

/** A request that is logged but has no entry in the ledger. */
export interface Note {
  requestId: string;
  method: string;
  /** Without the query string. */
  path: string;
  status: number;
  errorCode: ErrorCode | null;
  durationMs: number;
  /** Null if not known. */
  caller: RefusedCaller | null;
  /** The model that was asked for; absent if that is not known. */
  model?: string | null;
  /** The limit that refused it, such as `token requests/minute`; absent if none did. */
  limit?: string | null;
  /** Of the call, if it is traced. */
  trace?: RequestTrace | null;
}

/** How a request ended that was admitted. */
interface Ended {
  entry: EntryRecord;
  outcome: ForwardOutcome;
  modelKnown: boolean;
  /** The observe-only limits that had no room for it. */
  observed: readonly LimitState[];
  /** Resolves when the store has the settlement; null if nobody waits for that. */
  settled: Promise<void> | null;
}

export interface JournalParts {
  log: Log;
  metrics: Metrics;
  /** Counts refused requests by caller, endpoint, code, model and limit. */
  refusals: { count(as: RefusedAs): void };
  /** Whether a model's name is more than a caller's claim. */
  knowsModel: (model: string) => boolean;
  /** Tells events of attachments. */
  upstreamEvents: Pick<UpstreamEvents, 'down' | 'recovered' | 'keyRefused'>;
}

/** Records every request, however it ended: one log line, metrics, and the count of refusals. */
export class Journal implements AttemptObserver {
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #refusals: JournalParts['refusals'];
  readonly #knowsModel: JournalParts['knowsModel'];
  readonly #upstreamEvents: JournalParts['upstreamEvents'];
  readonly #served = new Set<string>();

  constructor({ log, metrics, refusals, knowsModel, upstreamEvents }: JournalParts) {
    this.#upstreamEvents = upstreamEvents;
    this.#knowsModel = knowsModel;
    this.#log = log;
    this.#metrics = metrics;
    this.#refusals = refusals;
  }

  /**
   * Registers a path that is served. Refusals at other paths are counted together: a caller can choose those freely.
   */
  serves(path: string): void {
    this.#served.add(path);
  }

  /** A request that was admitted, and how it ended. */
  settled(call: Call, ended: Ended): void {
    const { entry, outcome, modelKnown, observed } = ended;
    const attachment = outcome.sentTo?.attachment ?? null;
    if (outcome.upstream && attachment !== null) {
      const { status, headMs } = outcome.upstream;
      this.#metrics.upstreamAnswered({ attachment, status, durationMs: headMs ?? outcome.durationMs });
    }
    this.#metrics.answered({
      endpoint: entry.endpoint,
      status: entry.status,
      outcome: entry.outcome,
      stream: entry.stream,
      durationMs: outcome.durationMs,
      ttfbMs: outcome.ttfbMs,
      model: modelKnown ? entry.model : null,
      figures: entry,
    });
    if (entry.costNanoUsd !== null) this.#metrics.paid(entry.team, entry.model, entry.costNanoUsd);
    if (outcome.errorCode !== null && outcome.errorCode !== 'shutdown') {
      this.#metrics.refused(outcome.errorCode);
    }
    const line = accessLine(call, entry, attachment);
    if (call.trace !== null) line.trace_id = traceSettled(call.trace, ended);
    if (observed.length > 0) line.would_refuse = this.#observed(ended);
    this.#log.access(line);
  }

  /** Counts a request at each observe-only limit that had no room for it. Returns their names. */
  #observed({ entry, modelKnown, observed }: Ended): string {
    const { team, user, token_id: token, endpoint, model } = entry;
    const known = modelKnown ? model : null;
    const names: string[] = [];
    for (const { scoped } of observed) {
      const limit = limitName(scoped.limit);
      const name = `${scoped.scope} ${limit}`;
      names.push(name);
      this.#metrics.wouldRefuse({ team, scope: scoped.scope, limit });
      this.#refusals.count({ team, user, token, endpoint, code: wouldRefuse, model: known, limit: name });
    }
    return names.join(', ');
  }

  /** An attempt failed and another one follows. */
  gaveUp({ cause, ...attempt }: Parameters<AttemptObserver['gaveUp']>[0]): void {
    this.#metrics.attemptGivenUp(attempt.attachment, cause);
    if (cause !== 'unconnected') this.#metrics.upstreamAnswered(attempt);
  }

  /** An attachment is failing for a model, so for a while it is tried last. */
  circuitOpened({ forMs, ...failure }: Parameters<AttemptObserver['circuitOpened']>[0]): void {
    this.#log.warn('an attachment fails: others are tried first', { ...failure, for_ms: Math.round(forMs) });
  }

  circuitClosed(closed: Parameters<AttemptObserver['circuitClosed']>[0]): void {
    this.#log.info('an attachment works again', closed);
    this.#upstreamEvents.recovered(closed);
  }

  isOut(outage: Outage): void {
    this.#upstreamEvents.down(outage);
  }

  keyRefused(refused: KeyRefused): void {
    this.#upstreamEvents.keyRefused(refused);
  }

  /** A request without an entry in the ledger. */
  note({
    requestId,
    method,
    path,
    status,
    errorCode,
    durationMs,
    caller,
    model = null,
    limit = null,
    trace = null,
  }: Note): void {
    const outcome = outcomeOf(status);
    const { team = null, user = null, token = null } = caller ?? {};
    const known = model !== null && this.#knowsModel(model) ? model : null;
    if (errorCode !== null) {
      this.#metrics.refused(errorCode);
      const endpoint = this.#endpointOf(path);
      this.#refusals.count({ team, user, token, endpoint, code: errorCode, model: known, limit });
    }
    this.#metrics.answered({ ...uncounted, endpoint: path, status, outcome, durationMs });
    this.#log.access({
      ...nobody,
      team,
      user,
      token_id: token,
      model,
      limit,
      request_id: requestId,
      isOwnRequestId: false,
      method,
      path: withoutEndUser(path),
      status,
      outcome,
      error_code: errorCode,
      duration_ms: Math.round(durationMs),
      trace_id: trace && traceEnded(trace, { status, outcome, errorCode, caller, model: known, limit }),
    });
  }

  /** The same for a call of the data plane. */
  noteCall(call: Call, status: number, errorCode: ErrorCode | null = null): void {
    const { requestId, loggedPath: path, elapsedMs: durationMs, principal, trace } = call;
    const method = call.incoming.method ?? '';
    const caller = principal && callerOf(principal);
    this.note({ requestId, method, path, status, errorCode, durationMs, caller, trace });
  }

  /** A call of the data plane that was refused, with the limit that did it, if one did. */
  noteRefusal(call: Call, { status, code: errorCode, details }: Refusal): void {
    const { requestId, loggedPath: path, elapsedMs: durationMs, principal, model, trace } = call;
    const { countedLimit } = details;
    const caller = principal ? callerOf(principal) : (details.caller ?? null);
    const limit = countedLimit ? `${countedLimit.scope} ${countedLimit.limit}` : null;
    const method = call.incoming.method ?? '';
    this.note({ requestId, method, path, status, errorCode, durationMs, caller, model, limit, trace });
    if (countedLimit && caller) this.#metrics.refusedByLimit({ team: caller.team, ...countedLimit });
  }

  /** A limit per day or month is nearly or completely used up. Called once per window. */
  limitReached({ resetsAtMs, level, ...notice }: LimitNotice): void {
    const { scope, metric, window } = notice;
    this.#metrics.limitReached({ scope, limit: `${metric}/${window}`, level });
    this.#log.warn(`a limit is used by ${level} %`, {
      ...notice,
      level,
      resets_at: new Date(resetsAtMs).toISOString(),
    });
  }

  #endpointOf(path: string): string {
    if (this.#served.has(path)) return path;
    return /^\/admin(?:\/|$)/.test(path) ? '/admin' : otherEndpoint;
  }

  /** An unexpected error. */
  failed(error: unknown): void {
    this.#log.error('a request failed', { error });
  }
}

function callerOf({ identity: { team, user, token } }: Principal): RefusedCaller {
  return { team: team.id, user: user.id, token: token.id };
}

function outcomeOf(status: number): AccessLine['outcome'] {
  if (status < 400) return 'ok';
  return status === callerLeft ? 'aborted' : 'refused';
}

const uncounted = {
  stream: false,
  ttfbMs: null,
  model: null,
  figures: noFigures,
} satisfies Partial<Answer>;

const nobody = {
  model_requested: null,
  stream: false,
  ttfb_ms: null,
  figures: noFigures,
  upstream: null,
} satisfies Partial<AccessLine>;

function accessLine(call: Call, entry: EntryRecord, upstream: string | null): AccessLine {
  return {
    request_id: entry.request_id,
    isOwnRequestId: entry.request_id !== call.incoming.headers['x-request-id'],
    method: call.incoming.method ?? '',
    path: entry.endpoint,
    status: entry.status,
    outcome: entry.outcome,
    error_code: entry.error_code,
    team: entry.team,
    user: entry.user,
    token_id: entry.token_id,
    model: entry.model,
    model_requested: entry.model_requested,
    stream: entry.stream,
    duration_ms: entry.duration_ms,
    ttfb_ms: entry.ttfb_ms,
    figures: entry,
    upstream,
  };
}
