import { type Limit, onlyObserves } from '../base/limit.ts';

/** What is known of models where limits are set. */
export interface ModelFacts {
  /** Whether an attachment serves it now; true if that cannot be told. */
  serves(model: string): boolean;
  isPriced(model: string): boolean;
  /** All that are served, as far as that is known. */
  all(): readonly string[];
}

const shownModels = 5;

/**
 * What a limit that is accepted will not do, in sentences. `models`: what its holder may use; null: all. `field`: the list
 * that the limits are in.
 */
export function limitWarnings(
  limits: readonly Limit[],
  models: readonly string[] | null,
  facts: ModelFacts,
  field = 'limits',
): string[] {
  return limits.flatMap((limit, n) => [
    ...unservedIn(limit, facts).map(
      (model) => `${field}.${n}: no attachment serves ${model}, so that this limit counts nothing of it.`,
    ),
    ...unpricedIn(limit, models, facts).map((names) => `${field}.${n}: ${names}`),
  ]);
}

function unservedIn({ models = [] }: Limit, facts: ModelFacts): string[] {
  return models.filter((model) => !facts.serves(model));
}

function unpricedIn(limit: Limit, models: readonly string[] | null, facts: ModelFacts): string[] {
  if (limit.metric !== 'cost_usd') return [];
  const covered = limit.models ?? models ?? facts.all();
  const unpriced = covered.filter((model) => !facts.isPriced(model));
  if (unpriced.length === 0) return [];
  const rest = unpriced.length - shownModels;
  const names = `${unpriced.slice(0, shownModels).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
  const effect = onlyObserves(limit)
    ? 'this limit counts nothing of it'
    : 'requests for it are refused (model_unpriced)';
  return [
    `${names} ${unpriced.length === 1 ? 'has' : 'have'} no price, so that ${effect}. \`tollgate prices set\` gives one a price, and so does "price" in config/models.json, or in the file that MODELS_FILE names, after a restart.`,
  ];
}
