import type { Change } from '../audit/audit.ts';
import type { SealedClaim } from './claim.ts';

/** Records in the audit trail that a link was made, and nothing of its content. */
export function claimChange({ team, tokenId, livesMs }: SealedClaim): Change {
  return { kind: 'claim', team, id: tokenId, before: null, after: { lives_s: Math.round(livesMs / 1000) } };
}
