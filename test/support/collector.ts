import { EventEmitter } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decoded } from './otlp-protobuf.ts';

type Attributes = Record<string, string | number | boolean>;

/** A span as a collector has it. Kinds are 1 internal, 2 server, 3 client; a status of 2 is an error. */
export interface CollectedSpan {
  traceId: string;
  spanId: string;
  /** '' of a root. */
  parentSpanId: string;
  traceState: string;
  name: string;
  kind: number;
  /** Nanoseconds since the epoch. */
  start: bigint;
  end: bigint;
  attributes: Attributes;
  links: { traceId: string; spanId: string; traceState: string }[];
  status: number;
  resource: Attributes;
  scope: { name: string; version: string; schemaUrl: string };
}

export interface CollectedPoint {
  attributes: Attributes;
  start: bigint;
  time: bigint;
  /** Of a histogram its count. */
  value: number;
  sum?: number;
  buckets?: readonly number[];
  bounds?: readonly number[];
}

export interface CollectedMetric {
  name: string;
  unit: string;
  kind: 'sum' | 'gauge' | 'histogram';
  /** 1 delta, 2 cumulative; undefined of a gauge. */
  temporality: number | undefined;
  isMonotonic: boolean;
  points: CollectedPoint[];
}

export interface MetricsPush {
  resource: Attributes;
  metrics: CollectedMetric[];
}

export interface TestCollector {
  readonly url: string;
  /** What was asked, whatever became of it. */
  readonly requests: { path: string; headers: IncomingHttpHeaders; body: Buffer }[];
  /** What was taken. */
  readonly spans: CollectedSpan[];
  readonly pushes: MetricsPush[];
  /** Answers in its place; gives true if it did. */
  script(answer: ((response: ServerResponse) => boolean) | null): void;
  /** Resolves when the predicate holds; it is checked whenever something came. */
  waitFor(predicate: (collector: TestCollector) => boolean, timeoutMs?: number): Promise<void>;
  close(): Promise<void>;
}

/** A collector that takes OTLP in protobuf and in JSON, on a free port of the loopback. */
export async function startCollector({ port = 0 } = {}): Promise<TestCollector> {
  const events = new EventEmitter<{ change: [] }>();
  let script: ((response: ServerResponse) => boolean) | null = null;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { url: path = '', headers } = request;
      const body = Buffer.concat(chunks);
      collector.requests.push({ path, headers, body });
      if (script?.(response) !== true) take(path, headers['content-type'] ?? '', body, response);
      events.emit('change');
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const collector: TestCollector = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    spans: [],
    pushes: [],
    script: (answer) => void (script = answer),
    waitFor: (predicate, timeoutMs = 20_000) => {
      if (predicate(collector)) return Promise.resolve();
      return new Promise((resolve, reject) => {
        const late = setTimeout(() => done(new Error('The collector did not get it in time.')), timeoutMs);
        const look = (): void => void (predicate(collector) && done());
        const done = (error?: Error): void => {
          clearTimeout(late);
          events.off('change', look);
          if (error) reject(error);
          else resolve();
        };
        events.on('change', look);
      });
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };

  function take(path: string, contentType: string, body: Buffer, response: ServerResponse): void {
    const isJson = contentType === 'application/json';
    const read = (name: 'ExportTraceServiceRequest' | 'ExportMetricsServiceRequest'): Message =>
      isJson ? JSON.parse(body.toString()) : decoded(body, name);
    if (path === '/v1/traces') collector.spans.push(...spansIn(read('ExportTraceServiceRequest')));
    else if (path === '/v1/metrics') collector.pushes.push(...pushesIn(read('ExportMetricsServiceRequest')));
    else return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': contentType }).end(isJson ? '{}' : '');
  }

  return collector;
}

/** OTLP's JSON, in which numbers of 64 bits may be texts. */
// oxlint-disable-next-line typescript/no-explicit-any -- what a peer sends; each field is converted below
type Message = any;

function spansIn({ resourceSpans }: Message): CollectedSpan[] {
  return list(resourceSpans).flatMap(({ resource, scopeSpans }) =>
    list(scopeSpans).flatMap(({ scope, schemaUrl, spans }) =>
      list(spans).map((span) => ({
        traceId: String(span.traceId),
        spanId: String(span.spanId),
        parentSpanId: String(span.parentSpanId ?? ''),
        traceState: String(span.traceState ?? ''),
        name: String(span.name),
        kind: Number(span.kind),
        start: BigInt(span.startTimeUnixNano),
        end: BigInt(span.endTimeUnixNano),
        attributes: attributesIn(span.attributes),
        links: list(span.links).map((link) => ({
          traceId: String(link.traceId),
          spanId: String(link.spanId),
          traceState: String(link.traceState ?? ''),
        })),
        status: Number(span.status?.code ?? 0),
        resource: attributesIn(resource.attributes),
        scope: { name: String(scope.name), version: String(scope.version), schemaUrl: String(schemaUrl) },
      })),
    ),
  );
}

function pushesIn({ resourceMetrics }: Message): MetricsPush[] {
  return list(resourceMetrics).map(({ resource, scopeMetrics }) => ({
    resource: attributesIn(resource.attributes),
    metrics: list(scopeMetrics).flatMap(({ metrics }) => list(metrics).map(metricIn)),
  }));
}

function metricIn(metric: Message): CollectedMetric {
  const kind = (['sum', 'gauge', 'histogram'] as const).find((each) => metric[each] !== undefined);
  if (kind === undefined) throw new Error(`${metric.name} is of no known kind`);
  const { dataPoints, aggregationTemporality, isMonotonic = false } = metric[kind];
  return {
    name: String(metric.name),
    unit: String(metric.unit ?? ''),
    kind,
    temporality: aggregationTemporality === undefined ? undefined : Number(aggregationTemporality),
    isMonotonic: Boolean(isMonotonic),
    points: list(dataPoints).map((point) => ({
      attributes: attributesIn(point.attributes),
      start: BigInt(point.startTimeUnixNano),
      time: BigInt(point.timeUnixNano),
      value: Number(point.asDouble ?? point.asInt ?? point.count),
      ...(point.bucketCounts === undefined
        ? {}
        : {
            sum: Number(point.sum),
            buckets: list(point.bucketCounts).map(Number),
            bounds: list(point.explicitBounds).map(Number),
          }),
    })),
  };
}

function attributesIn(attributes: Message): Attributes {
  return Object.fromEntries(
    list(attributes).map(({ key, value }) => {
      const [[kind, held] = []] = Object.entries(value as Record<string, string | number | boolean>);
      return [String(key), kind === 'intValue' || kind === 'doubleValue' ? Number(held) : (held ?? '')];
    }),
  );
}

function list(value: Message): Message[] {
  return (value ?? []) as Message[];
}
