import { createHash } from 'node:crypto';
import { Refusal } from '../../base/refusal.ts';

/** The ETags of the states in which a record may be changed; null allows any state. */
export type Precondition = readonly string[] | null;

const entityTag = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g;

/**
 * Reads `If-Match` (RFC 9110, 13.1.1). `*` asks that the record exists, which every operation requires anyway: if it
 * does not, the answer is a 404, as without the header (13.2.1).
 */
export function readIfMatch(header: string | undefined): Precondition | Refusal {
  if (header === undefined || header.trim() === '*') return null;
  const tags = header.match(entityTag) ?? [];
  if (tags.length > 0 && /^[\s,]*$/.test(header.replaceAll(entityTag, ''))) return tags;
  const message =
    'If-Match must be *, or the ETag of an earlier answer with its quotes; separate several by commas.';
  return new Refusal('invalid_request', message, { param: 'if-match' });
}

/**
 * The strong ETag of a record, over all that is stored of it. What answers add to the record, such as the last use of a
 * secret, does not change it: that could not make anyone lose a change.
 */
export function etagOf(record: object): string {
  return `"${createHash('sha256').update(JSON.stringify(record)).digest('base64url').slice(0, 27)}"`;
}

/** The 412 of a record in none of the states asked for, else null. Weak tags never match (RFC 9110, 13.1.1). */
export function unmet(precondition: Precondition, record: object): Refusal | null {
  if (precondition === null || precondition.includes(etagOf(record))) return null;
  return new Refusal(
    'precondition_failed',
    'Somebody has changed this since you read it, so If-Match does not match. Read it again and repeat the change.',
    { param: 'if-match' },
  );
}
