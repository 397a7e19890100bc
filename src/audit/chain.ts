import { hash } from 'node:crypto';
import type { AuditEntry, EntryResponse } from './audit.ts';
import type { AuditContext } from './context.ts';
import { parsedJson } from '../base/request.ts';
import type { AuditedChange } from './audited-change.ts';
import { canonical } from './canonical.ts';

/** The newest entry of a chain: what the next one builds on. */
export interface Head {
  sequence: number;
  /** SHA-256, hex; '' if there is no entry yet. */
  hash: string;
}

export const noHead: Head = { sequence: 0, hash: '' };

/** An entry to be appended, provided that the head is still the one it was made for. */
interface Link {
  head: Head;
  /** The canonical text, which is stored and hashed. */
  text: string;
}

/** The entry of a change, chained to the head. `nowMs` is the store's clock. Pure. */
export function linkOf(head: Head, { change, context, nowMs }: LinkParts): Link {
  const entry: AuditEntry = {
    sequence: head.sequence + 1,
    time: new Date(nowMs).toISOString(),
    actor: context.actor,
    address: context.address,
    request_id: context.requestId,
    ...change,
    ...(context.reportedUrl === undefined ? {} : { reported_url: context.reportedUrl }),
  };
  const text = canonical(entry);
  return { head: { sequence: entry.sequence, hash: hashOf(head.hash, text) }, text };
}

interface LinkParts {
  change: AuditedChange;
  context: AuditContext;
  nowMs: number;
}

/** SHA-256, hex, over the previous hash, a line feed and an entry's canonical text. */
export function hashOf(previous: string, text: string): string {
  return hash('sha256', `${previous}\n${text}`, 'hex');
}

/** An entry from its stored text and hash. Never fails: an altered entry becomes an `UnreadableEntry`. */
export function entryResponse(text: string, entryHash: string): EntryResponse {
  const value = parsedJson(text);
  if (typeof value === 'object' && value !== null && 'sequence' in value && 'time' in value) {
    return { ...(value as AuditEntry), hash: entryHash }; // linkOf wrote it, unless somebody altered it
  }
  return { unreadable: true, hash: entryHash };
}
