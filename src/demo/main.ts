import { once } from 'node:events';
import { createServer } from 'node:net';
import { readConfiguration } from '../config/configuration.ts';
import { systemClock } from '../core/clock.ts';
import { createLog } from '../observability/log.ts';
import { serve } from '../serve.ts';
import { sessionPolicyProblems } from '../session-policy.ts';
import { startStandIn } from './stand-in.ts';
import { walkthrough } from './walkthrough.ts';

/*
 * The gateway on the embedded store, in front of a stand-in for Heroku Inference: everything real but the model.
 * PORT, LOG_LEVEL and the like may be set; what the demo is made of may not.
 */
const standIn = await startStandIn({ wordDelayMs: 40 });
const env = {
  PORT: process.env['PORT'],
  LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'warn',
  ADMIN_KEY: process.env['ADMIN_KEY'],
  ALLOWED_ORIGINS: process.env['ALLOWED_ORIGINS'],
  INFERENCE_URL: standIn.url,
  INFERENCE_KEY: standIn.key,
  HOST: '127.0.0.1',
  SHUTDOWN_GRACE_MS: '2000',
};
const configuration = readConfiguration(env, sessionPolicyProblems);
if (!configuration.ok) {
  for (const problem of configuration.problems) process.stderr.write(`${problem}\n`);
  process.exit(1);
}

const { settings, catalogue, issuers } = configuration;
const log = createLog({ level: settings.logLevel });
const exit = (code: number): void => void standIn.close().finally(() => process.exit(code));
const port = await freePort(settings.port);
const { address } = await serve({
  settings: { ...settings, port },
  catalogue,
  issuers,
  clock: systemClock,
  log,
  exit,
});
const url = `http://127.0.0.1:${address.port}`;
process.stdout.write(await walkthrough({ url, adminKey: settings.adminKey }));

/** The port itself where it is free, else 0 for any: a demo should not fail for another that still runs. */
async function freePort(wanted: number): Promise<number> {
  const probe = createServer().listen(wanted, '127.0.0.1');
  try {
    await once(probe, 'listening');
  } catch {
    process.stdout.write(`Port ${wanted} is taken, so another one is used.\n`);
    return 0;
  }
  probe.close();
  await once(probe, 'close');
  return wanted;
}
