import { type Command, InvalidArgumentError, Option } from 'commander';
import { isJsonObject, type JsonObject, type JsonValue } from '../base/request.ts';
import { adminPath, parseExpiry } from './arguments.ts';
import { plain, shortTime } from './cells.ts';
import type { Cli } from './cli.ts';
import { CommandFailed } from './command-failed.ts';
import { example } from './help.ts';
import { limitsOf, type LimitName, onlyLimit, parseLimitName } from './limit-changes.ts';
import { limitTable } from './show-record.ts';
import { type Column, fittedTable } from './table.ts';

/** Whose limits: the team's, unless one of these is given. */
interface Whose {
  user?: string;
  token?: string;
}

interface AskedRaise extends Whose {
  by: number;
  until: ReturnType<typeof parseExpiry>;
}

const raiseColumns: Column[] = [
  { title: 'RAISE', cell: ({ id }) => plain(id), whole: true },
  { title: 'LIMIT', cell: ({ limit }) => plain(limit) },
  { title: 'BY', cell: ({ by }) => plain(by), right: true },
  { title: 'UNTIL', cell: ({ until }) => shortTime(until), whole: true },
];

/** `tollgate limits …` */
export function raiseCommands(program: Command, cli: Cli): void {
  const limits = program
    .command('limits')
    .description('Limits with what is used of them, and raises that end by themselves')
    .addHelpText('after', example('limits list acme'));

  function add(verb: string, description: string, ...examples: string[]): Command {
    return limits
      .command(verb)
      .description(description)
      .argument('<team>')
      .addOption(new Option('--user <user>', 'those of a user of the team'))
      .addOption(new Option('--token <id>', 'those of a token of the team').conflicts('user'))
      .addHelpText('after', example(...examples));
  }

  add(
    'list',
    'list limits, what is used of them, and what raises them',
    'limits list acme --user ana',
  ).action((team: string, whose: Whose) => list(cli, pathOf(team, whose)));

  add('raise', 'raise a limit until a time', 'limits raise acme tokens/day --by 50000 --until 2h')
    .argument('<limit>', 'tokens/day, or tokens/day@model if there are several', parseLimitName)
    .addOption(
      new Option('--by <amount>', 'what is added, in the unit of the limit')
        .argParser(parseAmount)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--until <when>', '2h, 7d, 2027-01-31 or an RFC 3339 time')
        .argParser(parseExpiry)
        .makeOptionMandatory(),
    )
    .action((team: string, limit: LimitName, asked: AskedRaise) => raise(cli, team, limit, asked));

  add('withdraw', 'withdraw a raise before it ends', 'limits withdraw acme rse_4NcvT6yK8wLe')
    .argument('<raise>')
    .action(async (team: string, id: string, whose: Whose) => {
      await cli.call('DELETE', `${pathOf(team, whose)}${partsOf('raises', id)}`);
      cli.printDone({ team, raise: id, withdrawn: true }, `Withdrew the raise ${plain(id)}.`);
    });
}

async function list(cli: Cli, path: string): Promise<void> {
  const record = (await cli.call('GET', `${path}?usage=true`)) ?? {};
  const { limits = [], raises = null } = record;
  const named = objectsIn(raises).map((each) => ({ ...each, limit: limitOf(each, objectsIn(limits)) }));
  const table = limitTable(limits, cli.width);
  const raised = named.length === 0 ? '' : `\n\n${fittedTable(raiseColumns, named, cli.width)}`;
  cli.printDone({ limits, raises }, `${table}${raised}`);
}

async function raise(
  cli: Cli,
  team: string,
  name: LimitName,
  { by, until, ...whose }: AskedRaise,
): Promise<void> {
  const path = pathOf(team, whose);
  const { record } = await cli.look(path);
  const { id } = onlyLimit(limitsOf(record), name, 'The name');
  if (id === undefined)
    throw new CommandFailed('This gateway is older than this program: it raises no limits.');
  // A span is counted by the gateway: this machine's clock may be wrong.
  const end = 'expires_at' in until ? { until: until.expires_at } : { for_seconds: until.expires_in };
  cli.printRecord(await cli.call('POST', `${path}${partsOf('limits', id, 'raise')}`, { by, ...end }));
}

/** A limit as its raise names it, for people. */
function limitOf({ limit: id = null }: JsonObject, limits: readonly JsonObject[]): JsonValue {
  return limits.find((each) => each['id'] === id) ?? id;
}

function pathOf(team: string, { user, token }: Whose): string {
  if (user !== undefined) return adminPath('teams', team, 'users', user);
  return token === undefined ? adminPath('teams', team) : adminPath('teams', team, 'tokens', token);
}

/** The rest of a path, after a record's. */
function partsOf(...parts: readonly string[]): string {
  return adminPath(...parts).slice('/admin'.length);
}

function objectsIn(value: JsonValue): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function parseAmount(text: string): number {
  if (/^\d{1,16}(?:\.\d{1,9})?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Write a number, such as 50000 or 2.50.');
}
