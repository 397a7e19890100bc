import type { Tags } from './tags.ts';

/** The metrics that limits count over a window: those of contract 1.3, and money. */
export const countedMetrics = ['requests', 'tokens', 'images', 'cost_usd'] as const;
export const windows = ['minute', 'hour', 'day', 'month'] as const;

export type CountedMetric = (typeof countedMetrics)[number];
export type Window = (typeof windows)[number];

/** The models and endpoints that a limit counts, and the tags that a request must have; absent: all. */
interface Coverage {
  models?: string[];
  endpoints?: string[];
  tags?: Tags;
}

interface Max extends Coverage {
  max: number;
  /** False: it only observes, which counts and refuses nothing; absent: it holds. */
  enforce?: boolean;
}

interface TokenLimit extends Max {
  metric: 'tokens';
  window: Window;
  /** False: what is read from a prompt cache does not count; absent: it does. */
  count_cached?: boolean;
}

export type CountedLimit = TokenLimit | (Max & { metric: Exclude<CountedMetric, 'tokens'>; window: Window });

export type Limit = CountedLimit | (Max & { metric: 'concurrency' });

/**
 * A stored limit. Its `id` names its counter: made when the limit first appears, kept if only `max` changes. So a
 * changed limit keeps what is used, and one that is removed and added again counts anew.
 */
export type StoredLimit = Limit & { id: string };

/** What adds to a limit's `max` until it ends by itself, by the store's clock. */
export interface Raise {
  /** In the unit of the limit. */
  by: number;
  untilMs: number;
}

/** Whether a limit counts and refuses nothing. */
export function onlyObserves({ enforce }: Pick<Limit, 'enforce'>): boolean {
  return enforce === false;
}

export type Scope = 'gateway' | 'team' | 'user' | 'token' | 'session' | 'end_user';

/** Whether a page's visitor may see a limit: it is the session's or their own. */
export function isOfVisitor(scope: Scope): boolean {
  return scope === 'session' || scope === 'end_user';
}

/**
 * How many attempts a token or a session has in a minute: what it uses of its own limit on requests, and requests that the
 * upstream had and that are refunded, such as those that a firewall blocks, and kept answers that are sent again. Only those
 * are counted here, and nothing refunds them.
 */
export interface AttemptBound {
  scope: 'token' | 'session';
  /** The field of its counter, which is empty unless something was refunded or sent again. */
  field: string;
  max: number;
  /** The id of its own limit on requests a minute, if it has one. */
  withLimit: string | null;
}

/** A limit's metric and window, such as `tokens/day` or `concurrency`. */
export function limitName(limit: Limit): string {
  return limit.metric === 'concurrency' ? limit.metric : `${limit.metric}/${limit.window}`;
}
