import type { Administrator } from '../records/administrator.ts';
import type { Team } from '../records/identity.ts';
import type { AdministratorStore } from '../store/administrator-store.ts';
import { type Identities, parseRecord, type Records } from './records.ts';

/** Records of one kind in one place, to read some of them at a time. */
export interface RecordSource<R> {
  /** The ids of all there are, in no order. */
  ids(): Promise<string[]>;
  /** Some records in the order of `ids`; those that are gone are left out. */
  read(ids: readonly string[]): Promise<R[]>;
}

/** All teams, or those of `only`. */
export function teamSource({ identities }: Identities, only: readonly string[] | null): RecordSource<Team> {
  return {
    ids: () => (only === null ? identities.ids('team') : Promise.resolve([...only])),
    read: async (ids) => parsed('team', await identities.readSome('team', '', ids)),
  };
}

/** The users or the tokens of a team. */
export function memberSource<K extends 'user' | 'token'>(
  { identities }: Identities,
  kind: K,
  team: string,
): RecordSource<Records[K]> {
  return {
    ids: () => identities.ids(kind, team),
    read: async (ids) => parsed(kind, await identities.readSome(kind, team, ids)),
  };
}

export function administratorSource(administrators: AdministratorStore): RecordSource<Administrator> {
  return { ids: () => administrators.ids(), read: (ids) => administrators.readSome(ids) };
}

function parsed<K extends keyof Records>(kind: K, texts: readonly (string | null)[]): Records[K][] {
  return texts.flatMap((text) => (text === null ? [] : [parseRecord(kind, text)]));
}
