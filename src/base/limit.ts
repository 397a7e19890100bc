/** The metrics that limits count over a window: those of contract 1.3, and money. */
export const countedMetrics = ['requests', 'tokens', 'images', 'cost_usd'] as const;
export const windows = ['minute', 'hour', 'day', 'month'] as const;

export type CountedMetric = (typeof countedMetrics)[number];
export type Window = (typeof windows)[number];

/** The models and endpoints that a limit counts; absent: all. */
interface Coverage {
  models?: string[];
  endpoints?: string[];
}

export type Limit = Coverage &
  ({ metric: CountedMetric; window: Window; max: number } | { metric: 'concurrency'; max: number });

/**
 * A stored limit. Its `id` names its counter: made when the limit first appears, kept if only `max` changes. So a
 * changed limit keeps what is used, and one that is removed and added again counts anew.
 */
export type StoredLimit = Limit & { id: string };

export type Scope = 'gateway' | 'team' | 'user' | 'token' | 'session';
