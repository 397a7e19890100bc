import { Attempts, type AttemptedRequest, type AttemptRules } from './attempts.ts';
import { Exchange, type ExchangeOptions } from './exchange.ts';

export interface ForwardOptions extends Omit<ExchangeOptions, 'sending'>, AttemptedRequest {
  rules: AttemptRules;
}

/** Sends an admitted request to the upstream and its answer to the caller. `settle` tells how it ended. */
export function forward(options: ForwardOptions): void {
  const attempts = new Attempts(options.rules, options);
  const exchange = new Exchange({ ...options, sending: attempts });
  // The caller may have left while its request was being admitted.
  if (!exchange.over) attempts.begin(exchange);
}
