import { createReadStream } from 'node:fs';
import { type Command, Option } from 'commander';
import { ChainCheck, LoggedHeads, type Verdict } from '../audit/chain-check.ts';
import type { JsonObject } from '../base/request.ts';
import { isUtf16 } from '../config/text-file.ts';
import { adminPath, withQuery } from './arguments.ts';
import { plain, shortTime } from './cells.ts';
import type { Cli } from './cli.ts';
import { codeOf, CommandFailed } from './command-failed.ts';
import { example } from './help.ts';
import { bomOption } from './report-commands.ts';
import type { Column } from './table.ts';

const entriesPerPage = 1_000;

const columns: Column[] = [
  { title: 'NO', cell: ({ sequence }) => plain(sequence), right: true },
  { title: 'TIME', cell: ({ time }) => shortTime(time) },
  { title: 'ACTOR', cell: ({ actor }) => plain(actor) },
  { title: 'OPERATION', cell: ({ operation }) => plain(operation) },
  { title: 'TEAM', cell: ({ team }) => plain(team) },
  { title: 'ID', cell: ({ id }) => plain(id) },
];

/** `tollgate audit …` */
export function auditCommands(program: Command, cli: Cli): void {
  const audit = program
    .command('audit')
    .description('Who changed what')
    .addHelpText('after', example('audit list'));

  audit
    .command('list')
    .description('list changes, newest first; --format without --limit prints all of them')
    .option('--team <team>')
    .option('--actor <actor>', 'root, adm_…, tok_…, sign-in, file or command-line')
    .option('--operation <operation>', 'such as token.revoke')
    .option('--from <time>', 'a UTC day or an RFC 3339 time')
    .option('--to <time>', 'a UTC day (included) or an RFC 3339 time (excluded)')
    .option('--limit <count>', 'at most this many, up to 1000')
    .option('--cursor <cursor>', 'continue after the previous page')
    .addOption(new Option('--format <format>', 'print all rows as they arrive').choices(['csv', 'ndjson']))
    .addOption(bomOption)
    .addHelpText('after', example('audit list --operation token.revoke'))
    .action((options: Record<string, string>) => {
      return cli.printRows(withQuery(adminPath('audit'), options), columns, options['format']);
    });

  audit
    .command('verify')
    .description('check that no entry was altered, dropped or reordered; exits with 1 if one was')
    .option('--heads <file>', 'log lines (-: standard input): the trail must have every head they name')
    .addHelpText('after', example('audit verify', 'audit verify --heads gateway.log'))
    .action(async ({ heads: file }: { heads?: string }) => {
      // Read before the trail, which must have everything the log knows.
      const heads = file === undefined ? new LoggedHeads() : await headsIn(file);
      const verdict = await verified(cli, heads);
      cli.printRecord(shown(verdict));
      if (verdict.flaw) {
        const { sequence, kind, why } = verdict.flaw;
        throw new CommandFailed(`The trail is not intact: entry ${sequence} was ${kind} (${why}).`);
      }
      if (file === undefined) cli.note('Without --heads, dropping the newest entries would go unnoticed.');
    });
}

async function verified(cli: Cli, { heads }: LoggedHeads): Promise<Verdict> {
  const check = new ChainCheck(heads);
  let cursor: string | null = '';
  while (cursor !== null) {
    const from: string = cursor === '' ? '' : `&cursor=${cursor}`;
    const page: JsonObject | null = await cli.call(
      'GET',
      `${adminPath('audit')}?limit=${entriesPerPage}${from}`,
    );
    const { data, next_cursor: next } = page ?? {};
    // The API's own words: a list of objects.
    for (const entry of (data ?? []) as JsonObject[]) check.older(entry);
    cursor = typeof next === 'string' ? next : null;
  }
  return check.end();
}

async function headsIn(file: string): Promise<LoggedHeads> {
  const heads = new LoggedHeads();
  const name = nameOf(file);
  try {
    for await (const line of linesOf(file)) heads.read(line);
  } catch (error) {
    if (error instanceof CommandFailed) throw error;
    throw new CommandFailed(`${name} cannot be read (${codeOf(error)}).`);
  }
  if (heads.heads.size === 0) throw new CommandFailed(`${name} has no line with "audit head" in it.`);
  return heads;
}

/**
 * The lines of a log, however long it is. Bytes that are not UTF-8 are let be: others write into a log too, and theirs
 * must not hide the gateway's lines.
 */
async function* linesOf(file: string): AsyncGenerator<string> {
  const input: AsyncIterable<Buffer> = file === '-' ? process.stdin : createReadStream(file);
  const decoder = new TextDecoder();
  let rest: string | null = null;
  for await (const chunk of input) {
    if (rest === null && isUtf16(chunk))
      throw new CommandFailed(`${nameOf(file)} must be UTF-8, but is UTF-16.`);
    const lines: string[] = ((rest ?? '') + decoder.decode(chunk, { stream: true })).split(/\r?\n/);
    rest = lines.pop() ?? '';
    yield* lines;
  }
  yield rest ?? '';
}

function nameOf(file: string): string {
  return file === '-' ? 'Standard input' : file;
}

function shown({ entries, erased, heads, head, flaw }: Verdict): JsonObject {
  return {
    intact: flaw === null,
    entries,
    ...(erased > 0 ? { erased } : {}),
    heads_compared: heads,
    head: head && { ...head },
    flaw: flaw && { ...flaw },
  };
}
