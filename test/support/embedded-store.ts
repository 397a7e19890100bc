import { EmbeddedStore } from '../../src/store/embedded-store.ts';
import { type Keys, keysUnder } from '../../src/store/keys.ts';
import { scriptOf } from '../../src/store/script.ts';
import type { Store } from '../../src/store/store.ts';

/*
 * The embedded store as unit tests use it, in place of a fake. Lua is loaded here once, so that a store made later
 * answers without real I/O: also under fake timers.
 */
await new EmbeddedStore({ clock: { now: () => 0, monotonic: () => 0 } }).connected();

export const testKeys: Keys = keysUnder('t:');

/** An empty store on a clock whose monotonic time is nobody's concern. */
export function embeddedStore(nowMs: () => number): EmbeddedStore {
  return new EmbeddedStore({ clock: { now: nowMs, monotonic: nowMs } });
}

const setEpochScript = scriptOf('set_epoch', "return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])");

/** Gives a team an epoch, as a change of its records does. */
export async function setEpoch(store: Store, team: string, epoch: string): Promise<void> {
  await store.run(setEpochScript, [testKeys.epochs], [team, epoch]);
}
