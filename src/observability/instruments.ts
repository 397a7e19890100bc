import { Gauge, type Registry } from 'prom-client';
import { Distributions, Tallies } from './tallies.ts';

const answerSeconds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300];
const storeSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

/** Of a family with teams in its labels. */
const maxTeamSeries = 1_000;

/** Every series `tollgate_*`: name, labels and help text. */
export function createInstruments(registry: Registry) {
  const counter = (name: string, help: string, ...labelNames: string[]) =>
    new Tallies({ name: `tollgate_${name}`, help, labelNames }, registry);
  const teamCounter = (name: string, help: string, ...labelNames: string[]) =>
    new Tallies({ name: `tollgate_${name}`, help, labelNames, maxSeries: maxTeamSeries }, registry);
  const histogram = (name: string, help: string, bounds: readonly number[], ...labelNames: string[]) =>
    new Distributions({ name: `tollgate_${name}`, help, labelNames, bounds }, registry);
  const gauge = (name: string, help: string, ...labelNames: string[]) =>
    new Gauge({ name: `tollgate_${name}`, help, labelNames, registers: [registry] });
  const shared = (name: string, help: string, ...labelNames: string[]) =>
    new Gauge({ name: `tollgate_${name}`, help, labelNames, aggregator: 'max', registers: [registry] });

  return {
    buildInfo: new Gauge({
      name: 'tollgate_build_info',
      help: 'Always 1; the labels name the version.',
      labelNames: ['version', 'node'],
      aggregator: 'first',
      registers: [registry],
    }),
    requests: counter('requests_total', 'Requests answered.', 'endpoint', 'status', 'outcome'),
    refusals: counter('refusals_total', 'Requests refused, by error code.', 'code'),
    limitsReached: counter(
      'limits_reached_total',
      "A day's or month's limit used by so many percent, once a window.",
      'scope',
      'limit',
      'level',
    ),
    endUserEvictions: counter(
      'end_user_counters_evicted_total',
      'Counters of end users that were dropped before their window had passed, to make room: END_USER_STORE_BYTES.',
    ),
    limitRefusals: teamCounter(
      'limit_refusals_total',
      'Requests refused because of a limit, by the team of the caller and the limit.',
      'team',
      'scope',
      'limit',
    ),
    wouldRefuse: teamCounter(
      'limit_would_refuse_total',
      'Requests admitted although an observe-only limit had no room for them, by the team of the caller and the limit.',
      'team',
      'scope',
      'limit',
    ),
    // All processes read one store, so take the largest of their figures, not the sum.
    limitUsed: shared(
      'limit_used',
      "How much of a team's or the gateway's limit is used now; money in dollars.",
      'team',
      'scope',
      'limit',
      'covers',
    ),
    limitMax: shared('limit_max', 'The maximum of that limit.', 'team', 'scope', 'limit', 'covers'),
    cost: teamCounter('cost_usd_total', 'What settled requests cost, in dollars.', 'team', 'model'),
    requestSeconds: histogram(
      'request_duration_seconds',
      'From the request line to the end of the answer.',
      answerSeconds,
      'endpoint',
    ),
    firstByteSeconds: histogram(
      'time_to_first_byte_seconds',
      'From the request line to the first byte of the answer.',
      answerSeconds,
      'endpoint',
      'stream',
    ),
    upstreamSeconds: histogram(
      'upstream_duration_seconds',
      "From sending a request upstream to the head of the upstream's answer.",
      answerSeconds,
      'attachment',
      'status',
    ),
    attemptsGivenUp: counter(
      'upstream_attempts_given_up_total',
      'Attempts after which another one was made, by cause.',
      'attachment',
      'cause',
    ),
    resting: gauge(
      'attachment_resting',
      'Processes in which the circuit of the attachment is open.',
      'attachment',
    ),
    waiting: gauge('waiting_requests', "Requests waiting for quota under the upstream's rate limits."),
    tokens: counter('tokens_total', 'Tokens used, by direction.', 'direction', 'model'),
    // Apart, since they are part of the input: the sum over the directions of tokens_total stays right.
    cachedTokens: counter(
      'cached_tokens_total',
      'Input tokens read from or written to a prompt cache, by direction.',
      'direction',
      'model',
    ),
    images: counter('images_total', 'Images made.', 'model'),
    openRequests: gauge('open_requests', 'Requests being answered now.'),
    openStreams: gauge('open_streams', 'Streams being passed on now.'),
    storeSeconds: histogram('store_duration_seconds', 'Calls to the store.', storeSeconds, 'operation'),
    storeErrors: counter('store_errors_total', 'Calls to the store that failed.'),
    // These, too, are read from the one store.
    storeUsedBytes: shared('store_used_bytes', 'Memory the store uses.'),
    storeMaxBytes: shared('store_max_bytes', 'Memory the store may use; 0: no bound.'),
    ledgerEntries: shared('ledger_entries', 'Entries kept; older ones are trimmed.'),
    ledgerOldest: shared('ledger_oldest_entry_timestamp_seconds', 'When the oldest kept entry was closed.'),
    recordsOn: shared('records_on', 'Whether Postgres keeps records; 0: not, or it does not answer.'),
    recordsBacklog: shared(
      'records_backlog',
      'What is not in Postgres yet, by stream of the store.',
      'stream',
    ),
    recordsDrained: shared(
      'records_last_drain_timestamp_seconds',
      'When something was last moved to Postgres.',
    ),
    recordsMissed: counter(
      'records_gap_total',
      'Elements of a stream that were gone before they were in Postgres, as far as they could be counted.',
      'stream',
    ),
    telemetryDropped: counter(
      'telemetry_dropped_total',
      'Spans, or pushes of metrics, that the collector did not get, by reason.',
      'signal',
      'reason',
    ),
    webhookDeliveries: counter(
      'webhook_deliveries_total',
      'Events sent to webhooks, by how that went; disabled: webhooks that were disabled.',
      'outcome',
    ),
    // The one process that delivers knows them; the others say 0.
    webhookPending: shared('webhook_pending', 'Events that wait for webhooks.'),
    webhooksDisabled: shared('webhooks_disabled', 'Webhooks that nothing is sent to.'),
    ledgerPending: gauge('ledger_pending', 'Settlements not yet written to the store.'),
  };
}

export type Instruments = ReturnType<typeof createInstruments>;
