import { dayMs } from '../base/days.ts';
import type { Keys } from '../store/keys.ts';
import { loadScript } from '../store/script.ts';
import type { Store } from '../store/store.ts';
import {
  encodeRefusalRow,
  maxRefusalRows,
  detailedRefusalRows,
  withoutDetails,
  withoutRoom,
  type RefusalBatch,
  type RefusalCount,
} from './refusal-count.ts';

const countRefusals = loadScript(new URL('count_refusals.lua', import.meta.url));

interface RefusalStoreOptions {
  retentionDays: number;
  /** How many bytes batches may take until they are drained into records; 0 or absent: there are no records. */
  backlogBytes?: () => number;
}

/**
 * Writes the counts of refused requests, one hash a day; `LedgerReader` reads them. Methods reject with
 * `StoreUnavailable`.
 */
export class RefusalStore {
  readonly #store: Store;
  readonly #keys: Keys;
  readonly #options: RefusalStoreOptions;

  constructor(store: Store, keys: Keys, options: RefusalStoreOptions) {
    this.#store = store;
    this.#keys = keys;
    this.#options = options;
  }

  /**
   * Adds a batch to its days. A process must send its batches one after the other. A full store refuses; the batch
   * can be sent again.
   */
  async add({ process, sequence, counts }: RefusalBatch): Promise<void> {
    const { refusals, refusalsTaken, refusalLog } = this.#keys;
    const { retentionDays, backlogBytes } = this.#options;
    const args = [
      sequence,
      refusals(''),
      retentionDays,
      maxRefusalRows,
      detailedRefusalRows,
      process,
      backlogBytes?.() ?? 0,
      ...counts.map(countText),
    ];
    await this.#store.run(countRefusals, [refusalsTaken(process), refusalLog], args);
  }
}

/** No field can contain a line break: names are slugs, paths, codes, models and limits. */
function countText({ day, as, refused, lastMs }: RefusalCount): string {
  const endsAtS = (Date.parse(day) + dayMs) / 1000;
  const rows = [as, withoutDetails(as), withoutRoom(as)].map(encodeRefusalRow).join('\n');
  return `${day}\n${endsAtS}\n${rows}\n${refused}\n${Math.floor(lastMs)}\n`;
}
