import { hash } from 'node:crypto';
import type { AuditEntry, Origin, EntryResponse } from './audit.ts';
import type { JsonObject, JsonValue } from '../base/request.ts';
import type { AuditedChange } from './audited-change.ts';

/** The newest entry of a chain: what the next one builds on. */
export interface Head {
  sequence: number;
  /** SHA-256, hex; '' where there is no entry yet. */
  hash: string;
}

export const noHead: Head = { sequence: 0, hash: '' };

/** An entry that is ready to be appended, if the head is still the one it was made for. */
export interface Link {
  head: Head;
  /** Its canonical text, which is what is stored and hashed. */
  text: string;
}

/** The entry of a change, chained to the head. `nowMs` is the store's clock. Pure. */
export function linkOf(head: Head, { shown, origin, nowMs }: LinkParts): Link {
  const entry: AuditEntry = {
    sequence: head.sequence + 1,
    time: new Date(nowMs).toISOString(),
    actor: origin.actor,
    address: origin.address,
    request_id: origin.requestId,
    ...shown,
  };
  const text = canonical(entry);
  return { head: { sequence: entry.sequence, hash: hashOf(head.hash, text) }, text };
}

interface LinkParts {
  shown: AuditedChange;
  origin: Origin;
  nowMs: number;
}

/** SHA-256, hex, over the hash before and an entry's canonical text, a line feed between. */
export function hashOf(previous: string, text: string): string {
  return hash('sha256', `${previous}\n${text}`, 'hex');
}

/** An entry's text: JSON without blanks, the names of every object in order. */
export function canonical(entry: AuditEntry | JsonObject): string {
  return JSON.stringify(ordered({ ...entry }));
}

/** An entry as it is shown, from its text and hash in the store, whatever has become of them. */
export function entryResponse(text: string, entryHash: string): EntryResponse {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && 'sequence' in value && 'time' in value) {
      return { ...(value as AuditEntry), hash: entryHash }; // as linkOf wrote it, unless somebody altered it
    }
  } catch {
    // Shown as what it is.
  }
  return { unreadable: true, hash: entryHash };
}

function ordered(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  const sorted = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([name, inner]) => [name, ordered(inner)]));
}
