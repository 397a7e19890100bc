import type { AttemptRules } from '../upstream/attempt-rules.ts';
import { Attempts, type AttemptedRequest } from '../upstream/attempts.ts';
import { Exchange, type ExchangeOptions } from './exchange.ts';
import { SplitEmbeddings, type SplitOptions } from '../upstream/split-embeddings.ts';

export interface ForwardOptions
  extends Omit<ExchangeOptions, 'sending'>, Omit<AttemptedRequest, 'split' | 'call'> {
  rules: AttemptRules;
  /** Where it is to be sent as several. */
  split: SplitOptions | null;
}

/** Sends an admitted request to the upstream and its answer to the caller. `settle` tells how it ended. */
export function forward(options: ForwardOptions): void {
  const { rules, settle } = options;
  const split = options.split && new SplitEmbeddings(options.split);
  // Of two models' embeddings nothing whole can be made.
  const fallback = split ? (): null => null : options.fallback;
  const sending = new Attempts(rules, { ...options, split, fallback });
  const exchange = new Exchange({
    ...options,
    sending,
    settle: split ? (outcome) => settle(split.charged(outcome)) : settle,
  });
  // The caller may have left while its request was being admitted.
  if (!exchange.over) sending.begin(exchange);
}
