import type { Keys } from '../store/keys.ts';
import type { SharedSnapshot } from './rate-limit-snapshot.ts';
import { loadScript } from '../store/script.ts';
import type { Store } from '../store/store.ts';
import { decodeReading, encodeReading } from './snapshot-text.ts';

const shareReadings = loadScript(new URL('./share_snapshots.lua', import.meta.url));
/** Far longer than any window; what is older says nothing. */
const keptMs = 3_600_000;

/** What processes tell each other of the keys they share, one short string a key. Rejects with `StoreUnavailable`. */
export class SnapshotStore {
  readonly #store: Store;
  readonly #keys: Keys;

  constructor(store: Store, keys: Keys) {
    this.#store = store;
    this.#keys = keys;
  }

  /** Adds the newer snapshots, and returns the newest of each of these keys. */
  async share(keyHashes: readonly string[], news: readonly SharedSnapshot[]): Promise<SharedSnapshot[]> {
    const told = new Map(news.map(({ keyHash, reading }) => [keyHash, reading]));
    const args = keyHashes.flatMap((keyHash) => {
      const reading = told.get(keyHash);
      return reading ? [reading.atMs, encodeReading(reading)] : [0, ''];
    });
    const keys = keyHashes.map((keyHash) => this.#keys.reading(keyHash));
    const texts = (await this.#store.run(shareReadings, keys, [keptMs, ...args])) as string[];
    return keyHashes.flatMap((keyHash, n) => {
      const reading = decodeReading(texts[n] ?? '');
      return reading ? [{ keyHash, reading }] : [];
    });
  }
}
