import { createHash } from 'node:crypto';
import { Refusal } from '../../base/refusal.ts';

/** The states of a record, by their ETags, in one of which it must be to be changed; null: whatever it is. */
export type Precondition = readonly string[] | null;

const entityTag = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g;

/**
 * Reads `If-Match` (RFC 9110, 13.1.1). `*` asks that there is a record at all, which every operation does: where there
 * is none it is a 404, as without the header (13.2.1).
 */
export function readIfMatch(header: string | undefined): Precondition | Refusal {
  if (header === undefined || header.trim() === '*') return null;
  const tags = header.match(entityTag) ?? [];
  if (tags.length > 0 && /^[\s,]*$/.test(header.replaceAll(entityTag, ''))) return tags;
  const message =
    'If-Match must be *, or the ETag of an earlier answer with its quotes; several with commas between.';
  return new Refusal('invalid_request', message, { param: 'if-match' });
}

/**
 * The ETag of a record: a strong one, of all that is stored of it. What is told beside it, such as when a secret was used
 * last, does not move it: no change to a record could be lost over that.
 */
export function etagOf(record: object): string {
  return `"${createHash('sha256').update(JSON.stringify(record)).digest('base64url').slice(0, 27)}"`;
}

/** The 412 of a record that is in none of the states asked for. Weak tags never match (RFC 9110, 13.1.1). */
export function unmet(precondition: Precondition, record: object): Refusal | null {
  if (precondition === null || precondition.includes(etagOf(record))) return null;
  return new Refusal(
    'precondition_failed',
    'This is not as If-Match says any more: somebody has changed it. Read it again, and repeat the change on what it is now.',
    { param: 'if-match' },
  );
}
