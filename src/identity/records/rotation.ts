import { z } from 'zod';

/* The bodies of rotations. A field that is null is absent. */

export const defaultOverlapS = 86_400;
const maxOverlapS = 30 * 86_400;

const overlapExpected = `must be a whole number of seconds from 0 to ${maxOverlapS} (30 days)`;
const overlap = z.int(overlapExpected).min(0, overlapExpected).max(maxOverlapS, overlapExpected);

/** Whether a token is handed over by a link instead of its text. */
export const claim = z.boolean('must be true or false');

/** `POST …/tokens/:id/rotate`. */
export const rotation = z.strictObject({ overlap_seconds: overlap.nullish(), claim: claim.nullish() });

/** `POST /v1/me/rotate`. */
export const ownRotation = z.strictObject({ overlap_seconds: overlap.nullish() });
