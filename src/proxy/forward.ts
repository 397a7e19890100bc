import { Attempts, type AttemptedRequest, type AttemptRules } from '../upstream/attempts.ts';
import type { EmbeddingsInParts } from '../upstream/embeddings-in-parts.ts';
import { Exchange, type ExchangeOptions } from './exchange.ts';

export interface ForwardOptions extends ExchangeOptions, Omit<AttemptedRequest, 'call'> {
  rules: AttemptRules;
}

/** Sends an admitted request to the upstream and its answer to the caller. `settle` is told how it ended. */
export function forward(options: ForwardOptions): void {
  const attempts = new Attempts(options.rules, options);
  const exchange = new Exchange(options, attempts);
  // The caller may have left while its request was being admitted.
  if (!exchange.over) attempts.begin(exchange);
}

/** The same for embeddings that are sent in parts. There is no fallback: the parts must come from one model. */
export function forwardInParts(options: ForwardOptions, parts: EmbeddingsInParts): void {
  const { settle } = options;
  const inParts: ForwardOptions = {
    ...options,
    asked: { ...options.asked, body: parts.nextBody() },
    fallback: () => null,
    settle: (outcome) => settle(parts.charged(outcome)),
  };
  const attempts = new Attempts(inParts.rules, inParts);
  const exchange = new Exchange(inParts, attempts);
  if (!exchange.over) parts.begin(attempts, exchange);
}
