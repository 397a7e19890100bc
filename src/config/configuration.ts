import type { TrustedIssuer } from './issuer.ts';
import type { Problem } from '../base/refusal.ts';
import type { JsonObject } from '../base/request.ts';
import { type Catalogue, loadCatalogue } from './catalogue.ts';
import { issuersFileOf, modelsFileOf, readSettings, type Settings } from './environment.ts';
import { loadIssuers } from './issuers.ts';

/**
 * Reads the environment and the files it names, and reports all problems at once. `policyProblems` checks the session
 * policy of an issuer's entry.
 */
export function readConfiguration(
  env: NodeJS.ProcessEnv,
  policyProblems: (session: JsonObject) => readonly Problem[],
) {
  const environment = readSettings(env);
  const models = loadCatalogue(modelsFileOf(env));
  const trusted = loadIssuers(issuersFileOf(env), env);
  const wrongPolicies = trusted.ok ? trusted.issuers.flatMap(problemsOfPolicy) : [];
  const shadowed = environment.ok && models.ok ? shadowedModels(environment.settings, models.catalogue) : [];
  if (environment.ok && models.ok && trusted.ok && wrongPolicies.length + shadowed.length === 0) {
    const { settings, warnings } = environment;
    return { ok: true, settings, catalogue: models.catalogue, issuers: trusted.issuers, warnings } as const;
  }
  const problems = [environment, models, trusted].flatMap((result) => (result.ok ? [] : result.problems));
  return { ok: false, problems: [...problems, ...shadowed, ...wrongPolicies] } as const;

  function problemsOfPolicy({ session, person = {} }: TrustedIssuer, index: number): string[] {
    return Object.entries({ session, person }).flatMap(([field, policy]) =>
      policyProblems(policy).map(({ message }) => `ISSUERS_FILE: issuers.${index}.${field}.${message}`),
    );
  }
}

/** An alias with the name of an attached model would hide that model. */
function shadowedModels({ attachments }: Settings, { aliases }: Catalogue): string[] {
  return attachments
    .filter(({ modelId }) => modelId !== null && aliases.has(modelId))
    .map(({ name }) => `MODELS_FILE: aliases: expected no alias that is the ${name}_MODEL_ID.`);
}
