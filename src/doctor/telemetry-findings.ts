import { type Finding, ok, warning } from './finding.ts';
import type { TelemetryFacts } from './telemetry-facts.ts';

export const noTelemetry = ok(
  'telemetry',
  'Traces and metrics are not pushed: there is no OTEL_EXPORTER_OTLP_ENDPOINT.',
);

/** What is to be said of a collector. The gateway serves without it, so that nothing is a problem. Pure. */
export function telemetryFindings({ signal, url, answer }: TelemetryFacts): Finding[] {
  const { host, pathname } = new URL(url);
  const check = 'telemetry.collector';
  if ('failed' in answer) {
    const says = `The collector at ${host} cannot be reached for ${signal}: ${answer.failed}.`;
    return [warning(check, says, 'Check OTEL_EXPORTER_OTLP_ENDPOINT: docs/telemetry.md#variables')];
  }
  const { status } = answer;
  if (status < 300) return [ok(check, `The collector at ${host} takes ${signal}.`)];
  if (status === 401 || status === 403) {
    const says = `The collector at ${host} refuses ${signal} from this gateway (status ${status}).`;
    return [warning(check, says, 'Check the key in OTEL_EXPORTER_OTLP_HEADERS: docs/telemetry.md#variables')];
  }
  const says = `The collector at ${host} does not take ${signal} at ${pathname} (status ${status}).`;
  const remedy =
    'Check the path of OTEL_EXPORTER_OTLP_ENDPOINT, and OTEL_EXPORTER_OTLP_PROTOCOL: docs/telemetry.md#variables';
  return [warning(check, says, remedy)];
}
