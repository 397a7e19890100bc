import { renameSync, rmSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { type JsonObject, isJsonObject, type JsonValue } from '../base/request.ts';
import { adminPath, yesOption } from './arguments.ts';
import { plain } from './cells.ts';
import type { Cli, Terminal } from './cli.ts';
import { example } from './help.ts';
import { readInput } from './read-input.ts';
import { codeOf, CommandFailed } from './command-failed.ts';

interface ExportOptions {
  file?: string;
  team?: string;
}
interface ImportOptions {
  yes?: boolean;
  overwrite?: boolean;
}

/** `tollgate export` and `tollgate import` */
export function backupCommands(program: Command, cli: Cli, terminal: Terminal): void {
  program
    .command('export')
    .description(
      'write teams, users, tokens (hashes only), limits, revocations and settings as one JSON document',
    )
    .option('--file <path>', 'write to this file; default: standard output')
    .option('--team <team>', 'export only this team')
    .addHelpText('after', example('export --file identities.json'))
    .action(async ({ file, team }: ExportOptions) => {
      const query = team === undefined ? '' : `?team=${encodeURIComponent(team)}`;
      const document = (await cli.call('GET', adminPath('export') + query)) ?? {};
      if (file === undefined) return terminal.out(documentText(document));
      writeDocumentFile(file, document);
      cli.printRecord({ file, ...rowCounts(document) });
    });

  program
    .command('import')
    .description('import what export wrote, all of it or nothing; a second import changes nothing')
    .argument('<file>', 'a file written by export; - for standard input')
    .addOption(yesOption)
    .option('--overwrite', 'replace records that differ in the store (revoked tokens stay revoked)')
    .addHelpText('after', example('import identities.json'))
    .action(async (file: string, { overwrite = false, yes }: ImportOptions) => {
      const document = await readDocumentFile(file);
      if (overwrite) await cli.confirm({ yes, loss: () => lossOf(file, document) });
      const query = overwrite ? '?overwrite=true' : '';
      await cli.callAndPrint('POST', adminPath('import') + query, document);
    });
}

/** The number of rows in each section. */
function rowCounts(document: JsonObject): JsonObject {
  const lists = Object.entries(document).filter(([, value]) => Array.isArray(value));
  return Object.fromEntries(lists.map(([name, rows]) => [name, Array.isArray(rows) ? rows.length : 0]));
}

function lossOf(file: string, document: JsonObject): string {
  const rows = Object.entries(rowCounts(document)).map(([section, count]) => `${plain(count)} ${section}`);
  return `Records that differ in the store are replaced by those in ${file}: ${rows.join(', ')}.`;
}

/** One row a line, so that people can read it and a diff shows what changed. */
function documentText(document: JsonObject): string {
  const members = Object.entries(document).map(
    ([name, value]) => `${JSON.stringify(name)}: ${rowsText(value)}`,
  );
  return `{\n${members.join(',\n')}\n}`;
}

function rowsText(value: JsonValue): string {
  if (!Array.isArray(value) || value.length === 0) return JSON.stringify(value);
  return `[\n${value.map((row) => JSON.stringify(row)).join(',\n')}\n]`;
}

/** Writes the whole file or nothing, readable only by its owner. Throws `CommandFailed`. */
function writeDocumentFile(file: string, document: JsonObject): void {
  const part = `${file}.part`;
  try {
    // A file left over from before may be readable by others, and would keep its mode.
    rmSync(part, { force: true });
    writeFileSync(part, `${documentText(document)}\n`, { mode: 0o600 });
    renameSync(part, file);
  } catch (error) {
    rmSync(part, { force: true });
    throw new CommandFailed(`${file} cannot be written (${codeOf(error)}).`);
  }
}

/** The JSON object in a file, or on standard input (`-`). Rejects with `CommandFailed`. */
async function readDocumentFile(file: string): Promise<JsonObject> {
  const { name, text } = await readInput(file);
  const value = parsed(text);
  if (isJsonObject(value)) return value;
  throw new CommandFailed(`${name} is not a JSON object as tollgate export writes it.`);
}

function parsed(content: string): JsonValue {
  try {
    return JSON.parse(content) as JsonValue; // JSON.parse gives nothing else
  } catch {
    return null;
  }
}
