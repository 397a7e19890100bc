import { readIdentityFile } from '../backup/identity-file.ts';
import type { Clock } from '../base/clock.ts';
import { readConfiguration } from '../config/configuration.ts';
import { identityFileOf } from '../config/environment.ts';
import { secretsIn } from '../config/secrets.ts';
import { Redactor } from '../observability/redact.ts';
import { sessionPolicyProblems } from '../sessions/schema.ts';
import { configurationFindings } from './configuration-findings.ts';
import { areaOf, areas, type Finding, problem } from './finding.ts';
import { Looks } from './looks.ts';

/** What was found, in the order of `areas`. */
export interface Examination {
  /** False: the configuration cannot be read, so that nothing else was looked at. */
  readonly couldLook: boolean;
  readonly findings: readonly Finding[];
}

export interface ExamineOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** How many dynos there are, or are to be. */
  readonly dynos: number;
  /** How long each look may take. */
  readonly timeoutMs?: number;
}

/** Looks at everything that a gateway with this environment needs, and changes nothing. No finding has a secret in it. */
export async function examine({
  env,
  clock,
  dynos,
  timeoutMs = 12_000,
}: ExamineOptions): Promise<Examination> {
  const configuration = readConfiguration(env, sessionPolicyProblems);
  const identityFile = await readIdentityFile(identityFileOf(env));
  if (!configuration.ok || !identityFile.ok) {
    const problems = [configuration, identityFile].flatMap((read) => (read.ok ? [] : read.problems));
    const remedy = 'docs/configuration.md#environment-variables';
    return {
      couldLook: false,
      findings: problems.map((says) => problem('configuration', says, remedy)),
    };
  }
  const { settings, catalogue, issuers, warnings } = configuration;
  const redactor = new Redactor();
  for (const secret of secretsIn(settings, issuers)) redactor.protect(secret);
  const isProduction = env['NODE_ENV']?.trim() === 'production';
  const looks = new Looks({
    settings,
    catalogue,
    issuers,
    hasIdentityFile: identityFile.document !== null,
    processes: settings.workers * dynos,
    clock,
    timeoutMs,
  });
  const found = [...configurationFindings({ settings, warnings, isProduction }), ...(await looks.all())];
  const findings = found.map(({ says, remedy, ...rest }) => ({
    ...rest,
    says: redactor.redact(says),
    remedy: remedy === null ? null : redactor.redact(remedy),
  }));
  return {
    couldLook: true,
    findings: areas.flatMap((area) => findings.filter((each) => areaOf(each) === area)),
  };
}
