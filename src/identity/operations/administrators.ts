import type { Administrator, AdministratorStore } from '../records/administrator.ts';
import { Refusal } from '../../base/refusal.ts';
import type { NewAdministrator } from '../schemas/administrator-schema.ts';
import { notFound } from './change-record.ts';
import type { IdentityDeps, Minted } from './identity-deps.ts';
import { expiryOf } from './expiry.ts';
import { type Precondition, unmet } from './precondition.ts';

export interface AdministratorDeps extends Pick<IdentityDeps, 'identities' | 'clock' | 'randomId'> {
  administrators: AdministratorStore;
  /** Makes the text of an administrator's token. */
  mintAdministrator: () => Minted;
}

/** An administrator as it was just made: the only time its token's text is known. */
export interface IssuedAdministrator {
  record: Administrator;
  text: string;
}

/** Makes an administrator; 404 where one of its teams is not there. */
export async function createAdministrator(
  deps: AdministratorDeps,
  asked: NewAdministrator,
): Promise<IssuedAdministrator | Refusal> {
  const missing = await missingTeam(deps, asked.teams ?? []);
  if (missing) return missing;
  const { text, secretHash, prefix } = deps.mintAdministrator();
  const record: Administrator = {
    id: `adm_${deps.randomId()}`,
    name: asked.name ?? null,
    role: asked.role,
    teams: asked.teams ?? null,
    prefix,
    expires_at: expiryOf(asked, deps.clock) ?? null,
    created_at: new Date(deps.clock.now()).toISOString(),
  };
  if ((await deps.administrators.create(record, secretHash)) === 'created') return { record, text };
  throw new Error('A random administrator id came up twice.');
}

/** All administrators, expired ones too. */
export function listAdministrators({ administrators }: AdministratorDeps): Promise<Administrator[]> {
  return administrators.list();
}

/** An administrator, or a 404. */
export async function getAdministrator(
  { administrators }: AdministratorDeps,
  id: string,
): Promise<Administrator | Refusal> {
  return (await administrators.read(id)) ?? noAdministrator();
}

/** Its token is refused everywhere from the next request on; nothing is kept of it. */
export async function deleteAdministrator(
  { administrators }: AdministratorDeps,
  id: string,
  precondition: Precondition,
): Promise<Refusal | null> {
  // An administrator never changes: what was met stays so.
  const record = precondition === null ? null : await administrators.read(id);
  const refusal = record && unmet(precondition, record);
  if (refusal) return refusal;
  return (await administrators.delete(id)) ? null : noAdministrator();
}

/** A slip in a team's name would otherwise grant it to whoever makes that team one day. */
async function missingTeam(
  { identities }: AdministratorDeps,
  teams: readonly string[],
): Promise<Refusal | null> {
  const found = await Promise.all(teams.map((team) => identities.read({ kind: 'team', team })));
  const index = found.indexOf(null);
  const team = teams[index];
  return team === undefined ? null : notFound({ kind: 'team', team }, `teams.${index}`);
}

/** The id is not repeated: people paste tokens anywhere. */
function noAdministrator(): Refusal {
  return new Refusal('not_found', 'There is no administrator with this id; GET /admin/admins lists them.');
}
