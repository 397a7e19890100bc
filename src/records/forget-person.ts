import type { Person } from '../audit/erased.ts';
import { dayMs, dayOf } from '../base/days.ts';
import { endUserCounters } from '../identity/records/end-user.ts';
import { otherNames } from '../ledger/breakdown.ts';
import { decodeRefusalRow, encodeRefusalRow } from '../ledger/refusal-count.ts';
import { decodeTotalsRow, encodeTotalsRow } from '../ledger/totals.ts';
import type { Keys } from '../store/keys.ts';
import { loadScript } from '../store/script.ts';
import type { Store } from '../store/store.ts';

const trimDrained = loadScript(new URL('./trim_drained.lua', import.meta.url));
const forgetEndUser = loadScript(new URL('./forget_end_user.lua', import.meta.url));
const forgetEvents = loadScript(new URL('./forget_events.lua', import.meta.url));
const renameRows = loadScript(new URL('./rename_rows.lua', import.meta.url));

const fieldsPerRead = 1_000;

interface Place {
  store: Store;
  keys: Keys;
  /** How many days of sums the store keeps. */
  retentionDays: number;
  nowMs: number;
}

/** Takes what end users of a team used from the store. Rejects with `StoreUnavailable`. */
export async function forgetEndUsers(
  team: string,
  endUsers: readonly string[],
  { store, keys }: Pick<Place, 'store' | 'keys'>,
): Promise<void> {
  for (const endUser of endUsers) {
    const places = endUserCounters(team, endUser);
    const hashes = places.map(({ key }) => keys.counters(team + key));
    await store.run(
      forgetEndUser,
      hashes,
      places.map(({ prefix }) => prefix),
    );
  }
}

/** Takes what names a person from the store, after it was taken from Postgres. Rejects with `StoreUnavailable`. */
export async function forgetPerson(
  person: Person,
  { store, keys, retentionDays, nowMs }: Place,
): Promise<void> {
  await store.run(trimDrained, [keys.records, keys.entries, keys.audit], []);
  await forgetUndelivered(person, { store, keys });
  for (let n = 0; n <= retentionDays; n += 1) {
    const day = dayOf(nowMs - n * dayMs);
    await rename(store, keys.totals(day), 'sum', (name) => {
      const row = decodeTotalsRow(name);
      return isTheirs(row, person) ? encodeTotalsRow({ ...row, user: person.pseudonym }) : null;
    });
    // Only from before there were records: with them, there is no breakdown.
    await rename(store, keys.breakdown(`${day}/${person.team}`), 'sum', (name) => {
      const row = name.includes('\t') ? decodeTotalsRow(name) : null;
      if (row === null || !isTheirs(row, person)) return null;
      return `${encodeTotalsRow({ ...row, user: person.pseudonym })}\t${withoutEndUser(name)}`;
    });
    await rename(store, keys.refusals(day), 'last', (name) => {
      const row = decodeRefusalRow(name);
      return isTheirs(row, person) ? encodeRefusalRow({ ...row, user: person.pseudonym }) : null;
    });
  }
}

/** What was delivered is out of reach; what was not is not sent any more. */
async function forgetUndelivered(
  { team, user }: Person,
  { store, keys }: Pick<Place, 'store' | 'keys'>,
): Promise<void> {
  const webhooks = await store.attempt((client) => client.hkeys(keys.webhooks));
  const queues = webhooks.flatMap((id) => [keys.undelivered(id), keys.due(id)]);
  // As JSON.stringify writes it. Of several teams the gateway's events name users by team and id.
  const inTeam = `"user":${JSON.stringify(user)}`;
  await store.run(forgetEvents, [keys.events, ...queues], [team, inTeam, `"team":"${team}",${inTeam}`]);
}

/** The label of a row of the breakdown: its tags, and no name of an end user. */
function withoutEndUser(name: string): string {
  const [tags = '', endUser = ''] = name.split('\t').slice(-2);
  return `${tags}\t${endUser === '' ? '' : otherNames}`;
}

function isTheirs(row: { team: string | null; user: string | null }, { team, user }: Person): boolean {
  return row.team === team && row.user === user;
}

async function rename(
  store: Store,
  key: string,
  figures: 'sum' | 'last',
  nameFor: (name: string) => string | null,
): Promise<void> {
  const pairs: string[] = [];
  let cursor = '0';
  do {
    const [next, flat] = await store.attempt((client) => client.hscan(key, cursor, 'COUNT', fieldsPerRead));
    for (let at = 0; at < flat.length; at += 2) {
      const [name = ''] = flat.slice(at, at + 1);
      const renamed = nameFor(name);
      if (renamed !== null) pairs.push(name, renamed);
    }
    cursor = next;
  } while (cursor !== '0');
  if (pairs.length > 0) await store.run(renameRows, [key], [figures, ...pairs]);
}
