import type { EntryRecord, LedgerEntry } from '../../../src/ledger/entry.ts';

/** What is read of an entry that was written so. */
export function readBack({ admittedAtMs, costNanoUsd, ...rest }: EntryRecord): LedgerEntry {
  const cost_usd = costNanoUsd === null ? null : costNanoUsd / 1e9;
  return { ...rest, cost_usd, time: new Date(admittedAtMs).toISOString() };
}
