import { InvalidArgumentError } from 'commander';
import { limit, limitIdentity } from '../base/fields.ts';
import { type Limit, limitName } from '../base/limit.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../base/request.ts';
import { type GivenOptions, parseLimit, repeatable, yesOption } from './arguments.ts';
import { plain } from './cells.ts';
import { type Cli, ifMatch } from './cli.ts';
import { CommandFailed, exitCodes } from './command-failed.ts';

/* Limits of a record changed one at a time, beside `--limit`, which replaces the whole list. */

/** A limit as answers tell it. */
type ToldLimit = Limit & { id?: string };

/** A limit by its name: `tokens/day` is any of them, `tokens/day@model` and `tokens/day=100` are just that one. */
export interface LimitName {
  text: string;
  limit: Limit;
  hasMax: boolean;
}

export const limitChangeOptions = [
  repeatable('--add-limit <limit>', 'add a limit, or change the number of one that is there', parseLimit),
  repeatable(
    '--remove-limit <limit>',
    'remove a limit: tokens/day, or tokens/day@model if there are several',
    parseLimitName,
  ),
  yesOption,
];

/** Reads the name of a limit. */
export function parseLimitName(text: string): LimitName {
  const hasMax = text.includes('=');
  try {
    const [, name = '', rest = ''] = /^([a-z_/]+)(.*)$/.exec(text) ?? [];
    return { text, limit: parseLimit(hasMax ? text : `${name}=0${rest}`), hasMax };
  } catch {
    throw new InvalidArgumentError('Write metric/window such as tokens/day, or concurrency.');
  }
}

interface LimitChanges {
  addLimit?: Limit[];
  removeLimit?: LimitName[];
}

/**
 * Sends the changes of `set`. It asks before a new list drops a limit on money. With `--add-limit` or `--remove-limit` it
 * reads the record first, changes its list of limits unless somebody else changes the record meanwhile, and tells the
 * limits before and after.
 */
export async function sendChanges(
  cli: Cli,
  path: string,
  body: (options: GivenOptions) => object,
  { addLimit, removeLimit, yes = false, ...options }: GivenOptions & LimitChanges,
): Promise<void> {
  const changed = body(options);
  if (addLimit === undefined && removeLimit === undefined) {
    const seen = yes || !replacesLimits(changed) ? null : await confirmed(cli, path, changed);
    cli.printRecord(await cli.call('PATCH', path, changed, ifMatch(seen)));
    return;
  }
  if ('limits' in changed) {
    throw new CommandFailed(
      '--add-limit and --remove-limit do not go with what replaces the whole list of limits.',
      exitCodes.misused,
    );
  }
  const { record, etag } = await cli.look(path);
  const before = limitsOf(record);
  const limits = changedLimits(before, { addLimit: addLimit ?? [], removeLimit: removeLimit ?? [] });
  const after = await cli.call('PATCH', path, { ...changed, limits }, ifMatch(etag));
  cli.printRecord(after);
  cli.note(
    `Limits before: ${shown(before)}\nLimits after:  ${shown(after === null ? limits : limitsOf(after))}`,
  );
}

/** The fields of a change that have lists of limits, which replace those there were. */
const replacing = ['limits', 'end_user_limits', 'defaults'] as const;

function replacesLimits(changed: object): boolean {
  return replacing.some((field) => field in changed);
}

/** The ETag of the record as it was when a person agreed to what is lost, or nothing of the kind was. */
async function confirmed(cli: Cli, path: string, changed: object): Promise<string | null> {
  const { record, etag } = await cli.look(path);
  const asked: JsonObject = { ...changed };
  const dropped = replacing.flatMap((field) =>
    field in asked ? droppedMoney(record[field] ?? null, asked[field] ?? null) : [],
  );
  if (dropped.length > 0) {
    await cli.confirm({
      yes: false,
      loss: () => `The new list drops ${shown(dropped)}, and with it what is used of it.`,
      remedy: `It would drop ${shown(dropped)}; --add-limit and --remove-limit change one limit and keep the others.`,
    });
  }
  return etag;
}

/** The limits on money in a list, or in lists inside an object, that are not in what takes its place. Null clears it. */
export function droppedMoney(before: JsonValue, after: JsonValue): Limit[] {
  if (Array.isArray(before)) {
    const kept = new Set(limitsIn(after).map(limitIdentity));
    return limitsIn(before).filter((each) => each.metric === 'cost_usd' && !kept.has(limitIdentity(each)));
  }
  if (!isJsonObject(before)) return [];
  const fields = isJsonObject(after) ? Object.keys(after) : Object.keys(before);
  return fields.flatMap((field) =>
    droppedMoney(before[field] ?? null, isJsonObject(after) ? (after[field] ?? null) : null),
  );
}

function limitsIn(list: JsonValue): Limit[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((each) => {
    const read = limit.safeParse(each);
    return read.success ? [read.data] : [];
  });
}

/** The limits of a record in an answer. Throws `CommandFailed` if one of them is not known here. */
export function limitsOf(record: JsonObject): ToldLimit[] {
  const read = limit.array().safeParse(record['limits']);
  if (read.success) return read.data;
  throw new CommandFailed('This program is older than the gateway: it does not know all of its limits.');
}

/** The list after the changes. Throws `CommandFailed` if a limit is not there, or could be several. */
export function changedLimits(
  before: readonly Limit[],
  { addLimit, removeLimit }: Required<LimitChanges>,
): Limit[] {
  const removed = new Set(
    removeLimit.map((name) => limitIdentity(onlyLimit(before, name, '--remove-limit'))),
  );
  const added = new Map(addLimit.map((each) => [limitIdentity(each), each]));
  if (
    added.size < addLimit.length ||
    removed.size < removeLimit.length ||
    [...added.keys()].some((id) => removed.has(id))
  ) {
    throw new CommandFailed('One limit is named twice.', exitCodes.misused);
  }
  const kept = before.filter((each) => !removed.has(limitIdentity(each)));
  const known = new Set(kept.map(limitIdentity));
  return [
    ...kept.map((each) => added.get(limitIdentity(each)) ?? each),
    ...addLimit.filter((each) => !known.has(limitIdentity(each))),
  ];
}

/** The one limit of that name. Throws `CommandFailed` if there is none, or several. `option`: where the name was given. */
export function onlyLimit<L extends Limit>(before: readonly L[], name: LimitName, option: string): L {
  const matching = before.filter((each) => matches(each, name));
  const [only, ...more] = matching;
  if (only && more.length === 0) return only;
  const problem = only
    ? `${option} ${plain(name.text)} could be any of ${shown(matching)}: write the whole limit.`
    : `There is no limit ${plain(name.text)}; there are: ${shown(before)}.`;
  throw new CommandFailed(problem);
}

function matches(each: Limit, { limit: asked, hasMax }: LimitName): boolean {
  if (hasMax) return limitIdentity(each) === limitIdentity(asked) && each.max === asked.max;
  const { models, endpoints, tags } = asked;
  const isWhole = (models ?? endpoints ?? tags) !== undefined || 'count_cached' in asked;
  if (isWhole) return limitIdentity(each) === limitIdentity(asked);
  return limitName(each) === limitName(asked);
}

function shown(limits: readonly Limit[]): string {
  return plain(limits.map((each): JsonObject => ({ ...each })));
}
