import { type Command, Option } from 'commander';
import type { JsonObject } from '../base/request.ts';
import { gatewayCounterKey } from '../identity/records/gateway-settings.ts';
import { adminPath, bodyOf, type GivenOptions, withQuery, yesOption } from './arguments.ts';
import { type Cli, ifMatch } from './cli.ts';
import { example } from './help.ts';
import { sendChanges } from './limit-changes.ts';
import { showRecord, usageOption } from './show-record.ts';
import { CommandFailed, exitCodes } from './command-failed.ts';
import { createMany, type ManyFromFile } from './create-many.ts';
import type { Column } from './table.ts';

/** One command: its help, and its options. */
interface CommandHelp {
  summary: string;
  options?: readonly Option[];
  /** The words after the verb, ready to paste. */
  examples: readonly string[];
}

/** A command whose answer is a record. */
interface RecordCommand extends CommandHelp {
  /** Printed on stderr after the record. */
  note?: (record: JsonObject | null) => string;
}

/** The commands on records of one kind. `list`, `show`, `suspend`, `resume` and `enable` are summaries: these need no more. */
export interface Resource {
  name: 'team' | 'user' | 'token' | 'admin' | 'webhook';
  description: string;
  /** The part of a path that all records of the kind are under. */
  collection: string;
  /**
   * Whether a team is named first on the command line: each record belongs to one. `perhaps`: it is named by `--team`;
   * without it the record is the gateway's.
   */
  isOfTeam: boolean | 'perhaps';
  id: { argument: string; description?: string; example: string };
  columns: readonly Column[];
  create: RecordCommand & {
    verb?: string;
    /** Makes many from a file in place of the argument; null: not of this kind. */
    many?: ManyFromFile;
    /** Its argument besides the team, and the field it is sent as. */
    argument?: { name: string; description?: string; field: string };
  };
  list: string;
  /** The options of the list, sent as query parameters. */
  listOptions: readonly Option[];
  show: string;
  set?: CommandHelp;
  suspend?: string;
  resume?: string;
  enable?: string;
  rotate?: RecordCommand & {
    /** What is lost for good with these options; null if nothing is. */
    loss: (id: string, options: GivenOptions) => string | null;
  };
  end: CommandHelp & {
    verb: 'delete' | 'revoke';
    /** Go on if nobody can be asked: an emergency must not wait for a flag. */
    unasked?: 'done';
    /** What is lost with it, given the record. */
    loss: (target: EndTarget) => Promise<string> | string;
    done: (id: string, options: GivenOptions) => string;
  };
}

interface EndTarget {
  cli: Cli;
  team: string;
  id: string;
  record: JsonObject;
  options: GivenOptions;
}

/** Of commands on what is a team's or the gateway's. */
export const teamOption = new Option('--team <team>', "a team's; without it the gateway's");

/** The path of what is in a collection of a team, or of the gateway ('@'). */
export function collectionPath(team: string, ...parts: readonly string[]): string {
  return team === gatewayCounterKey ? adminPath(...parts) : adminPath('teams', team, ...parts);
}

export const nameOption = new Option('--name <name>', 'a name for people');
const fileOption = new Option('--file <csv>', 'make one for each row of a CSV file; - for standard input');

/** Adds the commands of a resource, such as `tollgate team create`, in the order of the help. */
export function resourceCommands(program: Command, cli: Cli, resource: Resource): Command {
  const { name, collection, isOfTeam, id, columns, create, set, rotate, end } = resource;
  const inTeam = isOfTeam === true ? ['acme'] : [];
  /** How many words name the team, whether they stood first or came with `--team`. */
  const teamWords = isOfTeam === false ? 0 : 1;
  const exampleWords = [...inTeam, id.example].join(' ');
  const group = program
    .command(name)
    .description(resource.description)
    .addHelpText('after', example([name, 'list', ...inTeam].join(' ')));

  function add(
    verb: string,
    { summary, options = [], examples }: CommandHelp,
    run: (words: string[], options: GivenOptions) => Promise<void>,
  ): Command {
    const command = group.command(verb).description(summary);
    if (isOfTeam === true) command.argument('<team>');
    if (isOfTeam === 'perhaps') command.addOption(teamOption);
    for (const option of options) command.addOption(option);
    return command
      .addHelpText('after', example(...examples.map((words) => `${name} ${verb} ${words}`.trimEnd())))
      .action(() => {
        if (isOfTeam !== 'perhaps') return run(command.args, command.opts());
        const { team = gatewayCounterKey, ...rest } = command.opts<{ team?: string }>();
        return run([team, ...command.args], rest);
      });
  }

  /** A command on one record. */
  function addOnOne(
    verb: string,
    help: CommandHelp,
    run: (path: string, id: string, options: GivenOptions) => Promise<void>,
  ): Command {
    return add(verb, help, (words, options) => run(pathOf(words), words.at(-1) ?? '', options)).argument(
      id.argument,
      id.description,
    );
  }

  function pathOf(words: readonly string[]): string {
    const [team = '', ...rest] = words;
    if (isOfTeam === false) return adminPath(collection, ...words);
    return collectionPath(team, collection, ...rest);
  }

  async function printMade(path: string, body: object, { note }: RecordCommand): Promise<void> {
    const made = await cli.call('POST', path, body);
    cli.printRecord(made);
    if (note) cli.note(note(made));
  }

  const { verb = 'create', argument } = create;
  const { many } = create;
  const creationHelp = many ? { ...create, options: [...(create.options ?? []), fileOption] } : create;
  const creation = add(verb, creationHelp, (words, { file, ...options }) => {
    const path = pathOf(words.slice(0, teamWords));
    const [team = '', ...rest] = words;
    if (many && (typeof file === 'string') === rest.length > 0) {
      throw new CommandFailed(`Name one ${name}, or a --file with many.`, exitCodes.misused);
    }
    if (many && typeof file === 'string') {
      return createMany(cli, many, { file, team, path, shared: bodyOf(options) });
    }
    const named = argument && { [argument.field]: words.at(-1) };
    return printMade(path, { ...named, ...bodyOf(options) }, create);
  });
  if (argument) {
    const { name: word, description } = argument;
    creation.argument(many ? word.replace(/^<(.*)>$/, '[$1]') : word, description);
  }
  if (verb !== 'create') creation.alias('create');

  const listing = { summary: resource.list, options: resource.listOptions };
  const narrowed = isOfTeam === 'perhaps' ? '--team acme' : [...inTeam, '--search an'].join(' ');
  const listExamples = [...(inTeam.length > 0 ? inTeam : ['']), narrowed];
  add('list', { ...listing, examples: listExamples }, (words, { search: q, ...options }) =>
    cli.printRows(withQuery(pathOf(words), { q, ...options }), columns),
  );
  // What can be set has limits, if it is of a team.
  const showing =
    set && isOfTeam !== 'perhaps'
      ? { options: [usageOption], examples: [exampleWords, `${exampleWords} --usage`] }
      : { examples: [exampleWords] };
  addOnOne('show', { summary: resource.show, ...showing }, (path, _id, { usage }) =>
    showRecord(cli, path, { usage: usage === true }),
  );
  if (set) {
    addOnOne('set', set, (path, _id, options) => sendChanges(cli, path, bodyOf, options));
  }
  for (const act of ['suspend', 'resume', 'enable'] as const) {
    const summary = resource[act];
    if (summary === undefined) continue;
    addOnOne(act, { summary, examples: [exampleWords] }, (path) =>
      cli.callAndPrint('POST', `${path}/${act}`),
    );
  }
  if (rotate) {
    addOnOne('rotate', rotate, async (path, each, { yes, ...options }) => {
      const loss = rotate.loss(each, options);
      if (loss !== null) await cli.confirm({ yes, loss: () => loss });
      await printMade(`${path}/rotate`, bodyOf(options), rotate);
    });
  }

  const endOptions = [...(end.options ?? []), yesOption];
  const ending = add(end.verb, { ...end, options: endOptions }, async (words, { yes, ...options }) => {
    const [team = '', each = team] = words;
    const path = pathOf(words);
    let etag: string | null = null;
    await cli.confirm({
      yes,
      unasked: end.unasked,
      loss: async () => {
        const seen = await cli.look(path);
        ({ etag } = seen);
        return end.loss({ cli, team, id: each, record: seen.record, options });
      },
    });
    // Not if it has changed since the question.
    const flags = Object.entries(options).map(([flag, value]) => [flag, String(value)]);
    await cli.call('DELETE', withQuery(path, Object.fromEntries(flags)), undefined, ifMatch(etag));
    const ended = {
      ...(isOfTeam === false || team === gatewayCounterKey ? {} : { team }),
      [name]: each,
      [`${end.verb}d`]: true,
    };
    cli.printDone(ended, end.done(each, options));
  }).argument(id.argument, id.description);
  if (end.verb === 'revoke') ending.alias('delete');
  return group;
}
