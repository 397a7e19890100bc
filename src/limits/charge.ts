import { filledFigures, noFigures, type Figures } from '../base/figures.ts';
import type { Charge, ForwardOutcome, Usage } from '../base/outcome.ts';
import type { Price } from '../base/price.ts';
import { amountOf, type LimitState } from './grant.ts';
import type { Adjustment } from './store.ts';
import { countedAt } from './window.ts';

type Ended = Pick<ForwardOutcome, 'ending' | 'usage' | 'unreportedTokens'>;

/**
 * Who pays (contract 1.4): what a request that ended so is charged, having reserved `reserved`. `usage` says whether
 * the upstream reported all of the token figures.
 */
export function charge(ended: Ended, reserved: Figures): Charge & { usage: 'reported' | 'estimated' } {
  const { ending, usage, unreportedTokens } = ended;
  const isReported = ending === 'answered' || (ending === 'broken' && unreportedTokens === 0);
  const isServed = ending === 'answered' || ending === 'broken' || ending === 'left';
  const { inputTokens, outputTokens } = chargedTokens(ended, reserved);
  return {
    // What is counted by the piece is charged as answered, or as reserved if the answer does not say, or was not awaited.
    ...(isServed ? filledFigures(ending === 'left' ? null : usage, reserved) : noFigures),
    requests: ending === 'not_taken' ? 0 : 1,
    inputTokens,
    outputTokens,
    usage: usage && isReported ? 'reported' : 'estimated',
  };
}

function chargedTokens({ ending, usage, unreportedTokens }: Ended, reserved: Figures): Usage {
  const { inputTokens } = reserved;
  switch (ending) {
    case 'answered':
      if (usage && isOnlySearches(usage, reserved)) return { ...usage, inputTokens };
      return usage ?? { inputTokens, outputTokens: unreportedTokens };
    case 'broken': {
      // What an upstream reported on the way may be less than what has gone by since.
      const reported = usage ?? { inputTokens, outputTokens: 0 };
      return { ...reported, outputTokens: reported.outputTokens + unreportedTokens };
    }
    case 'not_taken':
    case 'rejected':
      return { inputTokens: 0, outputTokens: 0 };
    case 'failed':
      return { inputTokens, outputTokens: 0 };
    case 'left':
      return reserved;
  }
}

/** A rerank's answer reports search units only: its text counts as estimated. */
function isOnlySearches({ inputTokens }: Usage, { searchUnits }: Figures): boolean {
  return searchUnits > 0 && inputTokens === 0;
}

/**
 * The corrections that turn what was reserved at `admittedAtMs` into what is charged. A correction of zero is left out,
 * unless the store must know that the amount is settled: of a day and a month, for the levels of a limit. Requests are not
 * estimated, so what is reserved of them counts as settled.
 */
export function adjustments(
  limits: readonly LimitState[],
  charged: Charge,
  admittedAtMs: number,
  price: Price | null = null,
): Adjustment[] {
  const corrections: Adjustment[] = [];
  for (const { scoped, applied, counter, watch } of limits) {
    const { limit } = scoped;
    const { span } = applied;
    const amount = limit.metric === 'concurrency' ? 0 : amountOf(limit, charged, price);
    const delta = amount - applied.amount;
    const isRequests = limit.metric === 'requests';
    const isSettled = amount > 0 && !isRequests && (span === 'day' || span === 'month');
    const isWatched = amount > 0 && watch !== undefined;
    if (delta === 0 && !isSettled && !isWatched) continue;
    // A store whose clock was set back reserves where its counter has come to.
    const at = Math.max(counter.at, countedAt(span, admittedAtMs));
    const correction: Adjustment = { id: limit.id, span, at, delta };
    if (isSettled) correction.charged = amount;
    if (isWatched) correction.watch = watch;
    if (isWatched && isRequests) correction.usedAtMost = counter.used;
    corrections.push(correction);
  }
  return corrections;
}
