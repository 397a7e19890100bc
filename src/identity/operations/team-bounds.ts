import { invalidBody, type Problem, Refusal } from '../../base/refusal.ts';
import { withRealModels } from '../records/aliases.ts';
import type { Team, Token } from '../records/identity.ts';
import { type IdentityDeps, readRecord } from './records.ts';

/** The lists of a token that those of its team bound, each with the option of the command line that names an item. */
const boundedLists = [
  ['models', '--model'],
  ['endpoints', '--endpoint'],
  ['origins', '--origin'],
  ['tools', '--tool'],
] as const;

type Lists = { [K in (typeof boundedLists)[number][0]]?: Token[K] | undefined };

/**
 * The 400 if the lists that are asked for name what the team does not have, or the 404 of the team. A list that is
 * absent or null names nothing. Requests are checked against the team anyway, so that lowering its bounds narrows every
 * token; this keeps anyone from granting what would have no effect.
 */
export async function beyondTeam(deps: IdentityDeps, id: string, asked: Lists): Promise<Refusal | null> {
  if (boundedLists.every(([field]) => !asked[field])) return null;
  const team = await readRecord(deps, { kind: 'team', team: id });
  if (team instanceof Refusal) return team;
  const { realModel } = deps;
  const [lists, bounds] = realModel
    ? [withRealModels(asked, realModel), withRealModels(team, realModel)]
    : [asked, team];
  const problems = boundedLists.flatMap(([field, option]) => {
    const bound = bounds[field] ?? (field === 'tools' ? [] : null);
    const missing = bound === null ? [] : (lists[field] ?? []).filter((item) => !bound.includes(item));
    return missing.length === 0 ? [] : [problemOf(team, { field, option, missing })];
  });
  return problems.length === 0 ? null : invalidBody(problems);
}

interface Missing {
  field: (typeof boundedLists)[number][0];
  option: string;
  missing: readonly string[];
}

/** The command has the whole list, since it replaces the one that the team has. */
function problemOf(team: Team, { field, option, missing }: Missing): Problem {
  const options = [...(team[field] ?? []), ...missing].map((item) => `${option} ${item}`).join(' ');
  const message = `${field} names ${missing.join(', ')}, which the team ${team.id} does not have. The role admin can give it to the team: tollgate team set ${team.id} ${options}`;
  return { param: field, message };
}
