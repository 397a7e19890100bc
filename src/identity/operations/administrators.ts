import type { Administrator } from '../records/administrator.ts';
import type { AdministratorStore } from '../store/administrator-store.ts';
import { Refusal } from '../../base/refusal.ts';
import { mintToken, newId } from '../records/token-text.ts';
import type { NewAdministrator } from '../schemas/requests.ts';
import { expiryOf, type Issued, timeNow } from './create.ts';
import { type Precondition, unmet } from './precondition.ts';
import { type IdentityDeps, notFound } from './records.ts';
import { tooLarge } from './record-size.ts';

export interface AdministratorDeps extends IdentityDeps {
  administrators: AdministratorStore;
}

/** Creates an administrator; a 404 if one of the teams does not exist. */
export async function createAdministrator(
  deps: AdministratorDeps,
  asked: NewAdministrator,
): Promise<Issued<Administrator> | Refusal> {
  const missing = await missingTeam(deps, asked.teams ?? []);
  if (missing) return missing;
  const { text, secretHash, prefix } = mintToken('admin');
  const record: Administrator = {
    id: `adm_${newId()}`,
    name: asked.name ?? null,
    role: asked.role,
    teams: asked.teams ?? null,
    prefix,
    expires_at: expiryOf(asked, deps.clock) ?? null,
    created_at: timeNow(deps.clock),
  };
  const large = tooLarge(record);
  if (large) return large;
  if ((await deps.administrators.create(record, secretHash)) === 'created') return { record, text };
  throw new Error('A random administrator id came up twice.');
}

/** An administrator, or a 404. */
export async function getAdministrator(
  { administrators }: AdministratorDeps,
  id: string,
): Promise<Administrator | Refusal> {
  return (await administrators.read(id)) ?? noAdministrator();
}

/** Deletes an administrator. The token is refused from the next request on, everywhere. */
export async function deleteAdministrator(
  { administrators }: AdministratorDeps,
  id: string,
  precondition: Precondition,
): Promise<Refusal | null> {
  // An administrator never changes, so a precondition that was met stays met.
  const record = precondition === null ? null : await administrators.read(id);
  const refusal = record && unmet(precondition, record);
  if (refusal) return refusal;
  return (await administrators.delete(id)) ? null : noAdministrator();
}

/** Without this check a misspelled name would grant a team that somebody may create one day. */
async function missingTeam(
  { identities }: AdministratorDeps,
  teams: readonly string[],
): Promise<Refusal | null> {
  const found = await Promise.all(teams.map((team) => identities.read({ kind: 'team', team })));
  const index = found.indexOf(null);
  const team = teams[index];
  return team === undefined ? null : notFound({ kind: 'team', team }, `teams.${index}`);
}

/** Does not repeat the id: people paste tokens anywhere. */
function noAdministrator(): Refusal {
  return new Refusal('not_found', 'There is no administrator with this id; GET /admin/admins lists them.');
}
