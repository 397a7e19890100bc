import { Redis } from 'ioredis';
import { type Counter, emptyCounter } from '../src/limits/window.ts';
import { decodeEntry } from '../src/ledger/entry-text.ts';
import { ledgerEntryOf, type LedgerEntry } from '../src/ledger/entry.ts';
import type { UsageRow } from '../src/ledger/totals.ts';
import type { Team, Token, User } from '../src/identity/records/identity.ts';
import { keysUnder } from '../src/store/keys.ts';
import type { Scope, StoredLimit } from '../src/base/limit.ts';
import type { Administration } from '../test/support/gateway.ts';
import { waitFor } from '../test/support/wait-for.ts';

/** An entry of the ledger, and when it was written, by the store's clock. */
export interface WrittenEntry extends LedgerEntry {
  writtenAtMs: number;
}

/** A limit, whose it is, and its counter. */
export interface Counted {
  scope: Scope;
  team: string;
  /** Null for a team's. */
  user: string | null;
  /** Null unless it is a token's. */
  tokenId: string | null;
  limit: StoredLimit;
  counter: Counter;
}

/** Everything that the gateway has written to the store. */
export interface StoreSnapshot {
  /** Requests still open. */
  open: number;
  entries: WrittenEntry[];
  limits: Counted[];
  /** `/admin/usage`, by every group there is. */
  totals: UsageRow[];
}

const keys = keysUnder('tollgate:');
const entriesPerRead = 1_000;
const everyGroup = 'group_by=day,team,user,token,model,endpoint';

/**
 * Waits until no request is open: all are settled, or closed as lost if their process died. After the timeout, the
 * check of the snapshot reports what is still open.
 */
export async function untilQuiet(url: string, timeoutMs: number): Promise<void> {
  const quiet = { what: 'every open request to be closed', timeoutMs, everyMs: 200 };
  await withClient(url, async (client) => {
    await waitFor(async () => (await countOpen(client)) === 0, quiet).catch(() => false);
  });
}

export async function readSnapshot(url: string, administration: Administration): Promise<StoreSnapshot> {
  const { body } = await administration.admin('GET', `/admin/usage?${everyGroup}&from=${yesterday()}`);
  return withClient(url, async (client) => ({
    open: await countOpen(client),
    entries: await readEntries(client),
    limits: await readLimits(client),
    totals: body['data'] as UsageRow[],
  }));
}

/** A run may cross midnight. */
function yesterday(): string {
  return new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
}

async function countOpen(client: Redis): Promise<number> {
  const ofProcesses = await client.keys(keys.open('*'));
  const counts = await Promise.all(ofProcesses.map((key) => client.hlen(key)));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function readEntries(client: Redis): Promise<WrittenEntry[]> {
  const entries: WrittenEntry[] = [];
  for (let from = '-'; ;) {
    const page = await client.xrange(keys.entries, from, '+', 'COUNT', entriesPerRead);
    for (const [id, fields] of page.filter(([, [name]]) => name === 'e'))
      entries.push({ ...ledgerEntryOf(decodeEntry(fields[1] ?? '')), writtenAtMs: Number.parseInt(id, 10) });
    const [last] = page.at(-1) ?? [];
    if (last === undefined || page.length < entriesPerRead) return entries;
    from = `(${last}`;
  }
}

async function readLimits(client: Redis): Promise<Counted[]> {
  const counted: Counted[] = [];
  for (const team of await records<Team>(client, keys.teams)) {
    const counters = await client.hgetall(keys.counters(team.id));
    const add = (
      scope: Scope,
      limits: readonly StoredLimit[],
      of: Pick<Counted, 'user' | 'tokenId'>,
    ): void => {
      for (const limit of limits)
        counted.push({ scope, team: team.id, ...of, limit, counter: parseCounter(counters[limit.id]) }); // of those that slide, the ledger alone tells
    };
    add('team', team.limits, { user: null, tokenId: null });
    for (const user of await records<User>(client, keys.users(team.id)))
      add('user', user.limits, { user: user.id, tokenId: null });
    for (const token of await records<Token>(client, keys.tokens(team.id)))
      add('token', token.limits, { user: token.user, tokenId: token.id });
  }
  return counted;
}

async function records<T>(client: Redis, key: string): Promise<T[]> {
  return (await client.hvals(key)).map((text) => JSON.parse(text) as T);
}

function parseCounter(text: string | undefined): Counter {
  if (text === undefined) return emptyCounter;
  const [at = 0, used = 0] = text.split(' ').map(Number);
  return { at, used, runs: [] };
}

async function withClient<T>(url: string, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url);
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
}
