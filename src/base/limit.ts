/** What a limit counts: contract 1.3, and money. */
export const countedMetrics = ['requests', 'tokens', 'images', 'cost_usd'] as const;
export const windows = ['minute', 'hour', 'day', 'month'] as const;

export type CountedMetric = (typeof countedMetrics)[number];
export type Metric = CountedMetric | 'concurrency';
export type Window = (typeof windows)[number];

/** What a limit is for; where nothing is named it is for everything. */
interface Coverage {
  models?: string[];
  endpoints?: string[];
}

export type Limit = Coverage &
  ({ metric: CountedMetric; window: Window; max: number } | { metric: 'concurrency'; max: number });

/**
 * A limit as it is stored. Its `id` names its counter: given when the limit first appears, kept when
 * only `max` changes. So a changed limit keeps what is used, and one taken off and put back counts anew.
 */
export type StoredLimit = Limit & { id: string };

export type Scope = 'gateway' | 'team' | 'user' | 'token' | 'session';
