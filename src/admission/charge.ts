import type { Charge, Ending, ForwardOutcome, Usage } from '../core/outcome.ts';
import { amountOf, type LimitState } from './grant.ts';
import type { Adjustment } from './store.ts';
import { windowIndex } from './window.ts';

/**
 * Who pays (contract 1.4): what a request that ended so is charged, having reserved `reserved`.
 * `usage` tells whether the token figures are the upstream's own.
 */
export function charge(
  { ending, usage, outputSeenTokens }: Pick<ForwardOutcome, 'ending' | 'usage' | 'outputSeenTokens'>,
  reserved: Charge,
): Charge & { usage: 'reported' | 'estimated' } {
  // What an upstream reported before it broke off may be less than what went by already.
  const reported = usage && (ending !== 'broken' || usage.outputTokens >= outputSeenTokens) ? usage : null;
  const tokens = chargedTokens(ending, { reserved, usage: reported, outputSeenTokens });
  return {
    requests: ending === 'not_taken' ? 0 : 1,
    ...tokens,
    images: ending === 'answered' || ending === 'broken' || ending === 'left' ? reserved.images : 0,
    usage: reported && (ending === 'answered' || ending === 'broken') ? 'reported' : 'estimated',
  };
}

function chargedTokens(
  ending: Ending,
  { reserved, usage, outputSeenTokens }: { reserved: Charge; usage: Usage | null; outputSeenTokens: number },
): Usage {
  switch (ending) {
    case 'answered':
    case 'broken':
      return usage ?? { inputTokens: reserved.inputTokens, outputTokens: outputSeenTokens };
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
): Adjustment[] {
  const corrections: Adjustment[] = [];
  for (const { scoped, applied } of limits) {
    const { limit } = scoped;
    const delta = limit.metric === 'concurrency' ? -1 : amountOf(limit.metric, charged) - applied.amount;
    if (delta === 0) continue;
    corrections.push({ id: limit.id, index: windowIndex(applied.span, admittedAtMs), delta });
  }
  return corrections;
}
