import { onlyObserves } from '../base/limit.ts';
import { type Finding, ok, problem, someOf, warning } from './finding.ts';
import type { Spender } from './price-facts.ts';

export interface PriceContext {
  /** The models that are served, as far as that is known. */
  readonly served: readonly string[];
  readonly isPriced: (model: string) => boolean;
}

/** What is to be said of prices: a limit on money refuses a model that has none. Pure. */
export function priceFindings(spenders: readonly Spender[], { served, isPriced }: PriceContext): Finding[] {
  const unpriced = served.filter((model) => !isPriced(model));
  const told = `${served.length - unpriced.length} of ${served.length} models that are served have a price`;
  if (spenders.length === 0) return [ok('prices', `${told}, and no limit is on money (cost_usd).`)];
  const hit = unpriced.filter((model) => spenders.some((each) => covers(each, model)));
  if (hit.length === 0) return [ok('prices', `${told}, and every one under a limit on money.`)];
  const whose = spenders.filter((each) => hit.some((model) => covers(each, model)));
  const names = someOf(whose.map(({ who }) => who));
  const have = hit.length === 1 ? 'has' : 'have';
  const says = `${someOf(hit)} ${have} no price, but ${names} ${whose.length === 1 ? 'has' : 'have'} limits on money`;
  const remedy = `npm run tollgate -- prices set ${hit[0] ?? ''} … (docs/models.md)`;
  const isRefused = whose.some(({ limits }) => limits.some((limit) => !onlyObserves(limit)));
  if (isRefused) return [problem('prices', `${says}: requests for it are refused (model_unpriced).`, remedy)];
  return [warning('prices', `${says}, which count nothing of it.`, remedy)];
}

function covers({ limits, models }: Spender, model: string): boolean {
  return limits.some((limit) => (limit.models ?? models ?? [model]).includes(model));
}
