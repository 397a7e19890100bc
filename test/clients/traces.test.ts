import { OpenTelemetry } from '@ai-sdk/otel';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { generateText, registerTelemetry, streamText } from 'ai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CollectedSpan, startCollector } from '../support/collector.ts';
import { spanProblems } from '../support/span-rules.ts';
import { type Connection, models } from './support/client.ts';
import { ground } from './support/ground.ts';

/* A trace that begins in the AI SDK and goes on in the gateway, as docs/telemetry.md tells it. */

const collector = await startCollector();
const on = ground({
  OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  OTEL_METRICS_EXPORTER: 'none',
  OTEL_BSP_SCHEDULE_DELAY: '20',
  OTEL_TRACES_SAMPLER: 'parentbased_always_off',
});
const sdkSpans = new InMemorySpanExporter();

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(
    new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: sdkSpans })] }),
  );
  registerTelemetry(new OpenTelemetry());
});
afterAll(async () => {
  trace.disable();
  propagation.disable();
  context.disable();
  await collector.close();
});

const modelAt = ({ url, token }: Connection) =>
  createOpenAICompatible({
    name: 'heroku',
    baseURL: `${url}/v1`,
    apiKey: token,
    fetch: (input, init) => {
      const headers: Record<string, string> = {};
      propagation.inject(context.active(), headers);
      const all = new Headers(init?.headers);
      for (const [name, value] of Object.entries(headers)) all.set(name, value);
      return fetch(input, { ...init, headers: all });
    },
  }).chatModel(models.chat);

/** The gateway's span of a team's only request. */
async function spanOf(team: string): Promise<CollectedSpan> {
  const found = (): CollectedSpan | undefined =>
    collector.spans.find(({ attributes }) => attributes['tollgate.team'] === team);
  await collector.waitFor(() => found() !== undefined);
  const span = found();
  if (span === undefined) throw new Error('It has just been there.');
  return span;
}

describe('the AI SDK, with a fetch that tells of its span', () => {
  it.each([
    [
      'generateText',
      async (at: Connection) => void (await generateText({ model: modelAt(at), prompt: 'Hello' })),
    ],
    [
      'streamText',
      async (at: Connection) => void (await streamText({ model: modelAt(at), prompt: 'Hello' }).text),
    ],
  ])('%s: its span of the call is the parent of the gateway’s', async (_, ask) => {
    const at = await on().site.connect();
    await ask(at);
    const span = await spanOf(at.issued.team);
    const parent = sdkSpans
      .getFinishedSpans()
      .find((each) => each.spanContext().spanId === span.parentSpanId);
    expect(parent?.spanContext().traceId).toBe(span.traceId);
    expect(parent?.attributes['gen_ai.operation.name']).toBe('chat');
    expect(span).toMatchObject({ name: `chat ${models.chat}`, attributes: { 'tollgate.outcome': 'ok' } });
    expect(spanProblems(collector.spans)).toEqual([]);
    const sent = on().site.upstream.requests.at(-1)?.headers ?? {};
    expect(Object.keys(sent).filter((name) => name.startsWith('trace'))).toEqual([]);
  });
});
