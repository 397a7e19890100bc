import type { ForwardOutcome } from '../base/outcome.ts';
import type { RefusedCaller } from '../base/refusal.ts';
import type { EntryRecord } from '../ledger/entry.ts';
import type { RequestTrace, TracedEnd } from '../telemetry/request-trace.ts';
import type { Tracer } from '../telemetry/tracer.ts';
import type { Handler, Route } from './route.ts';

/** The handler of a route, with the trace of each call begun first; the same handler if nothing is traced. */
export function traced(tracer: Tracer | null, path: string, handle: Handler): Handler {
  if (tracer === null) return handle;
  const route = path.replaceAll(/\{[^}]*\}/g, ''); // Hono's patterns may say what a parameter looks like
  return function traceAndHandle(call) {
    call.trace = tracer.begin(call, route);
    return handle(call);
  };
}

/** The same for routes. */
export function tracedRoutes(tracer: Tracer | null, routes: readonly Route[]): readonly Route[] {
  if (tracer === null) return routes;
  return routes.map(({ path, methods, ...rest }) => {
    const operations = Object.entries(methods).map(([method, operation]) => [
      method,
      { ...operation, handle: traced(tracer, path, operation.handle) },
    ]);
    return { ...rest, path, methods: Object.fromEntries(operations) as Route['methods'] }; // the same methods
  });
}

/** How a request ended that was settled. */
interface Settled {
  entry: EntryRecord;
  outcome: ForwardOutcome;
  modelKnown: boolean;
  settled: Promise<void> | null;
}

/** Tells the trace of a request that was settled. The trace's id if it is sent, else null. */
export function traceSettled(
  trace: RequestTrace,
  { entry, outcome, modelKnown, settled }: Settled,
): string | null {
  trace.ends({
    status: entry.status,
    outcome: entry.outcome,
    errorCode: entry.error_code,
    caller: { team: entry.team, user: entry.user, token: entry.token_id, session: entry.session_id },
    askedModel: modelKnown ? (entry.model_requested ?? entry.model) : null,
    answeredModel: outcome.accepted ? entry.model : null,
    used: { figures: entry, isEstimated: entry.usage === 'estimated' },
    stream: entry.stream,
    firstByteMs: outcome.ttfbMs,
    upstreamStatus: outcome.upstream?.status ?? null,
    limit: null,
  });
  void settled?.then(() => trace.stored());
  return idOf(trace);
}

/** The same of a request without an entry in the ledger. */
export function traceEnded(
  trace: RequestTrace,
  {
    caller,
    model,
    ...end
  }: Pick<TracedEnd, 'status' | 'outcome' | 'errorCode' | 'limit'> & {
    caller: RefusedCaller | null;
    model: string | null;
  },
): string | null {
  const { team = null, user = null, token = null } = caller ?? {};
  trace.ends({ ...end, ...unsent, caller: { team, user, token, session: null }, askedModel: model });
  return idOf(trace);
}

const unsent = {
  answeredModel: null,
  used: null,
  stream: false,
  firstByteMs: null,
  upstreamStatus: null,
} satisfies Partial<TracedEnd>;

function idOf(trace: RequestTrace): string | null {
  return trace.isRecorded ? trace.began.traceId : null;
}
