import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Keys } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import type { Database } from './database.ts';
import { Drain, type DrainHooks, type OnGap } from './drain.ts';
import { drainedAudit } from './drained-audit.ts';
import { drainedEntries } from './drained-entries.ts';
import { drainedRefusals } from './drained-refusals.ts';
import type { DrainedStore } from './drained-store.ts';
import { fieldOf } from './drained-stream.ts';
import { recordCounters } from './first-counters.ts';
import { recordFirstSums } from './first-sums.ts';
import { IdentityMirror, touchedBy } from './identity-mirror.ts';
import type { Lease } from './lease.ts';
import type { Partitions } from './partitions.ts';
import { Restorer } from './restorer.ts';

export interface StoreDrainOptions {
  database: Database;
  lease: Lease;
  partitions: Partitions;
  store: Store;
  keys: Keys;
  drained: DrainedStore;
  /** How many drained entries stay in the store. */
  maxEntries: number;
  /** How long the totals of a day stay in the store. */
  usageRetentionDays: number;
  clock: Pick<Clock, 'monotonic'>;
  log: Log;
  /** Called when the store is found to have lost data, before it is restored. */
  onForgotten: () => void;
  onGap: OnGap;
}

/** The drain of a gateway's store, with what records its identities and restores it. */
export function storeDrain(options: StoreDrainOptions): Drain {
  const { partitions, store, keys, drained, maxEntries, usageRetentionDays, onForgotten } = options;
  const streams = [drainedEntries(partitions), drainedRefusals, drainedAudit];
  const identities = new IdentityMirror(store, keys);
  const mirror: NonNullable<DrainHooks['mirror']> = (queries, elements) =>
    identities.follow(queries, touchedBy(elements.map((element) => fieldOf(element, 'e') ?? '')));
  const restorer = new Restorer({ ...options, streams, mirror, retentionDays: usageRetentionDays });
  return new Drain({
    ...options,
    store: drained,
    streams,
    mirror,
    mirrorAll: async (queries, { entries: { id: lastId } }) => {
      await identities.copy(queries);
      await recordCounters(queries, { store, keys, lastId });
    },
    recordSums: (queries, next) =>
      recordFirstSums(queries, { store, keys, retentionDays: usageRetentionDays, drained: next }),
    restore: async (held, how) => {
      onForgotten();
      await restorer.restore(held, how);
    },
    keepEntries: maxEntries,
  });
}
