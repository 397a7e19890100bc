import type { Teller } from '../events/teller.ts';
import type { OnGap } from './drain.ts';

const toldEveryMs = 3_600_000;

interface GapEventParts {
  teller: Pick<Teller, 'once'>;
  storeNowMs: () => number;
}

/** Tells the event of a gap in the records, at most once an hour for each stream. */
export function gapEvent({ teller, storeNowMs }: GapEventParts): OnGap {
  return (stream, missing, reason) => {
    const event = { type: 'records.gap', team: null, data: { stream, missing, reason } } as const;
    teller.once(event, `gap ${stream}`, storeNowMs() + toldEveryMs);
  };
}
