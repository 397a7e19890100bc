import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { EmbeddedStore } from './embedded-store.ts';
import { RedisStore } from './redis.ts';
import { tellStoreCondition } from './store-condition.ts';
import type { OnRun, Store } from './store.ts';

/** Where a store is. */
export type StoreLocation =
  { readonly kind: 'redis'; readonly url: string; readonly verifyTls: boolean } | { readonly kind: 'memory' };

export interface OpenOptions {
  commandTimeoutMs: number;
  clock: Clock;
  log: Log;
  onRun: OnRun;
  /** Whether this process tells the log what is wrong with the server's settings. */
  tellsCondition: boolean;
}

/** The store of a gateway; chosen here and nowhere else. It is not connected yet. */
export function openStore(location: StoreLocation, options: OpenOptions): Store {
  const { commandTimeoutMs, clock, log, onRun, tellsCondition } = options;
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
  if (tellsCondition) store.client.once('ready', () => void tellStoreCondition(store, log));
  return store;
}
