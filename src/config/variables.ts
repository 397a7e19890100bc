/**
 * Every environment variable the gateway reads, apart from attachments with names of the operator's choice.
 * `.env.example` lists exactly these; a test keeps the two equal.
 */
export const variables = [
  'NODE_ENV',
  'DYNO',
  'HEROKU_APP_NAME',
  'HEROKU_DYNO_ID',
  'PORT',
  'HOST',
  'WEB_CONCURRENCY',
  'LOG_LEVEL',
  'STORE',
  'REDIS_TLS_URL',
  'REDIS_URL',
  'REDIS_TLS_VERIFY',
  'REDIS_PREFIX',
  'DATABASE_URL',
  'DATABASE_TLS_VERIFY',
  'RECORDS_RETENTION_DAYS',
  'RECORDS_BACKLOG_BYTES',
  'ADMIN_KEY',
  'ADMIN_KEY_PREVIOUS',
  'INFERENCE_URL',
  'INFERENCE_KEY',
  'INFERENCE_MODEL_ID',
  'EMBEDDING_URL',
  'EMBEDDING_KEY',
  'EMBEDDING_MODEL_ID',
  'DIFFUSION_URL',
  'DIFFUSION_KEY',
  'DIFFUSION_MODEL_ID',
  'RERANK_URL',
  'RERANK_KEY',
  'RERANK_MODEL_ID',
  'ALLOWED_ORIGINS',
  'PUBLIC_URLS',
  'WEBHOOK_PRIVATE_HOSTS',
  'MODELS_FILE',
  'ISSUERS_FILE',
  'IDENTITY_FILE',
  'MAX_BODY_BYTES',
  'BODY_BUDGET_BYTES',
  'MAX_CONNECTIONS',
  'STORE_TIMEOUT_MS',
  'UPSTREAM_TIMEOUT_MS',
  'STREAM_IDLE_TIMEOUT_MS',
  'FIRST_HEARTBEAT_MS',
  'HEARTBEAT_MS',
  'READER_TIMEOUT_MS',
  'BODY_TIMEOUT_MS',
  'MODEL_REFRESH_MS',
  'SHUTDOWN_GRACE_MS',
  'LEASE_MS',
  'UPSTREAM_ATTEMPTS',
  'UPSTREAM_QUEUE_MS',
  'UPSTREAM_QUEUE_MAX',
  'UPSTREAM_QUEUE_MAX_PER_TEAM',
  'REFUSED_CREDENTIALS_PER_MINUTE',
  'SESSIONS_PER_MINUTE',
  'SESSION_STORE_BYTES',
  'END_USER_STORE_BYTES',
  'KEPT_ANSWER_BYTES',
  'RESPONSES_STORE_BYTES',
  'LEDGER_MAX_ENTRIES',
  'USAGE_RETENTION_DAYS',
  'USAGE_BREAKDOWN_ROWS',
  'LIMIT_EVENT_LEVELS',
  'OTEL_SDK_DISABLED',
  'OTEL_SERVICE_NAME',
  'OTEL_RESOURCE_ATTRIBUTES',
  'OTEL_TRACES_EXPORTER',
  'OTEL_METRICS_EXPORTER',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'OTEL_EXPORTER_OTLP_TRACES_HEADERS',
  'OTEL_EXPORTER_OTLP_METRICS_HEADERS',
  'OTEL_EXPORTER_OTLP_PROTOCOL',
  'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL',
  'OTEL_EXPORTER_OTLP_METRICS_PROTOCOL',
  'OTEL_EXPORTER_OTLP_TIMEOUT',
  'OTEL_EXPORTER_OTLP_TRACES_TIMEOUT',
  'OTEL_EXPORTER_OTLP_METRICS_TIMEOUT',
  'OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE',
  'OTEL_METRIC_EXPORT_INTERVAL',
  'OTEL_TRACES_SAMPLER',
  'OTEL_TRACES_SAMPLER_ARG',
  'OTEL_BSP_SCHEDULE_DELAY',
  'OTEL_BSP_EXPORT_TIMEOUT',
  'OTEL_BSP_MAX_QUEUE_SIZE',
  'OTEL_BSP_MAX_EXPORT_BATCH_SIZE',
] as const;

export type Variable = (typeof variables)[number];

/** The longest delay of a timer: Node fires anything longer at once. */
const longestTimerMs = 2_147_483_647;

/**
 * Reads variables and collects problems, so that all are reported at once. A problem names the variable and what is
 * expected, never the value: many values are secrets.
 */
export class VariableReader {
  readonly problems: string[] = [];
  readonly #env: NodeJS.ProcessEnv;

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
  }

  /** The value without surrounding whitespace; undefined if it is unset or empty (Heroku may set empty ones). */
  text(name: Variable): string | undefined {
    return trimmed(this.#env[name]);
  }

  /** True if the variable is set, even to an empty text. */
  isSet(name: Variable): boolean {
    return this.#env[name] !== undefined;
  }

  expected(name: Variable, expectation: string): void {
    this.problems.push(`${name}: expected ${expectation}.`);
  }

  integer(name: Variable, { fallback, min, max }: { fallback: number; min: number; max: number }): number {
    const text = this.text(name);
    if (text === undefined) return fallback;
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    this.expected(name, `a whole number from ${min} to ${max}`);
    return fallback;
  }

  durationMs(name: Variable, fallback: number): number {
    return this.integer(name, { fallback, min: 1, max: longestTimerMs });
  }

  choice<T extends string>(name: Variable, choices: readonly T[], fallback: T): T {
    const text = this.text(name)?.toLowerCase();
    if (text === undefined) return fallback;
    const chosen = choices.find((choice) => choice === text);
    if (chosen !== undefined) return chosen;
    this.expected(name, choices.join(', ').replace(/, ([^,]*)$/, ' or $1'));
    return fallback;
  }
}

/** A value without surrounding whitespace; undefined if nothing is left. */
export function trimmed(value: string | undefined): string | undefined {
  return value?.trim() || undefined;
}
