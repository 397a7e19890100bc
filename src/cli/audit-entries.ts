import type { Command } from 'commander';
import { isJsonObject, type JsonObject, type JsonValue } from '../base/request.ts';
import { adminPath, withQuery } from './arguments.ts';
import { plain, shortTime } from './cells.ts';
import type { Cli } from './cli.ts';
import { CommandFailed, exitCodes } from './command-failed.ts';
import { example } from './help.ts';
import { type Column, fieldList, fittedTable } from './table.ts';

const entriesPerPage = 1_000;

/** The table of `audit list`: each entry with who it was by, and what it changed. */
export async function printEntries(cli: Cli, options: Readonly<Record<string, string>>): Promise<void> {
  const path = withQuery(adminPath('audit'), options);
  const format = options['format'];
  if (format !== undefined) return cli.printRows(path, [], format);
  await cli.printPage(path, async (entries) => columnsWith(await namesOf(cli, entries)));
}

function columnsWith(names: ReadonlyMap<string, string>): Column[] {
  const who = (actor: JsonValue | undefined): string => names.get(plain(actor)) ?? plain(actor);
  return [
    { title: 'NO', cell: ({ sequence }) => plain(sequence), right: true },
    { title: 'TIME', cell: ({ time }) => shortTime(time), whole: true },
    { title: 'ACTOR', cell: ({ actor }) => who(actor) },
    { title: 'OPERATION', cell: ({ operation }) => plain(operation) },
    { title: 'TEAM', cell: ({ team }) => plain(team), optional: true },
    { title: 'ID', cell: ({ id }) => plain(id), optional: true },
    { title: 'CHANGE', cell: changeText, optional: true },
  ];
}

/** The names of administrators among the actors, as far as the caller may know them: only root does. */
async function namesOf(cli: Cli, entries: readonly JsonObject[]): Promise<Map<string, string>> {
  const isNamed = entries.some(({ actor }) => typeof actor === 'string' && actor.startsWith('adm_'));
  if (!isNamed) return new Map();
  const administrators = await cli.rows(adminPath('admins')).catch((error: unknown) => {
    if (error instanceof CommandFailed) return [];
    throw error;
  });
  return new Map(
    administrators.flatMap(({ id, name }) => (typeof name === 'string' ? [[plain(id), plain(name)]] : [])),
  );
}

/** What an entry says of itself elsewhere. */
const leftOut: ReadonlySet<string> = new Set(['id', 'team', 'created_at', 'prefix', 'secrets']);

/** `max: 1 → 2; name: a → b` of a change; of what was made or ended, what it was. */
export function changeText({ before, after }: JsonObject): string {
  const [was, is] = [fieldsOf(before), fieldsOf(after)];
  const parts = namesIn(was, is)
    .filter((name) => !leftOut.has(name))
    .map((name) => {
      if (was === null || is === null) return `${plain(name)}: ${plain((was ?? is)?.[name])}`;
      return `${plain(name)}: ${plain(was[name])} → ${plain(is[name])}`;
    })
    .filter((part) => !part.endsWith(': none'));
  return parts.length === 0 ? '-' : parts.join('; ');
}

function fieldsOf(value: JsonValue | undefined): JsonObject | null {
  return isJsonObject(value ?? null) ? (value as JsonObject) : null; // it was just asked
}

function namesIn(was: JsonObject | null, is: JsonObject | null): string[] {
  return [...new Set([...Object.keys(was ?? {}), ...Object.keys(is ?? {})])];
}

/** `tollgate audit show` */
export function auditShowCommand(audit: Command, cli: Cli): void {
  audit
    .command('show')
    .description('show one entry: who changed what, each field before and after')
    .argument('<sequence>', 'its number in the list')
    .addHelpText('after', example('audit show 1'))
    .action(async (text: string) => {
      if (!/^[1-9]\d{0,14}$/.test(text)) {
        throw new CommandFailed('Write the number of an entry, such as 12.', exitCodes.misused);
      }
      const entry = await entryOf(cli, Number(text));
      const { before, after, sequence = null, time = null, ...rest } = entry;
      const fields = { sequence, time, ...rest };
      const [was, is] = [fieldsOf(before), fieldsOf(after)];
      const rows = namesIn(was, is).map((field): JsonObject => ({
        field,
        before: was?.[field] ?? null,
        after: is?.[field] ?? null,
      }));
      const changes = rows.length === 0 ? '' : `\n\n${fittedTable(changeColumns, rows, cli.width)}`;
      cli.printDone(entry, fieldList(fields, cli.width) + changes);
    });
}

const changeColumns: Column[] = [
  { title: 'FIELD', cell: ({ field }) => plain(field), whole: true },
  { title: 'BEFORE', cell: ({ before }) => plain(before) },
  { title: 'AFTER', cell: ({ after }) => plain(after) },
];

/** The trail is read from the newest entry on, as far as this one. */
async function entryOf(cli: Cli, sequence: number): Promise<JsonObject> {
  for (let cursor: string | null = ''; cursor !== null;) {
    const path = withQuery(adminPath('audit'), {
      limit: String(entriesPerPage),
      ...(cursor === '' ? {} : { cursor }),
    });
    const { rows, next } = await cli.page(path);
    const found = rows.find((entry) => entry['sequence'] === sequence);
    if (found) return found;
    const isPassed = rows.some((entry) => Number(entry['sequence']) < sequence);
    cursor = isPassed ? null : next;
  }
  throw new CommandFailed(`The trail has no entry ${sequence} that can be read.`);
}
