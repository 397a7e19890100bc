/** What a limit counts: contract 1.3. */
export const metrics = ['requests', 'tokens', 'images', 'concurrency'] as const;
export const windows = ['minute', 'hour', 'day', 'month'] as const;

export type Metric = (typeof metrics)[number];
export type CountedMetric = Exclude<Metric, 'concurrency'>;
export type Window = (typeof windows)[number];

export type Limit =
  | { metric: CountedMetric; window: Window; max: number; models?: string[] }
  | { metric: 'concurrency'; max: number; models?: string[] };

/**
 * A limit as it is stored. Its `id` names its counter: given when the limit first appears, kept when
 * only `max` changes. So a changed limit keeps what is used, and one taken off and put back counts anew.
 */
export type StoredLimit = Limit & { id: string };

export type Scope = 'team' | 'user' | 'token' | 'session';
