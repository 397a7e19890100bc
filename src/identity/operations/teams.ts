import { visibleTeams, type Actor } from '../../base/actor.ts';
import type { Team } from '../records/identity.ts';
import { Refusal } from '../../base/refusal.ts';
import { changeRecord, deleteRecord, given, notFound, parseRecord, readRecord } from './change-record.ts';
import type { IdentityDeps } from './identity-deps.ts';
import type { Precondition } from './precondition.ts';
import type { NewTeam, TeamChange } from '../schemas/schemas.ts';
import { limitsOfNew } from './settings.ts';
import { changedLimits, storedLimits } from './stored-limits.ts';

/** Makes a team; 409 where its id is taken. */
export async function createTeam(deps: IdentityDeps, asked: NewTeam): Promise<Team | Refusal> {
  const team: Team = {
    id: asked.id,
    name: asked.name ?? null,
    limits: storedLimits(await limitsOfNew(deps, 'team', asked.limits), [], deps.randomId),
    models: asked.models ?? null,
    suspended_at: null,
    created_at: new Date(deps.clock.now()).toISOString(),
  };
  const result = await deps.identities.create({ kind: 'team', team: team.id }, JSON.stringify(team));
  if (result === 'created') return team;
  return new Refusal('already_exists', `There is a team ${team.id} already.`, { param: 'id' });
}

/** All teams that an actor is shown, by id. */
export async function listTeams({ identities }: IdentityDeps, actor: Actor): Promise<Team[]> {
  const visible = visibleTeams(actor);
  const teams = (await identities.list('team')).map((text) => parseRecord('team', text));
  return visible === null ? teams : teams.filter(({ id }) => visible.includes(id));
}

/** A team, or a 404. */
export function getTeam({ identities }: IdentityDeps, team: string): Promise<Team | Refusal> {
  return readRecord(identities, { kind: 'team', team });
}

/** Fields left out stay; null clears. */
export function changeTeam(
  deps: IdentityDeps,
  team: string,
  { limits, ...fields }: TeamChange,
  precondition: Precondition,
): Promise<Team | Refusal> {
  const change = (record: Team): Team => ({
    ...record,
    ...given(fields),
    limits: changedLimits(limits, record.limits, deps.randomId),
  });
  return changeRecord(deps.identities, { kind: 'team', team }, change, precondition);
}

/** Removes the team with its users and tokens. */
export async function deleteTeam(
  { identities }: IdentityDeps,
  team: string,
  precondition: Precondition,
): Promise<Refusal | null> {
  if (precondition !== null) return deleteRecord(identities, { kind: 'team', team }, precondition);
  return (await identities.deleteTeam(team)) ? null : notFound({ kind: 'team', team });
}
