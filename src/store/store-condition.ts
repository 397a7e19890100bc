import type { Log } from '../base/log.ts';
import type { RedisStore } from './redis.ts';

/** Redis saves at the latest an hour after a change by default; one that has not for twice that does not. */
const silentS = 7_200;

/** What is known of how a store keeps things; null where it cannot be told. */
export interface StoreCondition {
  persists: boolean | null;
  evicts: boolean | null;
  /** As the server names it. */
  policy: string | null;
}

/** Says in the log, once each, that the store forgets over its restarts or may evict. Never rejects. */
export async function tellStoreCondition(store: RedisStore, log: Pick<Log, 'warn'>): Promise<void> {
  const { persists, evicts, policy } = await storeCondition(store);
  if (persists === false) {
    log.warn(
      'the store does not persist: when it restarts, teams, users, tokens, what is used and the ledger are gone. Take a plan with persistence (on Heroku premium-0 or larger), or keep an export and name it in IDENTITY_FILE',
    );
  }
  if (evicts === true) {
    log.warn(
      'the store may evict: when it is full it drops identities or counters instead of refusing. Set maxmemory-policy noeviction (on Heroku: heroku redis:maxmemory --policy noeviction)',
      { policy },
    );
  }
}

/** Asks the server; what it does not permit is left open. Never rejects. */
export async function storeCondition({ client }: RedisStore): Promise<StoreCondition> {
  // Straight from the client: a refusal is expected here, and nothing for the log.
  const [save, appendonly, policySet, info] = await Promise.all([
    setting('save'),
    setting('appendonly'),
    setting('maxmemory-policy'),
    client.info().catch(() => ''),
  ]);
  const policy = policySet ?? fieldOf(info, 'maxmemory_policy');
  const appends = appendonly === null ? fieldOf(info, 'aof_enabled') === '1' : appendonly === 'yes';
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

/** Where CONFIG is forbidden: false where changes have waited for too long, null where that says nothing. Pure. */
export function savesByInfo(info: string): boolean | null {
  const [nowUs, lastS, changes] = [
    'server_time_usec',
    'rdb_last_save_time',
    'rdb_changes_since_last_save',
  ].map((name) => Number(fieldOf(info, name) ?? Number.NaN));
  if (nowUs === undefined || lastS === undefined || changes === undefined) return null;
  return changes > 0 && nowUs / 1_000_000 - lastS > silentS ? false : null;
}

function fieldOf(info: string, name: string): string | null {
  return new RegExp(`^${name}:([^\\r\\n]*)`, 'm').exec(info)?.[1] ?? null;
}
