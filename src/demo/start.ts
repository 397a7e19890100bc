import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { readConfiguration } from '../config/configuration.ts';
import { systemClock } from '../base/clock.ts';
import { createLog } from '../observability/log.ts';
import { serve } from '../serve.ts';
import { sessionPolicyProblems } from '../sessions/schema.ts';
import { startStandIn } from './stand-in.ts';

export interface DemoOptions {
  /** PORT, LOG_LEVEL and the like may be set; what the demo is made of may not. */
  env: NodeJS.ProcessEnv;
  /** What else is to be closed once the gateway has stopped. */
  onStop?: () => Promise<unknown>;
}

export interface Demo {
  url: string;
  adminKey: string;
}

/**
 * Runs the gateway on the embedded store, in front of a stand-in for Heroku Inference: everything real but the model.
 * A signal, or a setting that is wrong, ends the process.
 */
export async function startDemo({ env, onStop = () => Promise.resolve() }: DemoOptions): Promise<Demo> {
  const standIn = await startStandIn({ wordDelayMs: 40 });
  const exit = (code: number): void =>
    void Promise.allSettled([standIn.close(), onStop()]).then(() => process.exit(code));
  const wanted = {
    PORT: env['PORT'],
    LOG_LEVEL: env['LOG_LEVEL'] ?? 'warn',
    ADMIN_KEY: env['ADMIN_KEY'],
    ALLOWED_ORIGINS: env['ALLOWED_ORIGINS'],
    ISSUERS_FILE: env['ISSUERS_FILE'],
    INFERENCE_URL: standIn.url,
    INFERENCE_KEY: standIn.key,
    HOST: '127.0.0.1',
    SHUTDOWN_GRACE_MS: '2000',
  };
  const configuration = readConfiguration(wanted, sessionPolicyProblems);
  if (!configuration.ok) {
    for (const problem of configuration.problems) process.stderr.write(`${problem}\n`);
    exit(1);
    return new Promise(() => undefined); // exiting
  }

  const { settings, catalogue, issuers } = configuration;
  const port = await freePort(settings.port);
  const { address } = await serve({
    settings: { ...settings, port },
    catalogue,
    issuers,
    clock: systemClock,
    log: createLog({ level: settings.logLevel }),
    exit,
  });
  return { url: `http://127.0.0.1:${address.port}`, adminKey: settings.adminKey };
}

/** The port itself where it is free, else another: a demo should not fail for one that still runs. */
export async function freePort(wanted: number): Promise<number> {
  const probe = createServer().listen(wanted, '127.0.0.1');
  try {
    await once(probe, 'listening');
  } catch {
    process.stdout.write(`Port ${wanted} is taken, so another one is used.\n`);
    return freePort(0);
  }
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
