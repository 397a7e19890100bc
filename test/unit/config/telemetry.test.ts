import { describe, expect, it } from 'vitest';
import { readSettings } from '../../../src/config/environment.ts';
import { secretsIn } from '../../../src/config/secrets.ts';

const base = { INFERENCE_URL: 'http://h', INFERENCE_KEY: 'k' };
const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://otlp.example/base/' };

function read(env: Record<string, string>) {
  const result = readSettings({ ...base, ...env });
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return result.settings;
}

const problems = (env: Record<string, string>): readonly string[] => {
  const result = readSettings({ ...base, ...env });
  return result.ok ? [] : result.problems;
};

describe('readTelemetry', () => {
  it.each<[string, Record<string, string>]>([
    ['nothing is set', {}],
    ['only its ways are', { OTEL_TRACES_SAMPLER: 'always_on', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }],
    ['it is disabled', { ...endpoint, OTEL_SDK_DISABLED: 'true' }],
    ['both exporters are none', { ...endpoint, OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none' }],
  ])('sends nothing if %s', (_, env) => {
    expect(read(env).telemetry).toBeNull();
  });

  it('puts the path of each signal below the general endpoint', () => {
    const { telemetry } = read(endpoint);
    expect(telemetry).toEqual({
      traces: {
        url: 'https://otlp.example/base/v1/traces',
        headers: {},
        protocol: 'http/protobuf',
        timeoutMs: 10_000,
        sampler: { kind: 'parentbased_always_on', ratio: 1 },
        queue: { maxSpans: 2_048, maxBatchSpans: 512, delayMs: 5_000, patienceMs: 30_000 },
      },
      metrics: {
        url: 'https://otlp.example/base/v1/metrics',
        headers: {},
        protocol: 'http/protobuf',
        timeoutMs: 10_000,
        intervalMs: 60_000,
        isDelta: false,
      },
      resource: { 'service.name': 'tollgate' },
    });
  });

  it('takes what a signal says of its own before what holds for all', () => {
    const { telemetry } = read({
      ...endpoint,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://traces.example:4318/as/it/is?a=b',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20general, x-a=1',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'authorization=Basic abc==',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'http/protobuf',
      OTEL_EXPORTER_OTLP_TIMEOUT: '1000',
      OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: '2000',
    });
    expect(telemetry?.traces).toMatchObject({
      url: 'http://traces.example:4318/as/it/is?a=b',
      headers: { authorization: 'Basic abc==', 'x-a': '1' },
      protocol: 'http/json',
      timeoutMs: 1_000,
    });
    expect(telemetry?.metrics).toMatchObject({
      headers: { authorization: 'Bearer general', 'x-a': '1' },
      protocol: 'http/protobuf',
      timeoutMs: 2_000,
    });
  });

  it('one signal may be sent alone, to this machine if nothing else is said', () => {
    expect(read({ OTEL_TRACES_EXPORTER: 'otlp' }).telemetry).toMatchObject({
      traces: { url: 'http://localhost:4318/v1/traces' },
      metrics: null,
    });
    const { telemetry } = read({ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://h:1' });
    expect(telemetry).toMatchObject({ traces: null, metrics: { url: 'http://h:1/' } });
  });

  it('names the service, and takes what else is said of it', () => {
    const attributes = 'service.name=a,deployment.environment.name=my%20test';
    const resourceOf = (env: Record<string, string>) => read({ ...endpoint, ...env }).telemetry?.resource;
    expect(resourceOf({ OTEL_RESOURCE_ATTRIBUTES: attributes })).toEqual({
      'service.name': 'a',
      'deployment.environment.name': 'my test',
    });
    expect(resourceOf({ OTEL_RESOURCE_ATTRIBUTES: attributes, OTEL_SERVICE_NAME: 'b' })).toMatchObject({
      'service.name': 'b',
    });
  });

  it.each(['delta', 'lowmemory', 'LowMemory'])('%s is delta', (preference) => {
    const env = { ...endpoint, OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: preference };
    expect(read(env).telemetry?.metrics?.isDelta).toBe(true);
  });

  it('a queue that is smaller than a batch has smaller batches', () => {
    const { telemetry } = read({ ...endpoint, OTEL_BSP_MAX_QUEUE_SIZE: '100' });
    expect(telemetry?.traces?.queue).toMatchObject({ maxSpans: 100, maxBatchSpans: 100 });
  });

  it('every bad value is told, once, with its variable, and never itself', () => {
    const bad = {
      OTEL_SDK_DISABLED: 'secret',
      OTEL_TRACES_EXPORTER: 'secret',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https://user:secret@otlp.example',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'secret.example:4318',
      OTEL_EXPORTER_OTLP_HEADERS: 'secret',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'a=%secret',
      OTEL_EXPORTER_OTLP_METRICS_HEADERS: 'host=secret',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_EXPORTER_OTLP_TIMEOUT: '10s',
      OTEL_RESOURCE_ATTRIBUTES: '=secret',
      OTEL_TRACES_SAMPLER: 'jaeger_remote',
      OTEL_TRACES_SAMPLER_ARG: '1.5',
      OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'secret',
      OTEL_METRIC_EXPORT_INTERVAL: '0',
      OTEL_BSP_MAX_QUEUE_SIZE: '-1',
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '4096',
    };
    const told = problems(bad);
    expect(told.map((problem) => problem.split(':', 1).join('')).toSorted()).toEqual(
      Object.keys(bad).toSorted(),
    );
    expect(told.join('\n')).not.toMatch(/secret|grpc|jaeger/);
    expect(told.every((problem) => / expected .+\.$/.test(problem))).toBe(true);
  });

  it('the values of headers are secrets, with and without their scheme', () => {
    const settings = read({ ...endpoint, OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20abcdefgh' });
    expect(secretsIn(settings, [])).toEqual(expect.arrayContaining(['Bearer abcdefgh', 'abcdefgh']));
  });
});
