import { type Catalogue, loadCatalogue } from './catalogue.ts';
import { modelsFileOf, readSettings, type Settings } from './environment.ts';

export type ConfigurationResult =
  | { ok: true; settings: Settings; catalogue: Catalogue; warnings: string[] }
  | { ok: false; problems: string[] };

/** The environment and the catalogue it points to, with the problems of both told at once. */
export function readConfiguration(env: NodeJS.ProcessEnv): ConfigurationResult {
  const environment = readSettings(env);
  const models = loadCatalogue(modelsFileOf(env));
  if (environment.ok && models.ok) {
    const { settings, warnings } = environment;
    return { ok: true, settings, catalogue: models.catalogue, warnings };
  }
  const problems = [environment, models].flatMap((result) => (result.ok ? [] : result.problems));
  return { ok: false, problems };
}
