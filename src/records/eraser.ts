import type { Person } from '../audit/erased.ts';
import type { Refusal } from '../base/refusal.ts';
import type { Clock } from '../base/clock.ts';
import type { Precondition } from '../identity/operations/precondition.ts';
import type { UserKey } from '../identity/records/identity.ts';
import type { Keys } from '../store/keys.ts';
import { nowMsOf, type Store } from '../store/store.ts';
import { type EraseDeps, eraseUser } from './erase.ts';
import { forgetEndUsers, forgetPerson } from './forget-person.ts';
import type { Records } from './records.ts';

interface EraserParts extends Pick<EraseDeps, 'identities' | 'audit' | 'endSessions'> {
  records: Records;
  store: Store;
  keys: Keys;
  /** For how many days the store keeps sums. */
  retentionDays: number;
  clock: Clock;
}

/** Deletes a user and takes from all records what names them: a function of the user and the precondition. */
export function eraserOf({ records, store, keys, retentionDays, clock, ...parts }: EraserParts) {
  const deps: EraseDeps = {
    ...parts,
    clock,
    database: records.database,
    storeNowMs: () => store.attempt((client) => client.time()).then(nowMsOf),
    drained: () => records.drained(),
    forgetEndUsers: (team, endUsers) => forgetEndUsers(team, endUsers, { store, keys }),
    forgetInStore: (person: Person) =>
      forgetPerson(person, { store, keys, retentionDays, nowMs: clock.now() }),
  };
  return (key: UserKey, precondition: Precondition): Promise<Refusal | null> =>
    eraseUser(deps, key, precondition);
}
