import { Refusal } from '../base/refusal.ts';
import { type Identities, listTeams, readRecord } from '../identity/operations/records.ts';
import type { RecordKey } from '../identity/records/identity.ts';

/** Whose figures a report is asked for. */
export interface Who {
  team?: string;
  user?: string;
  token?: string;
}

/**
 * A 404 if somebody of these is in no team that the reader may see (`visible`; null: all of them). A report is refused
 * with it if it is empty too: a mistyped name must not read as "used nothing", but who was deleted leaves figures
 * behind.
 */
export async function unknownWho(
  identities: Identities,
  { team, user, token }: Who,
  visible: readonly string[] | null,
): Promise<Refusal | null> {
  if (team === undefined && user === undefined && token === undefined) return null;
  const teams = team === undefined ? await idsOf(identities, visible) : [team];
  return (
    (team === undefined ? null : await refusalOf(identities, { kind: 'team', team })) ??
    (user === undefined ? null : await inNone(identities, teams, { kind: 'user', id: user })) ??
    (token === undefined ? null : await inNone(identities, teams, { kind: 'token', id: token }))
  );
}

async function idsOf(identities: Identities, visible: readonly string[] | null): Promise<string[]> {
  return (await listTeams(identities, visible)).map(({ id }) => id);
}

/** A 404 if no team has this user or token. */
async function inNone(
  identities: Identities,
  teams: readonly string[],
  { kind, id }: { kind: 'user' | 'token'; id: string },
): Promise<Refusal | null> {
  const refusals = await Promise.all(teams.map((team) => refusalOf(identities, { kind, team, id })));
  if (refusals.some((refusal) => refusal === null)) return null;
  const [only, ...more] = refusals;
  if (only && more.length === 0) return only;
  return new Refusal('not_found', `There is no ${kind} ${id} in any team that you may see.`);
}

async function refusalOf(identities: Identities, key: RecordKey): Promise<Refusal | null> {
  const record = await readRecord(identities, key);
  return record instanceof Refusal ? record : null;
}
