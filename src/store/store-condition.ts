import type { Log } from '../base/log.ts';
import type { RedisStore } from './redis.ts';

/**
 * By default Redis saves at most an hour after a change. If it has not saved for two hours, it does not save at all.
 */
const silentS = 7_200;

/** Whether a store persists its data and may evict it; null if unknown. */
export interface StoreCondition {
  persists: boolean | null;
  evicts: boolean | null;
  /** As the server names it. */
  policy: string | null;
}

/**
 * Warns in the log if the store loses its data when it restarts, or may evict keys. `isRecorded`: Postgres has what lasts.
 * Never rejects.
 */
export async function warnOfStoreCondition(
  store: RedisStore,
  log: Pick<Log, 'warn'>,
  { isRecorded = false } = {},
): Promise<void> {
  const { persists, evicts, policy } = await storeCondition(store);
  if (persists === false) log.warn(isRecorded ? forgetsSome : forgetsAll);
  if (evicts === true) {
    log.warn(
      'the store may evict: when it is full, it deletes identities or counters instead of refusing writes. Set maxmemory-policy noeviction (on Heroku: heroku redis:maxmemory --policy noeviction)',
      { policy },
    );
  }
}

const forgetsAll =
  'the store does not persist: when it restarts, it loses teams, users, tokens, the use of limits and the ledger. Use a plan with persistence (on Heroku: premium-0 or larger), or keep an export and name it in IDENTITY_FILE';
const forgetsSome =
  'the store does not persist: when it restarts, it is restored from Postgres within seconds, but sessions, claim links and the use of limits of a minute and an hour are lost';

/** Asks the server. What it does not permit to ask stays unknown. Never rejects. */
export async function storeCondition({ client }: RedisStore): Promise<StoreCondition> {
  // Uses the client directly: a refused command is expected here and must not be logged.
  const [save, appendonly, policySet, info] = await Promise.all([
    setting('save'),
    setting('appendonly'),
    setting('maxmemory-policy'),
    client.info().catch(() => ''),
  ]);
  const policy = policySet ?? infoField(info, 'maxmemory_policy');
  const appends = appendonly === null ? infoField(info, 'aof_enabled') === '1' : appendonly === 'yes';
  return {
    persists: appends || (save === null ? savesByInfo(info) : save !== ''),
    evicts: policy === null ? null : policy !== 'noeviction',
    policy,
  };

  async function setting(name: string): Promise<string | null> {
    const reply: unknown = await client.config('GET', name).catch(() => null);
    return Array.isArray(reply) && reply[0] === name ? String(reply[1]) : null;
  }
}

/** Used if CONFIG is forbidden: false if changes have not been saved for too long, else null. Pure. */
export function savesByInfo(info: string): boolean | null {
  const [nowUs, lastS, changes] = [
    'server_time_usec',
    'rdb_last_save_time',
    'rdb_changes_since_last_save',
  ].map((name) => Number(infoField(info, name) ?? Number.NaN));
  if (nowUs === undefined || lastS === undefined || changes === undefined) return null;
  return changes > 0 && nowUs / 1_000_000 - lastS > silentS ? false : null;
}

/** A field of the reply of INFO; null if it is not there. */
export function infoField(info: string, name: string): string | null {
  return new RegExp(`^${name}:([^\\r\\n]*)`, 'm').exec(info)?.[1] ?? null;
}
