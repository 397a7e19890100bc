import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultBreakdownRows, defaultEndUserBytes, defaultKeyedBytes } from '../base/store-bounds.ts';
import { readAdminKeys } from './admin-key.ts';
import { findAttachments } from './attachments.ts';
import { readAllowedOrigins, readPrivateHosts, readPublicUrls } from './origins.ts';
import { readRecords } from './records.ts';
import { readStore, type StoreSettings } from './store.ts';
import { readTelemetry } from './telemetry.ts';
import { type Variable, VariableReader } from './variables.ts';

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
const mebibyte = 1_048_576;

/** What the environment says: contract 1.2. Read once at start and passed down. */
export type Settings = Extract<ReturnType<typeof readSettings>, { ok: true }>['settings'];

/** Reads the environment. Reports all problems at once: variable and expectation, never the value. */
export function readSettings(env: NodeJS.ProcessEnv) {
  const read = new VariableReader(env);
  const production = read.text('NODE_ENV') === 'production';
  /** Heroku's router is in front, so `X-Forwarded-*` can be trusted. */
  const onDyno = read.text('DYNO') !== undefined;
  const { store, warnings } = readStore(read, production);
  const { records, warnings: recordsWarnings } = readRecords(read);
  warnings.push(...recordsWarnings);
  const { attachments, problems } = findAttachments(env);
  const settings = {
    port: read.integer('PORT', { fallback: 3000, min: 0, max: 65_535 }),
    /** Undefined: all interfaces. */
    host: readHost(read),
    store,
    records,
    ...readAdminKeys(read, production),
    attachments,
    onDyno,
    /** Names this machine in metrics, such as `web.1`. */
    dyno: read.text('DYNO') ?? hostname(),
    /** Heroku sets it with the feature `runtime-dyno-metadata`, and in review apps. */
    herokuApp: read.text('HEROKU_APP_NAME'),
    herokuDynoId: read.text('HEROKU_DYNO_ID'),
    telemetry: readTelemetry(read),
    /** For tokens without a list of their own. */
    allowedOrigins: readAllowedOrigins(read),
    /** Where pages reach the gateway, for their proofs; empty: where their request says. */
    publicUrls: readPublicUrls(read),
    /** Hosts that events may be sent to although their addresses are private. */
    webhookPrivateHosts: new Set(readPrivateHosts(read)),
    workers: readWorkers(read, store, warnings),
    logLevel: read.choice('LOG_LEVEL', logLevels, 'info'),
    ...readBounds(read),
    ...readDurations(read, onDyno),
    ...readAttempts(read),
    /** From one client address; beyond that the answer is 429. */
    refusedCredentialsPerMinute: read.integer('REFUSED_CREDENTIALS_PER_MINUTE', {
      fallback: 60,
      min: 1,
      max: 1_000_000,
    }),
    /** How many sessions one token may make per minute, and how many store bytes its live ones may take. */
    sessionsPerMinute: read.integer('SESSIONS_PER_MINUTE', { fallback: 600, min: 1, max: 1_000_000 }),
    sessionStoreBytes: read.integer('SESSION_STORE_BYTES', {
      fallback: 2 * mebibyte,
      min: 65_536,
      max: 1_024 * mebibyte,
    }),
    /** How many bytes of text the counters of a team's end users may have. */
    endUserStoreBytes: read.integer('END_USER_STORE_BYTES', {
      fallback: defaultEndUserBytes,
      min: mebibyte,
      max: 1_024 * mebibyte,
    }),
    /** Store bytes that calls with an Idempotency-Key may take, with the answers that are kept for them. */
    keptAnswerBytes: read.integer('KEPT_ANSWER_BYTES', {
      fallback: defaultKeyedBytes,
      min: 65_536,
      max: 1_024 * mebibyte,
    }),
    /** Store bytes that the items of responses may take, which later requests may refer to; 0: none are kept. */
    responsesStoreBytes: read.integer('RESPONSES_STORE_BYTES', {
      fallback: 0,
      min: 0,
      max: 1_024 * mebibyte,
    }),
    ledgerMaxEntries: read.integer('LEDGER_MAX_ENTRIES', { fallback: 10_000, min: 1, max: 10_000_000 }),
    usageRetentionDays: readUsageRetention(read),
    /** Of a team's day by tags and end user. */
    usageBreakdownRows: read.integer('USAGE_BREAKDOWN_ROWS', {
      fallback: defaultBreakdownRows,
      min: 2,
      max: 10_000,
    }),
    limitEventLevels: readLimitEventLevels(read),
  } as const;
  if (settings.previousAdminKey !== null) {
    warnings.push('ADMIN_KEY_PREVIOUS: the key before ADMIN_KEY still works; unset it when nobody uses it.');
  }
  const all = [...read.problems, ...problems];
  return all.length > 0
    ? ({ ok: false, problems: all } as const)
    : ({ ok: true, settings, warnings } as const);
}

/** For how many days the store keeps sums. */
export function readUsageRetention(read: VariableReader): number {
  return read.integer('USAGE_RETENTION_DAYS', { fallback: 92, min: 1, max: 3_660 });
}

const maxLimitEventLevels = 5;

/** At what percentages of a limit per day or month an event is told, lowest first. */
function readLimitEventLevels(read: VariableReader): readonly number[] {
  const entries = (read.text('LIMIT_EVENT_LEVELS') ?? '80,95,100').split(',').map((entry) => entry.trim());
  const levels = [...new Set(entries.map((entry) => (/^\d{1,3}$/.test(entry) ? Number(entry) : Number.NaN)))];
  const isLevel = (level: number): boolean => level >= 1 && level <= 100;
  if (levels.length > maxLimitEventLevels || !levels.every(isLevel)) {
    const expectation = `at most ${maxLimitEventLevels} whole numbers from 1 to 100, comma-separated, such as 80,95,100`;
    read.expected('LIMIT_EVENT_LEVELS', expectation);
  }
  return levels.sort((a, b) => a - b);
}

/** The path of the model catalogue: the operator's, or the one in this repository. */
export function modelsFileOf(env: NodeJS.ProcessEnv): string {
  return fileNamedBy(env, 'MODELS_FILE') ?? shipped('models.json');
}

/** The path of the trusted issuers: the operator's, or the one in this repository. */
export function issuersFileOf(env: NodeJS.ProcessEnv): string {
  return fileNamedBy(env, 'ISSUERS_FILE') ?? shipped('issuers.json');
}

/** The path of the export to load at start; undefined if there is none. */
export function identityFileOf(env: NodeJS.ProcessEnv): string | undefined {
  return fileNamedBy(env, 'IDENTITY_FILE');
}

/** An absolute path; the variable's may be relative to the working directory. */
function fileNamedBy(env: NodeJS.ProcessEnv, variable: Variable): string | undefined {
  const file = new VariableReader(env).text(variable);
  return file === undefined ? undefined : resolve(file);
}

function shipped(name: string): string {
  return fileURLToPath(new URL(`../../config/${name}`, import.meta.url));
}

function readHost(read: VariableReader): string | undefined {
  const host = read.text('HOST');
  if (host !== undefined && !/^[A-Za-z0-9.:%_-]+$/.test(host)) {
    read.expected('HOST', 'an IP address or a host name, without scheme and port');
  }
  return host;
}

function readWorkers(read: VariableReader, store: StoreSettings, warnings: string[]): number {
  const workers = read.integer('WEB_CONCURRENCY', { fallback: 1, min: 1, max: 128 });
  if (store.kind === 'redis' || workers === 1) return workers;
  warnings.push('WEB_CONCURRENCY: one worker only, since the embedded store cannot be shared.');
  return 1;
}

function readBounds(read: VariableReader) {
  const maxBodyBytes = read.integer('MAX_BODY_BYTES', {
    fallback: 10 * mebibyte,
    min: 1,
    max: 256 * mebibyte,
  });
  /** All bytes of bodies and unread answers in memory at once, per process. */
  const bodyBudgetBytes = read.integer('BODY_BUDGET_BYTES', {
    fallback: 128 * mebibyte,
    min: 1,
    max: 65_536 * mebibyte,
  });
  if (bodyBudgetBytes < maxBodyBytes) {
    read.expected(
      'BODY_BUDGET_BYTES',
      'at least MAX_BODY_BYTES, or the largest bodies could never be admitted',
    );
  }
  /** Open connections, per process. Each forwarded request needs another one to its upstream. */
  const maxConnections = read.integer('MAX_CONNECTIONS', { fallback: 6_000, min: 16, max: 1_000_000 });
  return { maxBodyBytes, bodyBudgetBytes, maxConnections };
}

/** How often a request is sent, and how it waits for key quota. */
function readAttempts(read: VariableReader) {
  return {
    upstreamAttempts: read.integer('UPSTREAM_ATTEMPTS', { fallback: 3, min: 1, max: 10 }),
    /** The longest wait in the request queue; 0: requests do not wait. */
    upstreamQueueMs: read.integer('UPSTREAM_QUEUE_MS', { fallback: 10_000, min: 0, max: 300_000 }),
    /** How many requests may wait, per process and per team in it. */
    upstreamQueueMax: read.integer('UPSTREAM_QUEUE_MAX', { fallback: 1_000, min: 1, max: 100_000 }),
    upstreamQueueMaxPerTeam: read.integer('UPSTREAM_QUEUE_MAX_PER_TEAM', {
      fallback: 64,
      min: 1,
      max: 100_000,
    }),
  };
}

/** How long things may take. */
function readDurations(read: VariableReader, onDyno: boolean) {
  return {
    /** One store command. */
    storeTimeoutMs: read.durationMs('STORE_TIMEOUT_MS', 1_000),
    /** A plain call without an answer. Heroku's router gives up after 30 s (H12; Dev Center, request-timeout). */
    upstreamTimeoutMs: read.durationMs('UPSTREAM_TIMEOUT_MS', onDyno ? 28_000 : 300_000),
    /** A stream whose upstream is silent. */
    streamIdleTimeoutMs: read.durationMs('STREAM_IDLE_TIMEOUT_MS', 300_000),
    /** Silence at a stream's start before the first SSE comment, and later in it before another. */
    firstHeartbeatMs: read.durationMs('FIRST_HEARTBEAT_MS', 27_000),
    heartbeatMs: read.durationMs('HEARTBEAT_MS', 25_000),
    /** A reader without progress. */
    readerTimeoutMs: read.durationMs('READER_TIMEOUT_MS', 60_000),
    /** A request body on its way in. */
    bodyTimeoutMs: read.durationMs('BODY_TIMEOUT_MS', 30_000),
    /** Between two queries for the models that upstreams list. */
    modelRefreshMs: read.integer('MODEL_REFRESH_MS', { fallback: 600_000, min: 1_000, max: 86_400_000 }),
    /** Running streams after a SIGTERM. */
    shutdownGraceMs: read.durationMs('SHUTDOWN_GRACE_MS', 25_000),
    /** How long a process may be silent before it counts as dead: a heartbeat fits in it, and `lost` comes within 60 s. */
    leaseMs: read.integer('LEASE_MS', { fallback: 20_000, min: 100, max: 30_000 }),
  };
}
