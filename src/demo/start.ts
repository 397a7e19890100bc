import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { readConfiguration } from '../config/configuration.ts';
import { systemClock } from '../base/clock.ts';
import { createLog } from '../observability/log.ts';
import { serve } from '../serve.ts';
import { sessionPolicyProblems } from '../sessions/schema.ts';
import { makeHistory, TravelClock } from './history.ts';
import { isReady } from './ready.ts';
import { demoRecords } from './records.ts';
import { startStandIn } from './stand-in.ts';

interface DemoOptions {
  /** PORT, LOG_LEVEL and a few more are taken from it. The demo sets the rest itself. */
  env: NodeJS.ProcessEnv;
  /** Whether Postgres keeps what must last, if there is one. */
  withRecords?: boolean;
  /** Whether a month of made-up requests is in its ledger. */
  withHistory?: boolean;
  /** Whether the stand-in's chats are long enough to watch. */
  longAnswers?: boolean;
  /** Closes anything else, once the gateway has stopped. */
  onStop?: () => Promise<unknown>;
}

interface Demo {
  url: string;
  adminKey: string;
  /** Where Postgres keeps its records; null if there are none. */
  recordsAt: string | null;
  /** The text of the token that its history has; null if it has none. */
  token: string | null;
}

/**
 * Runs the gateway on the embedded store, in front of a stand-in for Heroku Inference: everything is real except the
 * models. A signal or a wrong setting ends the process.
 */
export async function startDemo({
  env,
  withRecords = false,
  withHistory = false,
  longAnswers = false,
  onStop = () => Promise.resolve(),
}: DemoOptions): Promise<Demo> {
  const standIn = await startStandIn({ wordDelayMs: 40, longAnswers });
  const records = withRecords ? await recordsIn(env) : null;
  const exit = (code: number): void =>
    void Promise.allSettled([standIn.close(), onStop(), records?.stop()]).then(() => process.exit(code));
  const wanted = {
    PORT: env['PORT'],
    LOG_LEVEL: env['LOG_LEVEL'] ?? 'warn',
    ADMIN_KEY: env['ADMIN_KEY'],
    ALLOWED_ORIGINS: env['ALLOWED_ORIGINS'],
    ISSUERS_FILE: env['ISSUERS_FILE'],
    RESPONSES_STORE_BYTES: env['RESPONSES_STORE_BYTES'],
    WEBHOOK_PRIVATE_HOSTS: env['WEBHOOK_PRIVATE_HOSTS'],
    INFERENCE_URL: standIn.url,
    INFERENCE_KEY: standIn.key,
    HOST: '127.0.0.1',
    SHUTDOWN_GRACE_MS: '2000',
    DATABASE_URL: records?.url,
  };
  const configuration = readConfiguration(wanted, sessionPolicyProblems);
  if (!configuration.ok) {
    for (const problem of configuration.problems) process.stderr.write(`${problem}\n`);
    exit(1);
    return new Promise(() => undefined); // exiting
  }

  const { settings, catalogue, issuers } = configuration;
  const port = await freePort(settings.port);
  const clock = new TravelClock(systemClock);
  const log = createLog({ level: settings.logLevel });
  let isMakingHistory = false;
  const { address } = await serve({
    settings: { ...settings, port },
    catalogue,
    issuers,
    clock,
    // Of limits that were used up in the made-up month, nobody wants to read.
    log: { ...log, warn: (message, fields) => (isMakingHistory ? undefined : log.warn(message, fields)) },
    exit,
  });
  const url = `http://127.0.0.1:${address.port}`;
  if (records !== null && !(await isReady(url))) {
    process.stderr.write('DATABASE_URL: Postgres does not answer, so the demo cannot restore its store.\n');
    exit(1);
    return new Promise(() => undefined); // exiting
  }
  const { adminKey } = settings;
  // Records have the month of an earlier demo, and their own clock.
  if (records !== null || !withHistory)
    return { url, adminKey, recordsAt: records?.where ?? null, token: null };
  isMakingHistory = true;
  const token = await makeHistory({ url, adminKey, clock });
  isMakingHistory = false;
  return { url, adminKey, recordsAt: null, token };
}

async function recordsIn(env: NodeJS.ProcessEnv) {
  const records = await demoRecords(env['DATABASE_URL'], () => freePort(0));
  if (!('problem' in records)) return records;
  process.stdout.write(`${records.problem} So this demo goes without records.\n`);
  return null;
}

/** The port if it is free, else another: a demo should not fail because one is still running. */
export async function freePort(wanted: number): Promise<number> {
  const probe = createServer().listen(wanted, '127.0.0.1');
  try {
    await once(probe, 'listening');
  } catch {
    process.stdout.write(`Port ${wanted} is in use, so the demo takes another one.\n`);
    return freePort(0);
  }
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
