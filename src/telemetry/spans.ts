import {
  type Attributes,
  createTraceState,
  type HrTime,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
} from '@opentelemetry/api';
import type { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ModelKind } from '../base/model.ts';
import { names, operations, ownNames, provider } from './conventions.ts';
import type { Ids } from './ids.ts';
import { isFailure, type RequestTrace, type TracedAttempt, type TracedEnd } from './request-trace.ts';
import type { RemoteSpan } from './trace-context.ts';

/** A span that has ended, as OpenTelemetry's exporters take it. */
export type EndedSpan = Parameters<typeof JsonTraceSerializer.serializeRequest>[0][number];

export interface SpanMaker {
  readonly ids: Pick<Ids, 'span'>;
  /** Wall clock less monotonic clock, ms. */
  readonly wallOffsetMs: number;
  readonly resource: EndedSpan['resource'];
  readonly scope: EndedSpan['instrumentationScope'];
  readonly scheme: 'http' | 'https';
  /** The kind of model that a route's requests are for; null if they are not forwarded. */
  readonly kindOf: (route: string) => ModelKind | null;
  /** Masks what must not be shown. */
  readonly redact: (text: string) => string;
}

interface Made {
  name: string;
  kind?: SpanKind;
  fromMs: number;
  toMs: number;
  attributes: Attributes;
  hasFailed?: boolean;
}

/** How many spans become of it. */
export function spansIn({ attempts, admitBeganMs, end }: RequestTrace): number {
  return 1 + (admitBeganMs === null ? 0 : 1) + attempts.length + (end?.used ? 1 : 0);
}

/** The spans of a request that has ended: its own, then its children in the order in which they began. Pure, but for ids. */
export function spansOf(trace: RequestTrace, maker: SpanMaker): EndedSpan[] {
  const { began, end, attempts, admitBeganMs, settleBeganMs, closedMs } = trace;
  if (end === null || settleBeganMs === null) return [];
  const { traceId, parent, link, startedMs } = began;
  const toMs = Math.max(settleBeganMs, closedMs ?? settleBeganMs);
  const own: SpanContext = {
    ...stateOf(parent?.traceState ?? '', maker),
    traceId,
    spanId: maker.ids.span(),
    traceFlags: 1,
  };
  const children: Made[] = [];
  if (admitBeganMs !== null) {
    const admittedMs = trace.admitEndedMs ?? settleBeganMs;
    children.push({ name: 'admit', fromMs: admitBeganMs, toMs: admittedMs, attributes: {} });
  }
  let resends = 0;
  for (const attempt of attempts) {
    children.push(attemptMade(attempt, resends, end, settleBeganMs));
    if (attempt.givenUp !== null) resends += 1;
  }
  if (end.used) {
    const awaited = trace.settleEndedMs !== null;
    const settledMs = Math.min(toMs, trace.settleEndedMs ?? settleBeganMs);
    children.push({
      name: 'settle',
      fromMs: settleBeganMs,
      toMs: settledMs,
      attributes: { [ownNames.awaited]: awaited },
    });
  }
  const server = { ...serverMade(trace, end, maker), fromMs: startedMs, toMs };
  const links = link === null ? [] : [{ context: contextOf(link, maker) }];
  return [
    span(server, { own, links, ...(parent ? { parent: contextOf(parent, maker) } : {}) }, maker),
    ...children.map((child) =>
      span(child, { own: { ...own, spanId: maker.ids.span() }, parent: own, links: [] }, maker),
    ),
  ];
}

function serverMade(
  { began }: RequestTrace,
  end: TracedEnd,
  { scheme, kindOf, redact }: SpanMaker,
): Omit<Made, 'fromMs' | 'toMs'> {
  const { method, route, requestId } = began;
  const { status, outcome, errorCode, caller, limit } = end;
  const kind = kindOf(route);
  const error = errorCode ?? (outcome === 'aborted' ? 'aborted' : status >= 400 ? String(status) : undefined);
  return {
    name: kind === null ? `${method} ${route}` : [operations[kind], end.askedModel ?? []].flat().join(' '),
    kind: SpanKind.SERVER,
    hasFailed: isFailure(end),
    attributes: present({
      [names.method]: method,
      [names.route]: route,
      [names.path]: route,
      [names.scheme]: scheme,
      [names.status]: status,
      [names.errorType]: error,
      ...(kind === null ? {} : genAi(kind, end)),
      [ownNames.team]: caller.team,
      [ownNames.user]: caller.user,
      [ownNames.token]: caller.token,
      [ownNames.session]: caller.session,
      [ownNames.requestId]: redact(requestId),
      [ownNames.outcome]: outcome,
      [ownNames.limit]: limit,
    }),
  };
}

function genAi(kind: ModelKind, { askedModel, answeredModel, used, stream, firstByteMs }: TracedEnd) {
  const { figures } = used ?? {};
  return {
    [names.operation]: operations[kind],
    [names.provider]: provider,
    [names.requestModel]: askedModel,
    [names.responseModel]: answeredModel,
    [names.requestStream]: stream,
    [names.firstChunkS]: stream && firstByteMs !== null ? firstByteMs / 1_000 : undefined,
    [names.outputType]: kind === 'images' ? 'image' : undefined,
    [names.inputTokens]: figures?.inputTokens,
    [names.outputTokens]: figures?.outputTokens,
    [names.cacheReadTokens]: figures?.cacheReadTokens || undefined,
    [names.cacheWriteTokens]: figures?.cacheWriteTokens || undefined,
    [ownNames.images]: figures?.images || undefined,
    [ownNames.usage]: used ? (used.isEstimated ? 'estimated' : 'reported') : undefined,
  };
}

function attemptMade(attempt: TracedAttempt, resends: number, end: TracedEnd, endedMs: number): Made {
  const { attachment, baseUrl, path, status, givenUp, waitedMs } = attempt;
  const { hostname, port, protocol, origin, pathname } = new URL(baseUrl);
  const error = givenUp ?? (status === null || status >= 400 ? (end.errorCode ?? 'aborted') : undefined);
  return {
    name: `POST ${path}`,
    kind: SpanKind.CLIENT,
    fromMs: attempt.beganMs,
    toMs: attempt.endedMs ?? endedMs,
    hasFailed: error !== undefined && error !== 'aborted',
    attributes: present({
      [names.method]: 'POST',
      [names.fullUrl]: origin + pathname.replace(/\/$/, '') + path,
      [names.template]: path,
      [names.serverAddress]: hostname,
      [names.serverPort]: Number(port) || (protocol === 'https:' ? 443 : 80),
      [names.status]: status,
      [names.resendCount]: resends || undefined,
      [names.errorType]: error,
      [ownNames.attachment]: attachment,
      [ownNames.givenUp]: givenUp,
      [ownNames.queueWaitS]: waitedMs === null ? undefined : waitedMs / 1_000,
    }),
  };
}

function span(
  { name, kind = SpanKind.INTERNAL, fromMs, toMs, attributes, hasFailed = false }: Made,
  { own, parent, links }: { own: SpanContext; parent?: SpanContext; links: EndedSpan['links'] },
  { wallOffsetMs, resource, scope }: SpanMaker,
): EndedSpan {
  return {
    name,
    kind,
    spanContext: () => own,
    ...(parent ? { parentSpanContext: parent } : {}),
    startTime: hrTime(fromMs + wallOffsetMs),
    endTime: hrTime(toMs + wallOffsetMs),
    duration: hrTime(toMs - fromMs),
    status: { code: hasFailed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
    attributes,
    links,
    events: [],
    ended: true,
    resource,
    instrumentationScope: scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function contextOf({ traceId, spanId, isSampled, traceState }: RemoteSpan, maker: SpanMaker): SpanContext {
  return { ...stateOf(traceState, maker), traceId, spanId, traceFlags: isSampled ? 1 : 0, isRemote: true };
}

/** Nothing of a state that has a secret in it. */
function stateOf(text: string, { redact }: SpanMaker): Pick<SpanContext, 'traceState'> {
  return text === '' || redact(text) !== text ? {} : { traceState: createTraceState(text) };
}

/** Seconds and nanoseconds. */
export function hrTime(ms: number): HrTime {
  const micros = Math.round(ms * 1_000);
  const seconds = Math.floor(micros / 1_000_000);
  return [seconds, (micros - seconds * 1_000_000) * 1_000];
}

function present(
  attributes: Readonly<Record<string, string | number | boolean | null | undefined>>,
): Attributes {
  const all = Object.entries(attributes);
  return Object.fromEntries(
    all.filter((entry): entry is [string, string | number | boolean] => entry[1] != null),
  );
}
