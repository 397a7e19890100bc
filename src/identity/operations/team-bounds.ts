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

type Lists = { [K in (typeof boundedLists)[number][0] | 'tags' | 'request_tags']?: Token[K] | undefined };

/**
 * The 400 if the lists that are asked for name what the team does not have, or the 404 of the team. A list that is
 * absent or null names nothing. Requests are checked against the team anyway, so that lowering its bounds narrows every
 * token; this keeps anyone from granting what would have no effect.
 */
export async function beyondTeam(deps: IdentityDeps, id: string, asked: Lists): Promise<Refusal | null> {
  const keys = { tags: Object.keys(asked.tags ?? {}), request_tags: asked.request_tags ?? [] };
  const names =
    boundedLists.some(([field]) => asked[field]) || keys.tags.length + keys.request_tags.length > 0;
  if (!names) return null;
  const team = await readRecord(deps, { kind: 'team', team: id });
  if (team instanceof Refusal) return team;
  const { realModel } = deps;
  const [lists, bounds] = realModel
    ? [withRealModels(asked, realModel), withRealModels(team, realModel)]
    : [asked, team];
  const problems = boundedLists.flatMap(([field, option]) => {
    const bound = bounds[field] ?? (field === 'tools' ? [] : null);
    const missing = bound === null ? [] : (lists[field] ?? []).filter((item) => !bound.includes(item));
    return missing.length === 0 ? [] : [problemOf(team, { field, has: field, option, missing })];
  });
  for (const field of ['tags', 'request_tags'] as const) {
    const missing = keys[field].filter((key) => !team.tag_keys?.includes(key));
    if (missing.length > 0)
      problems.push(problemOf(team, { field, missing, has: 'tag_keys', option: '--tag-key' }));
  }
  return problems.length === 0 ? null : invalidBody(problems);
}

interface Missing {
  field: keyof Lists;
  /** The list of the team that bounds the field, and the option that names an item of it. */
  has: (typeof boundedLists)[number][0] | 'tag_keys';
  option: string;
  missing: readonly string[];
}

/** The command has the whole list, since it replaces the one that the team has. */
function problemOf(team: Team, { field, has, option, missing }: Missing): Problem {
  const options = [...(team[has] ?? []), ...missing].map((item) => `${option} ${item}`).join(' ');
  const message = `${field} names ${missing.join(', ')}, which the team ${team.id} does not have. The role admin can give it to the team: tollgate team set ${team.id} ${options}`;
  return { param: field, message };
}
