import type { Clock } from '../../base/clock.ts';
import type { RealModel } from '../../base/model.ts';
import { noRetry, Refusal } from '../../base/refusal.ts';
import { endedDays, teamBounds } from '../records/bounds.ts';
import type { RecordKey, Taken, Team, Token, User } from '../records/identity.ts';
import { describedFields, takenField } from '../records/unshared.ts';
import type { IdentityStore } from '../store/identity-store.ts';
import { type Precondition, unmet } from './precondition.ts';
import { tooLarge } from './record-size.ts';

/** What operations on identities need. */
export interface IdentityDeps extends Identities {
  clock: Clock;
  /** Resolves the aliases of models; absent if there are none. */
  realModel?: RealModel;
}

export interface Identities {
  identities: Pick<IdentityStore, keyof IdentityStore>;
}

export interface Records {
  team: Team;
  user: User;
  token: Token;
}
export type RecordOf<K extends RecordKey> = Records[K['kind']];

/** How often a change is tried again when somebody else changed the record in between. */
export const maxAttempts = 20;

/** The record in a text of the store. Only these operations write such texts. */
export function parseRecord<K extends RecordKey['kind']>(_kind: K, text: string): Records[K] {
  return JSON.parse(text) as Records[K];
}

/** The record under a key, or a 404. */
export async function readRecord<K extends RecordKey>(
  { identities }: Identities,
  key: K,
): Promise<RecordOf<K> | Refusal> {
  const text = await identities.read(key);
  return text === null ? notFound(key) : parseRecord<K['kind']>(key.kind, text);
}

/** The 404 of a team that is not there, else null. */
export async function unknownTeam(deps: Identities, team: string): Promise<Refusal | null> {
  const record = await readRecord(deps, { kind: 'team', team });
  return record instanceof Refusal ? record : null;
}

/** All teams, or those of `only`, ordered by id. */
export async function listTeams({ identities }: Identities, only: readonly string[] | null): Promise<Team[]> {
  const teams = (await identities.list('team')).map((text) => parseRecord('team', text));
  return only === null ? teams : teams.filter(({ id }) => only.includes(id));
}

/** All users or tokens of a team (revoked ones too), ordered by id, or a 404 if there is no such team. */
export async function listRecords<K extends 'user' | 'token'>(
  { identities }: Identities,
  kind: K,
  team: string,
): Promise<Records[K][] | Refusal> {
  const [owner, texts] = await Promise.all([
    identities.read({ kind: 'team', team }),
    identities.list(kind, team),
  ]);
  return owner === null ? notFound({ kind: 'team', team }) : texts.map((text) => parseRecord(kind, text));
}

/**
 * Stores a new record. A 409 if its id, address or account is taken, a 404 if the team or the user it belongs to does
 * not exist, a 429 if the team has no room, a 400 if the record is too large.
 */
export async function createRecord<K extends RecordKey>(
  { identities }: Identities,
  key: K,
  record: RecordOf<K>,
  binding?: { secretHash: string; user: string },
): Promise<RecordOf<K> | Refusal> {
  const large = tooLarge(record);
  if (large) return large;
  const result = await identities.create(key, JSON.stringify(record), binding);
  switch (result) {
    case 'created':
      return record;
    case 'email_taken':
    case 'subject_taken':
      return taken(key, result);
    case 'exists':
      return new Refusal('already_exists', `There is a ${nameOf(key)} already.`, { param: 'id' });
    case 'no_team':
      return notFound({ kind: 'team', team: key.team });
    case 'no_user':
      return notFound({ kind: 'user', team: key.team, id: binding?.user ?? '' }, 'user');
    case 'full':
      return teamFull(key);
  }
}

/**
 * Reads a record, changes it and writes it back. Starts again if somebody else changed it in between, so no change is
 * lost. A change that changes nothing is not written; one whose result is null deletes the record. A 412 if the record
 * does not meet the precondition, a 409 if another user of the team has the address or the account it sets.
 */
export async function changeRecord<K extends RecordKey, N extends RecordOf<K> | null>(
  { identities }: Identities,
  key: K,
  change: (record: RecordOf<K>) => N | Refusal,
  precondition: Precondition = null,
): Promise<N | Refusal> {
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const text = await identities.read(key);
    if (text === null) return notFound(key);
    const record = parseRecord<K['kind']>(key.kind, text);
    const next = unmet(precondition, record) ?? change(record);
    if (next instanceof Refusal) return next;
    const large = next && tooLarge(next, record);
    if (large) return large;
    const nextText = next && JSON.stringify(next);
    if (nextText === text) return next;
    const result = await identities.replace(key, text, nextText);
    if (result === 'replaced') return next;
    if (result === 'full') return teamFull(key);
    if (result !== 'conflict') return taken(key, result);
  }
  return tooManyChanges(`This ${key.kind} is`);
}

/** Deletes a record, whatever its state; with a precondition, only in a state that meets it. */
export function deleteRecord(
  deps: Identities,
  key: RecordKey,
  precondition: Precondition = null,
): Promise<Refusal | null> {
  return changeRecord(deps, key, () => null, precondition);
}

/** The 404 of a record; `param` if a field of the body named it. */
export function notFound(key: RecordKey, param?: string): Refusal {
  return new Refusal('not_found', `There is no ${nameOf(key)}.`, { param });
}

/** The 429 of a team whose users or tokens take all the room they may. */
function teamFull({ kind, team }: RecordKey): Refusal {
  const { records: max, bytes } = teamBounds;
  const remedy =
    kind === 'token'
      ? `Revoke tokens that are not needed: one that ended ${endedDays} days ago makes room for a new one.`
      : 'Delete what is not needed, or make another team.';
  const message = `The ${kind}s of the team ${team} may be ${max}, and take ${bytes} bytes. ${remedy}`;
  const limit = { scope: 'team', metric: `${kind}s`, window: null, max, resets_at: null };
  return new Refusal('insufficient_quota', message, { limit, headers: noRetry });
}

function taken({ team }: RecordKey, result: Taken): Refusal {
  const param = takenField(result);
  const message = `${param}: another user of the team ${team} has this ${describedFields[param]}.`;
  return new Refusal('already_exists', message, { param });
}

/** The 503 of something that others change faster than it can be read. */
export function tooManyChanges(whatIs: string): Refusal {
  const message = `${whatIs} being changed by others at this moment. Try again.`;
  return new Refusal('overloaded', message, { headers: { 'retry-after': '1' } });
}

function nameOf(key: RecordKey): string {
  return key.kind === 'team' ? `team ${key.team}` : `${key.kind} ${key.id} in the team ${key.team}`;
}
