import type { PushSettings } from '../config/telemetry.ts';
import { contentTypes, type Signal } from '../telemetry/collector.ts';

/** What a collector answered to a push of nothing. */
export interface TelemetryFacts {
  readonly signal: Signal;
  readonly url: string;
  readonly answer: { readonly status: number } | { readonly failed: string };
}

const nothing = { traces: { resourceSpans: [] }, metrics: { resourceMetrics: [] } };

/** Pushes nothing, as the gateway would push something. Never rejects. */
export async function telemetryFacts(
  signal: Signal,
  { url, headers, protocol }: PushSettings,
  { timeoutMs }: { timeoutMs: number },
): Promise<TelemetryFacts> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': contentTypes[protocol] },
      // A message without fields has no bytes.
      body: protocol === 'http/json' ? JSON.stringify(nothing[signal]) : '',
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    await response.body?.cancel();
    return { signal, url, answer: { status: response.status } };
  } catch (error) {
    return { signal, url, answer: { failed: reasonOf(error) } };
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'it failed';
  if (error.name === 'TimeoutError') return 'it does not answer';
  // Node's own error says only that it failed.
  const { cause } = error;
  return cause instanceof Error ? cause.message || String('code' in cause && cause.code) : error.message;
}
