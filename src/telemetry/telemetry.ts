import { randomUUID } from 'node:crypto';
import {
  JsonMetricsSerializer,
  JsonTraceSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { ModelKind } from '../base/model.ts';
import type { MetricSettings, PushSettings, TelemetrySettings, TraceSettings } from '../config/telemetry.ts';
import type { Metrics } from '../observability/metrics.ts';
import { Redactor } from '../observability/redact.ts';
import { Collector, type Signal } from './collector.ts';
import { resourceNames, schemaUrl } from './conventions.ts';
import { Ids } from './ids.ts';
import { MetricPoints } from './metric-points.ts';
import { MetricPushes } from './metric-pushes.ts';
import { samplerOf } from './sampler.ts';
import { SpanQueue } from './span-queue.ts';
import { spansOf } from './spans.ts';
import { Tracer } from './tracer.ts';

export interface TelemetryParts {
  readonly settings: NonNullable<TelemetrySettings>;
  /** What runs, and where. */
  readonly process: {
    readonly version: string;
    readonly dyno: string;
    readonly herokuApp: string | undefined;
    readonly herokuDynoId: string | undefined;
    readonly onDyno: boolean;
  };
  /** The kind of model that a route's requests are for; null if they are not forwarded. */
  readonly kindOf: (route: string) => ModelKind | null;
  readonly metrics: Pick<Metrics, 'snapshot' | 'telemetryDropped'>;
  /** What must not be sent. */
  readonly secrets: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
}

/** How long the last spans and figures may take when the process ends. */
const lastPushMs = 2_000;

/** Sends a process's traces and metrics to a collector. */
export class Telemetry {
  /** Null if traces are not sent. */
  readonly tracer: Tracer | null;
  readonly #parts: TelemetryParts;
  readonly #resource: ReturnType<typeof resourceFromAttributes>;
  readonly #scope: { name: string; version: string; schemaUrl: string };
  readonly #queue: SpanQueue | null;
  readonly #pushes: MetricPushes | null;

  constructor(parts: TelemetryParts) {
    const { settings, process } = parts;
    this.#parts = parts;
    this.#resource = resourceFromAttributes(
      {
        [resourceNames.version]: process.version,
        [resourceNames.dyno]: process.dyno,
        [resourceNames.dynoId]: process.herokuDynoId,
        [resourceNames.app]: process.herokuApp,
        ...settings.resource,
        // Each life of a process has its own: a counter that begins anew is another series, and none that falls.
        [resourceNames.instance]: randomUUID(),
      },
      { schemaUrl },
    );
    this.#scope = { name: 'tollgate', version: process.version, schemaUrl };
    this.#queue = settings.traces && this.#queueOf(settings.traces);
    this.#pushes = settings.metrics && this.#pushesOf(settings.metrics);
    this.tracer = settings.traces && this.#tracerOf(settings.traces);
  }

  start(): void {
    this.#pushes?.start();
  }

  /** Sends what is left, as far as the time allows. Never rejects. */
  async stop(): Promise<void> {
    await Promise.all([this.#queue?.stop(lastPushMs), this.#pushes?.stop(lastPushMs)]);
  }

  #tracerOf({ sampler }: TraceSettings): Tracer {
    const { clock } = this.#parts;
    return new Tracer({ sampler: samplerOf(sampler), clock, take: (trace) => this.#queue?.add(trace) });
  }

  #queueOf(traces: TraceSettings): SpanQueue {
    const { process, kindOf, secrets, clock, log } = this.#parts;
    const isJson = traces.protocol === 'http/json';
    const serializer = isJson ? JsonTraceSerializer : ProtobufTraceSerializer;
    const redactor = new Redactor();
    for (const secret of secrets) redactor.protect(secret);
    const maker = {
      ids: new Ids(),
      resource: this.#resource,
      scope: this.#scope,
      scheme: process.onDyno ? ('https' as const) : ('http' as const),
      kindOf,
      redact: (text: string) => redactor.redact(text),
    };
    this.#dropsNothing('traces', ['queue_full', 'refused', 'failed']);
    return new SpanQueue({
      bounds: traces.queue,
      collector: this.#collectorOf('traces', traces),
      encode: (ended) => {
        const wallOffsetMs = clock.now() - clock.monotonic();
        const spans = ended.flatMap((trace) => spansOf(trace, { ...maker, wallOffsetMs }));
        return bytesOf(serializer.serializeRequest(spans));
      },
      rejected: (answer) =>
        rejectedSpans(() => serializer.deserializeResponse(answer).partialSuccess?.rejectedSpans),
      dropped: (reason, spans) => this.#parts.metrics.telemetryDropped('traces', reason, spans),
      log,
    });
  }

  #pushesOf(settings: MetricSettings): MetricPushes {
    const { metrics, clock, log } = this.#parts;
    const serializer = settings.protocol === 'http/json' ? JsonMetricsSerializer : ProtobufMetricsSerializer;
    this.#dropsNothing('metrics', ['refused', 'failed']);
    return new MetricPushes({
      settings,
      metrics,
      points: new MetricPoints({ isDelta: settings.isDelta, startedMs: clock.now() }),
      collector: this.#collectorOf('metrics', settings),
      encode: (made) => {
        const scopeMetrics = [{ scope: this.#scope, metrics: made }];
        return bytesOf(serializer.serializeRequest({ resource: this.#resource, scopeMetrics }));
      },
      dropped: (reason, pushes) => metrics.telemetryDropped('metrics', reason, pushes),
      clock,
      log,
    });
  }

  /** Series begin at 0, so that the first loss shows as an increase. */
  #dropsNothing(signal: Signal, reasons: readonly string[]): void {
    for (const reason of reasons) this.#parts.metrics.telemetryDropped(signal, reason, 0);
  }

  #collectorOf(signal: Signal, push: PushSettings): Collector {
    const { clock, log } = this.#parts;
    return new Collector({ signal, push, clock, log });
  }
}

function bytesOf(made: Uint8Array | undefined): Uint8Array<ArrayBuffer> {
  if (made === undefined) throw new TypeError('There is nothing to send.');
  return new Uint8Array(made);
}

/** What an answer says was not taken; 0 if it says nothing that can be read. */
function rejectedSpans(read: () => number | undefined): number {
  try {
    return read() ?? 0;
  } catch {
    return 0;
  }
}
