import type { Charge, ForwardOutcome, Usage } from '../base/outcome.ts';
import type { Price } from '../base/price.ts';
import { amountOf, type LimitState } from './grant.ts';
import type { Adjustment } from './store.ts';
import { windowIndex } from './window.ts';

type Ended = Pick<ForwardOutcome, 'ending' | 'usage' | 'unreportedTokens'>;

/**
 * Who pays (contract 1.4): what a request that ended so is charged, having reserved `reserved`.
 * `usage` tells whether the token figures are wholly the upstream's own.
 */
export function charge(ended: Ended, reserved: Charge): Charge & { usage: 'reported' | 'estimated' } {
  const { ending, usage, unreportedTokens } = ended;
  const isReported = ending === 'answered' || (ending === 'broken' && unreportedTokens === 0);
  const isServed = ending === 'answered' || ending === 'broken' || ending === 'left';
  return {
    requests: ending === 'not_taken' ? 0 : 1,
    ...chargedTokens(ended, reserved),
    images: isServed ? reserved.images : 0,
    searchUnits: isServed ? (usage?.searchUnits ?? reserved.searchUnits) : 0,
    usage: usage && isReported ? 'reported' : 'estimated',
  };
}

function chargedTokens({ ending, usage, unreportedTokens }: Ended, reserved: Charge): Usage {
  switch (ending) {
    case 'answered':
      return usage ?? { inputTokens: reserved.inputTokens, outputTokens: unreportedTokens };
    case 'broken': {
      // What an upstream reports on the way may be less than what has gone by since.
      const { inputTokens, outputTokens } = usage ?? { inputTokens: reserved.inputTokens, outputTokens: 0 };
      return { inputTokens, outputTokens: outputTokens + unreportedTokens };
    }
    case 'not_taken':
    case 'rejected':
      return { inputTokens: 0, outputTokens: 0 };
    case 'failed':
      return { inputTokens: reserved.inputTokens, outputTokens: 0 };
    case 'left':
      return { inputTokens: reserved.inputTokens, outputTokens: reserved.outputTokens };
  }
}

/** The corrections that turn what was reserved at `admittedAtMs` into what is charged, zero ones left out. */
export function adjustments(
  limits: readonly LimitState[],
  charged: Charge,
  admittedAtMs: number,
  price: Price | null = null,
): Adjustment[] {
  const corrections: Adjustment[] = [];
  for (const { scoped, applied, counter } of limits) {
    const { limit } = scoped;
    const delta =
      limit.metric === 'concurrency' ? -1 : amountOf(limit.metric, charged, price) - applied.amount;
    if (delta === 0) continue;
    // A store whose clock was set back reserves in the window its counter has come to.
    const index = Math.max(counter.index, windowIndex(applied.span, admittedAtMs));
    corrections.push({ id: limit.id, index, delta });
  }
  return corrections;
}
