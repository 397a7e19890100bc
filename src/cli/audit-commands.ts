import { createReadStream } from 'node:fs';
import { type Command, Option } from 'commander';
import type { Head } from '../audit/chain.ts';
import { ChainCheck, LoggedHeads, type Verdict } from '../audit/chain-check.ts';
import { isJsonObject, type JsonObject } from '../base/request.ts';
import { isUtf16 } from '../config/text-file.ts';
import { adminPath } from './arguments.ts';
import { auditShowCommand, printEntries } from './audit-entries.ts';
import { plain } from './cells.ts';
import type { Cli } from './cli.ts';
import { codeOf, CommandFailed } from './command-failed.ts';
import { example } from './help.ts';
import { bomOption } from './report-commands.ts';
import { fromOption, toOption } from './time-range.ts';

const entriesPerPage = 1_000;

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
    .option('--actor <actor>', 'root, adm_…, oidc-…, tok_…, sign-in, leak-report, file or command-line')
    .option('--operation <operation>', 'such as token.revoke')
    .addOption(fromOption())
    .addOption(toOption())
    .option('--limit <count>', 'at most this many, up to 1000')
    .option('--cursor <cursor>', 'continue after the previous page')
    .addOption(new Option('--format <format>', 'print all rows as they arrive').choices(['csv', 'ndjson']))
    .addOption(bomOption)
    .addHelpText('after', example('audit list --operation token.revoke'))
    .action((options: Record<string, string>) => printEntries(cli, options));

  auditShowCommand(audit, cli);

  audit
    .command('verify')
    .description('check that no entry was altered, dropped or reordered; exits with 1 if one was')
    .option('--heads <file>', 'log lines (-: standard input): the trail must have every head they name')
    .addHelpText('after', example('audit verify', 'audit verify --heads gateway.log'))
    .action(async ({ heads: file }: { heads?: string }) => {
      // Read before the trail, which must have everything the log knows.
      const heads = file === undefined ? new LoggedHeads() : await headsIn(file);
      const copies = copiesIn(await cli.call('GET', adminPath('records', 'audit')));
      const verdict = await verified(cli, heads, copies.beginsAfter);
      cli.printRecord(shown(verdict, copies));
      if (verdict.flaw) {
        const { sequence, kind, why } = verdict.flaw;
        throw new CommandFailed(`The trail is not intact: entry ${sequence} was ${kind} (${why}).`);
      }
      if (copies.differing.length > 0) {
        throw new CommandFailed(
          `What the store and Postgres have is not the same: ${copies.differing.join(', ')}.`,
        );
      }
      if (copies.beginsAfter !== null) {
        const { sequence } = copies.beginsAfter;
        cli.note(`Entries up to ${sequence} were not checked: they are in Postgres. ${copies.problem}`);
      }
      if (file === undefined) cli.note('Without --heads, dropping the newest entries would go unnoticed.');
    });
}

/** What the gateway says of the copies of entries in the store and in Postgres. */
interface Copies {
  compared: number;
  /** What differs, in words, at most some of it. */
  differing: string[];
  /** Why Postgres was not read. */
  problem: string;
  /** The entry after which the check begins, since those up to it are in Postgres, which was not read. */
  beginsAfter: Head | null;
}

const maxShown = 10;

function copiesIn(answer: JsonObject | null): Copies {
  const { compared, differences, anchor, problem } = answer ?? {};
  const differing = Array.isArray(differences) ? differences.filter(isJsonObject) : [];
  const wasRead = problem === null;
  return {
    compared: Number(compared),
    differing: differing.slice(0, maxShown).map(({ id, kind }) => `${plain(id)} (${plain(kind)})`),
    problem: plain(problem),
    // The API's own words: the number and the hash of an entry.
    beginsAfter: !wasRead && isJsonObject(anchor) ? (anchor as unknown as Head) : null,
  };
}

async function verified(cli: Cli, { heads }: LoggedHeads, beginsAfter: Head | null): Promise<Verdict> {
  const check = new ChainCheck(heads);
  const first = (beginsAfter?.sequence ?? 0) + 1;
  let cursor: string | null = '';
  while (cursor !== null && check.reached !== first) {
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
  return check.end(beginsAfter ?? undefined);
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

function shown(
  { entries, erased, heads, head, flaw }: Verdict,
  { compared, beginsAfter }: Copies,
): JsonObject {
  return {
    intact: flaw === null,
    entries,
    ...(erased > 0 ? { erased } : {}),
    ...(beginsAfter === null ? {} : { begins_after: beginsAfter.sequence }),
    ...(compared > 0 ? { copies_compared: compared } : {}),
    heads_compared: heads,
    head: head && { ...head },
    flaw: flaw && { ...flaw },
  };
}
