import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { EmbeddedStore } from './embedded-store.ts';
import { RedisStore } from './redis.ts';
import { warnOfStoreCondition } from './store-condition.ts';
import type { OnRun, Store } from './store.ts';

/** Which store to use. */
export type StoreLocation =
  { readonly kind: 'redis'; readonly url: string; readonly verifyTls: boolean } | { readonly kind: 'memory' };

export interface OpenOptions {
  commandTimeoutMs: number;
  clock: Clock;
  log: Log;
  onRun: OnRun;
  /** Whether this process logs what is wrong with the server's settings. */
  warnsOfCondition: boolean;
  /** Whether Postgres has what lasts. */
  isRecorded: boolean;
}

/** Creates the gateway's store, not connected yet. Only this function chooses between the kinds of stores. */
export function openStore(location: StoreLocation, options: OpenOptions): Store {
  const { commandTimeoutMs, clock, log, onRun, warnsOfCondition, isRecorded } = options;
  if (location.kind === 'memory') return new EmbeddedStore({ clock, onRun });
  const store = new RedisStore({
    url: location.url,
    verifyTls: location.verifyTls,
    commandTimeoutMs,
    onDown: (error) => log.warn('the store cannot be reached', { error }),
    onUp: () => log.info('the store is back'),
    onRefusal: (error) => log.error('the store refuses commands', { error }),
    timing: { clock, onRun },
  });
  if (warnsOfCondition) warnOnce(store, log, isRecorded);
  return store;
}

function warnOnce(store: RedisStore, log: Log, isRecorded: boolean): void {
  let warned = false;
  store.onReady(() => {
    if (!warned) void warnOfStoreCondition(store, log, { isRecorded });
    warned = true;
  });
}
