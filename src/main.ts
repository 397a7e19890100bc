import cluster from 'node:cluster';
import { readConfiguration } from './config/configuration.ts';
import { identityFileOf, type Settings } from './config/environment.ts';
import type { TrustedIssuer } from './config/issuer.ts';
import { secretsIn } from './config/secrets.ts';
import { systemClock } from './base/clock.ts';
import { readIdentityFile } from './backup/identity-file.ts';
import { runPrimary } from './lifecycle/cluster.ts';
import { sumMetricsOfWorkers } from './observability/cluster-metrics.ts';
import { createLog, type Log } from './observability/log.ts';
import { sessionPolicyProblems } from './sessions/schema.ts';

const configuration = readConfiguration(process.env, sessionPolicyProblems);
const identityFile = await readIdentityFile(identityFileOf(process.env));
if (!configuration.ok || !identityFile.ok) {
  const problems = [configuration, identityFile].flatMap((result) => (result.ok ? [] : result.problems));
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  process.exit(1);
}

const { settings, catalogue, issuers, warnings } = configuration;
const log = protectedLog(settings, issuers);
const exit = (code: number): void => process.exit(code);

if (cluster.isPrimary) {
  for (const warning of warnings) log.warn(warning);
  if (settings.adminKeyGenerated) {
    // The one secret that is ever printed, and only outside production (contract 1.7).
    process.stdout.write(`ADMIN_KEY was not set; for this run it is ${settings.adminKey}\n`);
    process.env['ADMIN_KEY'] = settings.adminKey;
  }
}

if (cluster.isPrimary && settings.workers > 1) {
  sumMetricsOfWorkers();
  runPrimary({ workers: settings.workers, log, clock: systemClock, exit });
} else {
  // Not at the top: a primary that only has workers does without all of it.
  const { serve } = await import('./serve.ts');
  const { document: identities } = identityFile;
  await serve({ settings, catalogue, issuers, identities, clock: systemClock, log, exit }).catch(
    async (error: unknown) => {
      const problem = listenProblem(error);
      if (problem !== null) process.stderr.write(`${problem}\n`);
      else log.fatal('could not start', { error });
      await log.delivered();
      exit(1);
    },
  );
}

/** What is wrong with PORT or HOST, if that kept it from listening. */
function listenProblem(error: unknown): string | null {
  switch (error instanceof Error && 'code' in error ? error.code : undefined) {
    case 'EADDRINUSE':
      return 'PORT: expected a port that is free; another process listens on this one.';
    case 'EACCES':
      return 'PORT: expected a port that this user may listen on, such as 3000.';
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return 'HOST: expected an address of this machine.';
    default:
      return null;
  }
}

/** A log that masks every secret of the configuration, wherever it might turn up. */
function protectedLog(of: Settings, trusted: readonly TrustedIssuer[]): Log {
  const made = createLog({ level: of.logLevel });
  for (const secret of secretsIn(of, trusted)) made.protect(secret);
  return made;
}
