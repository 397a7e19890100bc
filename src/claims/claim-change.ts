import type { Change } from '../audit/audit.ts';
import type { SealedClaim } from './claim.ts';

/** That a link was made, for the trail; nothing of what is under it. */
export function claimChange({ team, tokenId, livesMs }: SealedClaim): Change {
  return { kind: 'claim', team, id: tokenId, before: null, after: { lives_s: Math.round(livesMs / 1000) } };
}
