import type { Command } from 'commander';
import type { JsonObject } from '../base/request.ts';
import { adminPath } from './arguments.ts';
import { plain } from './cells.ts';
import type { Cli, Terminal } from './cli.ts';
import { documentText, readDocumentFile, writeDocumentFile } from './document-file.ts';
import { example } from './example.ts';
import { withYes, type YesOption } from './removal.ts';

interface ExportOptions {
  file?: string;
  team?: string;
}
interface ImportOptions extends YesOption {
  overwrite?: boolean;
}

/** `tollgate export` and `tollgate import` */
export function backupCommands(program: Command, cli: Cli, terminal: Terminal): void {
  program
    .command('export')
    .description(
      'write teams, users, tokens (hashes only), limits, revocations and settings as one JSON document',
    )
    .option('--file <path>', 'where to; else to standard output')
    .option('--team <team>', 'of this team only')
    .addHelpText('after', example('export --file identities.json'))
    .action(async ({ file, team }: ExportOptions) => {
      const query = team === undefined ? '' : `?team=${encodeURIComponent(team)}`;
      const document = (await cli.call('GET', adminPath('export') + query)) ?? {};
      if (file === undefined) return terminal.out(documentText(document));
      writeDocumentFile(file, document);
      cli.printRecord({ file, ...rowCounts(document) });
    });

  withYes(program.command('import'))
    .description('bring such a document back: all of it or nothing; twice is as once')
    .argument('<file>', 'what export has written; - for standard input')
    .option('--overwrite', 'let the document win where the store has something else (revoked stays revoked)')
    .addHelpText('after', example('import identities.json'))
    .action(async (file: string, { overwrite = false, yes }: ImportOptions) => {
      const document = await readDocumentFile(file);
      if (overwrite) await cli.confirm({ yes, loss: () => lossOf(file, document) });
      const query = overwrite ? '?overwrite=true' : '';
      cli.printRecord(await cli.call('POST', adminPath('import') + query, document));
    });
}

/** How many rows each section has. */
function rowCounts(document: JsonObject): JsonObject {
  const lists = Object.entries(document).filter(([, value]) => Array.isArray(value));
  return Object.fromEntries(lists.map(([name, rows]) => [name, Array.isArray(rows) ? rows.length : 0]));
}

function lossOf(file: string, document: JsonObject): string {
  const rows = Object.entries(rowCounts(document)).map(([section, count]) => `${plain(count)} ${section}`);
  return `What the store has otherwise is replaced by what ${file} has: ${rows.join(', ')}.`;
}
