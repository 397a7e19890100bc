import { MemoryAdmissionStore } from '../../src/limits/memory-admission-store.ts';
import { MemoryLedger } from '../../src/ledger/memory-ledger.ts';
import { lastSecondMs, leaseMs, type StoreUnderTest } from './admission-store-samples.ts';

/** An empty memory store, its clock at `lastSecondMs`. */
export function emptyMemoryStore(): StoreUnderTest {
  let nowMs = lastSecondMs;
  const epochs = new Map<string, string>();
  const ledger = new MemoryLedger({ maxEntries: 5_000, retentionDays: 400 });
  const store = new MemoryAdmissionStore({
    clock: { now: () => nowMs, monotonic: () => nowMs },
    leaseMs,
    countersOfSession: () => null,
    epochOf: (team) => epochs.get(team) ?? null,
    ledger,
  });
  return {
    store,
    ledger,
    turnTo: (atMs) => {
      nowMs = atMs;
      return Promise.resolve();
    },
    setEpoch: (team, epoch) => {
      epochs.set(team, epoch);
      return Promise.resolve();
    },
  };
}
