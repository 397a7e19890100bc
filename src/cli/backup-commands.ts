import type { Command } from 'commander';
import type { JsonObject } from '../core/request.ts';
import { adminPath } from './arguments.ts';
import type { Cli, Terminal } from './cli.ts';
import { CommandFailed } from './command-failed.ts';
import { documentText, readDocumentFile, writeDocumentFile } from './document-file.ts';

interface ExportOptions {
  file?: string;
  team?: string;
}
interface ImportOptions {
  overwrite?: boolean;
  yes?: boolean;
}

/** `tollgate export` and `tollgate import` */
export function backupCommands(program: Command, cli: Cli, terminal: Terminal): void {
  program
    .command('export')
    .description('write teams, users, tokens (hashes only), limits and revocations as one JSON document')
    .option('--file <path>', 'where to; else to standard output')
    .option('--team <team>', 'of this team only')
    .addHelpText('after', '\nExample: tollgate export --file identities.json')
    .action(async ({ file, team }: ExportOptions) => {
      const query = team === undefined ? '' : `?team=${encodeURIComponent(team)}`;
      const document = (await cli.call('GET', adminPath('export') + query)) ?? {};
      if (file === undefined) return terminal.out(documentText(document));
      writeDocumentFile(file, document);
      cli.printRecord({ file, ...rowCounts(document) });
    });

  program
    .command('import')
    .description('bring such a document back: all of it or nothing; twice is as once')
    .argument('<file>', 'what export has written; - for standard input')
    .option('--overwrite', 'let the document win where the store has something else (revoked stays revoked)')
    .option('--yes', 'do not ask before overwriting')
    .addHelpText('after', '\nExample: tollgate import identities.json')
    .action(async (file: string, { overwrite = false, yes = false }: ImportOptions) => {
      const document = await readDocumentFile(file);
      if (overwrite && !yes) await confirmed(terminal, file);
      const query = overwrite ? '?overwrite=true' : '';
      cli.printRecord(await cli.call('POST', adminPath('import') + query, document));
    });
}

/** How many rows each section has. */
function rowCounts(document: JsonObject): JsonObject {
  const lists = Object.entries(document).filter(([, value]) => Array.isArray(value));
  return Object.fromEntries(lists.map(([name, rows]) => [name, Array.isArray(rows) ? rows.length : 0]));
}

/** Rejects with `CommandFailed` unless the person at the terminal says yes. */
async function confirmed({ ask }: Terminal, file: string): Promise<void> {
  if (!ask || file === '-') throw new CommandFailed('Nobody can be asked here: add --yes to overwrite.');
  const answer = await ask(`Records that differ are replaced by those of ${file}. Go on? Type yes: `);
  if (answer.trim() !== 'yes') throw new CommandFailed('Nothing was changed.');
}
