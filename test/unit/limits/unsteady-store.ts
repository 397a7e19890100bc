import { vi } from 'vitest';
import { AdmissionStore } from '../../../src/limits/admission-store.ts';
import type {
  AdmitReply,
  AdmitRequest,
  Beat,
  OpenRecord,
  Settled,
  Settlement,
} from '../../../src/limits/store.ts';
import type { ReadCounters } from '../../../src/limits/counters.ts';
import type { Clock } from '../../../src/base/clock.ts';
import { decodeEntry } from '../../../src/ledger/entry-text.ts';
import type { EntryRecord } from '../../../src/ledger/entry.ts';
import type { Log } from '../../../src/base/log.ts';
import type { EmbeddedStore } from '../../../src/store/embedded-store.ts';
import { scriptOf } from '../../../src/store/script.ts';
import { StoreUnavailable } from '../../../src/store/store-unavailable.ts';
import { embeddedStore, setEpoch, testKeys } from '../../support/embedded-store.ts';

/**
 * How the store takes its next commands: as it should, so but slowly, refusing at once, running them but losing the answer,
 * never getting them, or running them `ghostMs` after everybody has given up.
 */
export type Mood = 'well' | 'slow' | 'refuses' | 'loses' | 'hangs' | 'ghosts';

export const storeTimeoutMs = 200;
export const slowMs = 50;
export const ghostMs = 500;

/** What vitest's fake timers say the time is. `offsetMs` sets the store's clock apart from ours. */
export const fakeClock = (offsetMs = 0): Clock => ({
  now: () => Date.now() + offsetMs,
  monotonic: () => performance.now(),
});

/** The incarnation that the samples name. */
const setIncarnation = scriptOf('set_incarnation', "return redis.call('SET', KEYS[1], 'memory', 'NX')");

/** An embedded store behind a line that fails on demand. Run with fake timers. */
export class UnsteadyStore implements Pick<AdmissionStore, keyof AdmissionStore> {
  mood: Mood = 'well';
  /** Moods of the next commands, before `mood` holds again. */
  readonly moods: Mood[] = [];
  readonly calls: { command: keyof AdmissionStore; size: number }[] = [];
  readonly entries: EntryRecord[] = [];
  readonly inner: AdmissionStore;
  readonly #store: EmbeddedStore;

  constructor({ leaseMs, clock = fakeClock() }: { leaseMs: number; clock?: Clock }) {
    this.#store = embeddedStore(() => clock.now());
    this.inner = new AdmissionStore(this.#store, testKeys, {
      leaseMs,
      maxEntries: 10_000,
      retentionDays: 400,
    });
    void this.#store.run(setIncarnation, [testKeys.incarnation], []);
    void this.changeEpoch('acme', 'epoch-1');
    const settle = this.inner.settle.bind(this.inner);
    const settleSilent = this.inner.settleSilent.bind(this.inner);
    this.inner.settle = (process, batch) => this.#noting(batch, settle(process, batch));
    this.inner.settleSilent = (process, batch) => this.#noting(batch, settleSilent(process, batch));
  }

  changeEpoch(team: string, epoch: string): Promise<void> {
    return setEpoch(this.#store, team, epoch);
  }

  /** Keeps the entries that settling has written. */
  async #noting<T extends readonly Settled[] | null>(
    batch: readonly Settlement[],
    settled: Promise<T>,
  ): Promise<T> {
    const closed = await settled;
    batch.forEach(({ closing }, n) => {
      if (closed?.[n] && closing) this.entries.push(decodeEntry(closing.entry));
    });
    return closed;
  }

  callsOf(command: keyof AdmissionStore): number[] {
    return this.calls.filter((call) => call.command === command).map(({ size }) => size);
  }

  beat(process: string): Promise<Beat> {
    return this.#through('beat', 1, () => this.inner.beat(process));
  }

  admit(process: string, batch: readonly AdmitRequest[]): Promise<AdmitReply> {
    return this.#through('admit', batch.length, () => this.inner.admit(process, batch));
  }

  settle(process: string, batch: readonly Settlement[]): Promise<readonly Settled[]> {
    return this.#through('settle', batch.length, () => this.inner.settle(process, batch));
  }

  settleSilent(process: string, batch: readonly Settlement[]): Promise<readonly Settled[] | null> {
    return this.#through('settleSilent', batch.length, () => this.inner.settleSilent(process, batch));
  }

  openOfSilent(process: string): Promise<readonly OpenRecord[]> {
    return this.#through('openOfSilent', 1, () => this.inner.openOfSilent(process));
  }

  openOf(process: string, grants: readonly string[]): Promise<readonly OpenRecord[]> {
    return this.#through('openOf', grants.length, () => this.inner.openOf(process, grants));
  }

  counters(...asked: Parameters<ReadCounters>): ReturnType<ReadCounters> {
    return this.#through('counters', asked[0].length, () => this.inner.counters(...asked));
  }

  leave(process: string): Promise<void> {
    return this.#through('leave', 1, () => this.inner.leave(process));
  }

  async #through<T>(command: keyof AdmissionStore, size: number, run: () => Promise<T>): Promise<T> {
    this.calls.push({ command, size });
    const mood = this.moods.shift() ?? this.mood;
    switch (mood) {
      case 'well':
        return run();
      case 'slow':
        await new Promise((resolve) => setTimeout(resolve, slowMs));
        return run();
      case 'refuses':
        throw new StoreUnavailable('refused');
      case 'loses':
        await run();
        throw await timedOut();
      case 'hangs':
        throw await timedOut();
      case 'ghosts':
        setTimeout(() => void run(), ghostMs);
        throw await timedOut();
    }
  }
}

function timedOut(): Promise<StoreUnavailable> {
  return new Promise((resolve) =>
    setTimeout(() => resolve(new StoreUnavailable('timed out')), storeTimeoutMs),
  );
}

/** A log that keeps what it is told. */
export function keptLog(): Log & { lines: { level: keyof Log; message: string }[] } {
  const lines: { level: keyof Log; message: string }[] = [];
  const write = (level: keyof Log) => (message: string) => void lines.push({ level, message });
  return { lines, info: write('info'), warn: write('warn'), error: write('error') };
}

/** Lets fake time pass. */
export const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
