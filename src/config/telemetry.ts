import type { Variable, VariableReader } from './variables.ts';

const protocols = ['http/protobuf', 'http/json'] as const;
const samplers = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;
const temporalities = ['cumulative', 'delta', 'lowmemory'] as const;

/** Where and how one signal is sent. */
export interface PushSettings {
  readonly url: string;
  /** Their values are secrets. */
  readonly headers: Readonly<Record<string, string>>;
  readonly protocol: (typeof protocols)[number];
  /** For one request to the collector. */
  readonly timeoutMs: number;
}

export interface SamplerSettings {
  readonly kind: (typeof samplers)[number];
  /** Of the traces that begin here, for the `traceidratio` kinds: 0 to 1. */
  readonly ratio: number;
}

export interface TraceSettings extends PushSettings {
  readonly sampler: SamplerSettings;
  readonly queue: {
    /** Spans that wait; one more is dropped. */
    readonly maxSpans: number;
    readonly maxBatchSpans: number;
    /** How long a span waits for others. */
    readonly delayMs: number;
    /** How long a batch is tried. */
    readonly patienceMs: number;
  };
}

export interface MetricSettings extends PushSettings {
  readonly intervalMs: number;
  /** Whether counters and histograms are sent as what came since the last push, not since the start. */
  readonly isDelta: boolean;
}

/** What is pushed to a collector; null: nothing. */
export type TelemetrySettings = {
  readonly traces: TraceSettings | null;
  readonly metrics: MetricSettings | null;
  /** What the environment says of this service. */
  readonly resource: Readonly<Record<string, string>>;
} | null;

/**
 * Reads the `OTEL_*` variables, as the OpenTelemetry specification names and means them ("Environment Variable
 * Specification", "OTLP Exporter"). Unlike there, nothing is sent unless an endpoint or an exporter is set.
 */
export function readTelemetry(read: VariableReader): TelemetrySettings {
  const isDisabled = readTruth(read, 'OTEL_SDK_DISABLED');
  const resource = readResource(read);
  const general = readGeneral(read);
  const traces = readTraces(read, general);
  const metrics = readMetrics(read, general);
  return isDisabled || (traces === null && metrics === null) ? null : { traces, metrics, resource };
}

type General = ReturnType<typeof readGeneral>;

function readTraces(read: VariableReader, general: General): TraceSettings | null {
  const push = readPush(read, 'TRACES', general);
  const kind = read.choice('OTEL_TRACES_SAMPLER', samplers, 'parentbased_always_on');
  const ratio = readRatio(read);
  const maxSpans = read.integer('OTEL_BSP_MAX_QUEUE_SIZE', { fallback: 2_048, min: 1, max: 1_000_000 });
  const batch = { fallback: Math.min(512, maxSpans), min: 1, max: maxSpans };
  const queue = {
    maxSpans,
    maxBatchSpans: read.integer('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', batch),
    delayMs: read.durationMs('OTEL_BSP_SCHEDULE_DELAY', 5_000),
    patienceMs: read.durationMs('OTEL_BSP_EXPORT_TIMEOUT', 30_000),
  };
  return push && { ...push, sampler: { kind, ratio }, queue };
}

function readMetrics(read: VariableReader, general: General): MetricSettings | null {
  const push = readPush(read, 'METRICS', general);
  const temporality = 'OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE';
  const isDelta = read.choice(temporality, temporalities, 'cumulative') !== 'cumulative';
  const bounds = { fallback: 60_000, min: 100, max: 3_600_000 };
  const intervalMs = read.integer('OTEL_METRIC_EXPORT_INTERVAL', bounds);
  return push && { ...push, intervalMs, isDelta };
}

/** What holds for a signal that says nothing of its own. */
function readGeneral(read: VariableReader) {
  return {
    baseUrl: readEndpoint(read, 'OTEL_EXPORTER_OTLP_ENDPOINT'),
    headers: readHeaders(read, 'OTEL_EXPORTER_OTLP_HEADERS'),
    protocol: read.choice('OTEL_EXPORTER_OTLP_PROTOCOL', protocols, 'http/protobuf'),
    timeoutMs: read.durationMs('OTEL_EXPORTER_OTLP_TIMEOUT', 10_000),
  };
}

/** Null if the signal is not to be sent. */
function readPush(read: VariableReader, signal: 'TRACES' | 'METRICS', general: General): PushSettings | null {
  const exporter: Variable = `OTEL_${signal}_EXPORTER`;
  const isAsked = read.text(exporter) !== undefined;
  const isOff = read.choice(exporter, ['otlp', 'none'], 'otlp') === 'none';
  const own = readEndpoint(read, `OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`);
  const base = general.baseUrl ?? new URL('http://localhost:4318');
  const push: PushSettings = {
    url: own?.href ?? below(base, `/v1/${signal.toLowerCase()}`),
    headers: { ...general.headers, ...readHeaders(read, `OTEL_EXPORTER_OTLP_${signal}_HEADERS`) },
    protocol: read.choice(`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`, protocols, general.protocol),
    timeoutMs: read.durationMs(`OTEL_EXPORTER_OTLP_${signal}_TIMEOUT`, general.timeoutMs),
  };
  return !isOff && (isAsked || own !== null || general.baseUrl !== null) ? push : null;
}

/** The path of a signal below the general endpoint, which may have a path of its own. */
function below(base: URL, path: string): string {
  const url = new URL(base);
  url.pathname = url.pathname.replace(/\/$/, '') + path;
  return url.href;
}

function readEndpoint(read: VariableReader, name: Variable): URL | null {
  const text = read.text(name);
  if (text === undefined) return null;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^https?:$/.test(url.protocol) && url.username + url.password + url.hash === '')
    return url;
  read.expected(
    name,
    'an http:// or https:// URL such as https://collector.example:4318; credentials belong in OTEL_EXPORTER_OTLP_HEADERS',
  );
  return null;
}

function readHeaders(read: VariableReader, name: Variable): Record<string, string> {
  // As HTTP has them (RFC 9110, 5.1 and 5.5), without what this gateway says itself.
  const isFit = (key: string, value: string): boolean =>
    /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(key) &&
    !/^(?:content-type|content-length|host|connection|transfer-encoding)$/i.test(key) &&
    /^[\x20-\x7e]+$/.test(value);
  return readPairs(
    read,
    name,
    'headers as name=value, with commas between and values percent-encoded',
    isFit,
  );
}

function readResource(read: VariableReader): Record<string, string> {
  const isFit = (key: string): boolean => /^[\x21-\x7e]{1,255}$/.test(key);
  const what = 'attributes as name=value, with commas between and values percent-encoded';
  const attributes = readPairs(read, 'OTEL_RESOURCE_ATTRIBUTES', what, isFit);
  const name = read.text('OTEL_SERVICE_NAME') ?? attributes['service.name'] ?? 'tollgate';
  return { ...attributes, 'service.name': name };
}

/** A list in the form of the W3C baggage header: `name=value`, with commas between. */
function readPairs(
  read: VariableReader,
  name: Variable,
  what: string,
  isFit: (key: string, value: string) => boolean,
): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (const part of (read.text(name) ?? '').split(',')) {
    if (part.trim() === '') continue;
    const [, key = '', written = ''] = /^([^=]*)=(.*)$/s.exec(part) ?? [];
    const value = decoded(written.trim());
    if (value === null || !isFit(key.trim(), value)) {
      read.expected(name, what);
      return {};
    }
    pairs[key.trim()] = value;
  }
  return pairs;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function readRatio(read: VariableReader): number {
  const text = read.text('OTEL_TRACES_SAMPLER_ARG');
  if (text === undefined) return 1;
  const ratio = /^\d*\.?\d+(?:e-?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  if (ratio >= 0 && ratio <= 1) return ratio;
  read.expected('OTEL_TRACES_SAMPLER_ARG', 'a share from 0 to 1, such as 0.01');
  return 1;
}

function readTruth(read: VariableReader, name: Variable): boolean {
  return read.choice(name, ['true', 'false'], 'false') === 'true';
}
