import type { RecordChange, StoredRecord } from '../identity/records/archive.ts';
import type { User } from '../identity/records/identity.ts';
import { describedFields, newlyUnshared, unsharedOf } from '../identity/records/unshared.ts';
import type { Problem } from '../base/refusal.ts';
import { keyName, type Row } from './document.ts';

type Records = ReadonlyMap<string, StoredRecord>;

const fields = ['email', 'subject'] as const;

/** Which user of a team has an address, and which an account at an issuer: no two have the same. */
export class FieldHolders {
  readonly #users = new Map<string, string>();

  /** Of the records of a store, except those that are about to be changed. */
  constructor(records: Records, changing: ReadonlySet<string> = new Set()) {
    for (const [name, { text }] of records) {
      if (!name.startsWith('user/') || changing.has(name)) continue;
      const user = JSON.parse(text) as User; // the store's texts are this program's own
      const unshared = unsharedOf(user);
      for (const field of fields) this.#note(user.team, unshared[field], name);
    }
  }

  /** Gives a user what its row says; or says what another user of the team has. `found`: the user as it was. */
  give(row: Row, found: StoredRecord | null): Problem | null {
    if (row.key.kind !== 'user') return null;
    const user = row.record as unknown as User; // the row was checked by the schema of users
    const name = keyName(row.key);
    const set = newlyUnshared(found === null ? null : (JSON.parse(found.text) as User), user);
    for (const field of fields) {
      const holder = set[field] === '' ? undefined : this.#users.get(keyOf(user.team, set[field]));
      if (holder === undefined || holder === name) continue;
      const param = `${row.path}.${field}`;
      const message = `${param}: another user of the team ${user.team} has this ${describedFields[field]}.`;
      return { param, message };
    }
    const all = unsharedOf(user);
    for (const field of fields) this.#note(user.team, all[field], name);
    return null;
  }

  #note(team: string, field: string, name: string): void {
    if (field !== '') this.#users.set(keyOf(team, field), name);
  }
}

/** What users would have that another user of their team has, too. Pure. */
export function sharedFields(
  planned: readonly { row: Row; change: RecordChange }[],
  records: Records,
): Problem[] {
  const users = planned.filter(({ row, change }) => row.key.kind === 'user' && change.next !== null);
  if (users.length === 0) return [];
  const holders = new FieldHolders(records, new Set(users.map(({ row }) => keyName(row.key))));
  return users.flatMap(({ row, change }) => holders.give(row, change.found) ?? []);
}

/** The epochs of the teams whose users change: nobody may change another user of them meanwhile. Pure. */
export function epochsOfUsers(
  changes: readonly RecordChange[],
  epochs: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const users = changes.filter(({ key, next }) => key.kind === 'user' && next !== null);
  return new Map(users.map(({ key: { team } }) => [team, epochs.get(team) ?? '']));
}

function keyOf(team: string, field: string): string {
  return `${team}\n${field}`;
}
