import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AdminKey, readAdminKey } from './admin-key.ts';
import type { Attachment } from '../base/attachment.ts';
import { findAttachments } from './attachments.ts';
import { readAllowedOrigins } from './origins.ts';
import { readStore, type StoreSettings } from './store.ts';
import { VariableReader } from './variables.ts';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** What the environment says: contract 1.2. Read once at start and passed down. */
export interface Settings extends AdminKey, Durations, AttemptSettings {
  readonly port: number;
  /** Undefined: all interfaces. */
  readonly host: string | undefined;
  readonly store: StoreSettings;
  readonly attachments: readonly Attachment[];
  /** Heroku's router is in front, so `X-Forwarded-*` can be trusted. */
  readonly onDyno: boolean;
  /** For tokens without a list of their own. */
  readonly allowedOrigins: readonly string[];
  readonly workers: number;
  readonly logLevel: (typeof logLevels)[number];
  readonly maxBodyBytes: number;
  /** All body bytes in memory at once, per process. */
  readonly bodyBudgetBytes: number;
  /** From one client address, on a dyno; beyond that the answer is 429. */
  readonly refusedCredentialsPerMinute: number;
  /** How many sessions one token may make per minute, and how many store bytes its live ones may take. */
  readonly sessionsPerMinute: number;
  readonly sessionStoreBytes: number;
  readonly ledgerMaxEntries: number;
  readonly usageRetentionDays: number;
  /** The model catalogue's absolute path. */
  readonly modelsFile: string;
  /** The absolute path of the list of trusted issuers. */
  readonly issuersFile: string;
  /** The absolute path of an export that is loaded at start; undefined: none. */
  readonly identityFile: string | undefined;
}

/** How often a request is sent, and how it waits for key quota. */
export interface AttemptSettings {
  readonly upstreamAttempts: number;
  /** The longest wait in the request queue; 0: requests do not wait. */
  readonly upstreamQueueMs: number;
  /** How many requests may wait, per process and per team in it. */
  readonly upstreamQueueMax: number;
  readonly upstreamQueueMaxPerTeam: number;
}

/** How long things may take. */
export interface Durations {
  /** One store command. */
  readonly storeTimeoutMs: number;
  /** A plain call without an answer. */
  readonly upstreamTimeoutMs: number;
  /** A stream whose upstream is silent. */
  readonly streamIdleTimeoutMs: number;
  /** Silence at a stream's start before the first SSE comment. */
  readonly firstHeartbeatMs: number;
  /** Silence later in a stream before another SSE comment. */
  readonly heartbeatMs: number;
  /** A reader without progress. */
  readonly readerTimeoutMs: number;
  /** A request body on its way in. */
  readonly bodyTimeoutMs: number;
  /** Between two queries for the models that upstreams list. */
  readonly modelRefreshMs: number;
  /** Running streams after a SIGTERM. */
  readonly shutdownGraceMs: number;
  /** How long a process may be silent before it counts as dead. */
  readonly leaseMs: number;
}

export type SettingsResult =
  { ok: true; settings: Settings; warnings: string[] } | { ok: false; problems: string[] };

/** Reads the environment. Reports all problems at once: variable and expectation, never the value. */
export function readSettings(env: NodeJS.ProcessEnv): SettingsResult {
  const read = new VariableReader(env);
  const production = read.text('NODE_ENV') === 'production';
  const onDyno = read.text('DYNO') !== undefined;
  const { store, warnings } = readStore(read, production);
  const { attachments, problems } = findAttachments(env);
  const settings: Settings = {
    port: read.integer('PORT', { fallback: 3000, min: 0, max: 65_535 }),
    host: readHost(read),
    store,
    ...readAdminKey(read, production),
    attachments,
    onDyno,
    allowedOrigins: readAllowedOrigins(read),
    workers: readWorkers(read, store, warnings),
    logLevel: read.choice('LOG_LEVEL', logLevels, 'info'),
    ...readBodyLimits(read),
    ...readDurations(read, onDyno),
    ...readAttempts(read),
    refusedCredentialsPerMinute: read.integer('REFUSED_CREDENTIALS_PER_MINUTE', {
      fallback: 60,
      min: 1,
      max: 1_000_000,
    }),
    sessionsPerMinute: read.integer('SESSIONS_PER_MINUTE', { fallback: 600, min: 1, max: 1_000_000 }),
    sessionStoreBytes: read.integer('SESSION_STORE_BYTES', {
      fallback: 2_097_152,
      min: 65_536,
      max: 1_073_741_824,
    }),
    ledgerMaxEntries: read.integer('LEDGER_MAX_ENTRIES', { fallback: 10_000, min: 1, max: 10_000_000 }),
    usageRetentionDays: read.integer('USAGE_RETENTION_DAYS', { fallback: 92, min: 1, max: 3_660 }),
    modelsFile: modelsFileOf(env),
    issuersFile: issuersFileOf(env),
    identityFile: identityFileOf(env),
  };
  const all = [...read.problems, ...problems];
  return all.length > 0 ? { ok: false, problems: all } : { ok: true, settings, warnings };
}

const shippedModelsFile = fileURLToPath(new URL('../../config/models.json', import.meta.url));

/** The path of the catalogue: the operator's, relative to the working directory, or the one in this repository. */
export function modelsFileOf(env: NodeJS.ProcessEnv): string {
  const file = new VariableReader(env).text('MODELS_FILE');
  return file === undefined ? shippedModelsFile : resolve(file);
}

const shippedIssuersFile = fileURLToPath(new URL('../../config/issuers.json', import.meta.url));

/** The path of the trusted issuers: the operator's, or the one in this repository. */
export function issuersFileOf(env: NodeJS.ProcessEnv): string {
  const file = new VariableReader(env).text('ISSUERS_FILE');
  return file === undefined ? shippedIssuersFile : resolve(file);
}

/** The path of the export to load at start; undefined if there is none. */
export function identityFileOf(env: NodeJS.ProcessEnv): string | undefined {
  const file = new VariableReader(env).text('IDENTITY_FILE');
  return file === undefined ? undefined : resolve(file);
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

function readBodyLimits(read: VariableReader): { maxBodyBytes: number; bodyBudgetBytes: number } {
  const mebibyte = 1_048_576;
  const maxBodyBytes = read.integer('MAX_BODY_BYTES', {
    fallback: 10 * mebibyte,
    min: 1,
    max: 256 * mebibyte,
  });
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
  return { maxBodyBytes, bodyBudgetBytes };
}

function readAttempts(read: VariableReader): AttemptSettings {
  return {
    upstreamAttempts: read.integer('UPSTREAM_ATTEMPTS', { fallback: 3, min: 1, max: 10 }),
    upstreamQueueMs: read.integer('UPSTREAM_QUEUE_MS', { fallback: 10_000, min: 0, max: 300_000 }),
    upstreamQueueMax: read.integer('UPSTREAM_QUEUE_MAX', { fallback: 1_000, min: 1, max: 100_000 }),
    upstreamQueueMaxPerTeam: read.integer('UPSTREAM_QUEUE_MAX_PER_TEAM', {
      fallback: 64,
      min: 1,
      max: 100_000,
    }),
  };
}

function readDurations(read: VariableReader, onDyno: boolean): Durations {
  return {
    storeTimeoutMs: read.durationMs('STORE_TIMEOUT_MS', 1_000),
    // Heroku's router gives up after 30 s without a byte (H12; Dev Center, request-timeout).
    upstreamTimeoutMs: read.durationMs('UPSTREAM_TIMEOUT_MS', onDyno ? 28_000 : 300_000),
    streamIdleTimeoutMs: read.durationMs('STREAM_IDLE_TIMEOUT_MS', 300_000),
    firstHeartbeatMs: read.durationMs('FIRST_HEARTBEAT_MS', 27_000),
    heartbeatMs: read.durationMs('HEARTBEAT_MS', 25_000),
    readerTimeoutMs: read.durationMs('READER_TIMEOUT_MS', 60_000),
    bodyTimeoutMs: read.durationMs('BODY_TIMEOUT_MS', 30_000),
    modelRefreshMs: read.integer('MODEL_REFRESH_MS', { fallback: 600_000, min: 1_000, max: 86_400_000 }),
    shutdownGraceMs: read.durationMs('SHUTDOWN_GRACE_MS', 25_000),
    // Bounded both ways: a heartbeat has to fit in it, and a dead process's requests are closed within 60 s.
    leaseMs: read.integer('LEASE_MS', { fallback: 20_000, min: 100, max: 30_000 }),
  };
}
