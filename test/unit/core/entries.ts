import type { EntryRecord, LedgerEntry } from '../../../src/core/entry.ts';

/** What is read of an entry that was written so. */
export function readBack({ admittedAtMs, ...rest }: EntryRecord): LedgerEntry {
  return { ...rest, time: new Date(admittedAtMs).toISOString() };
}
